"""A manifest and its members -> the payload of a bundle, reproducible to the byte. Used by export, and by whoever writes a bundle."""

import hashlib
from collections.abc import Mapping

import msgspec

from edge.bundle.archive import MANIFEST, write_archive
from edge.bundle.manifest import Manifest, Member, parse

__all__ = ["build_payload"]


def build_payload(manifest_without_members: Manifest, members: Mapping[str, bytes]) -> bytes:
    """The canonical zip: manifest.json first, then the members in their order, each listed with size and SHA-256.

    What the manifest says of members is replaced. Raises ValueError when the result would be refused by a reader
    (a form that names no member, golden outputs of the wrong length, a name that is not allowed …).
    """
    if MANIFEST in members:
        raise ValueError(f"{MANIFEST} is written here and cannot be a member")
    listed = tuple(Member(name=name, sha256=hashlib.sha256(data).hexdigest(), size_b=len(data)) for name, data in members.items())
    manifest = msgspec.structs.replace(manifest_without_members, members=listed)
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    parse(text)
    return write_archive({MANIFEST: text, **members})
