"""From a file to a model that may be used: read once, verify, then parse. Only this module makes a `VerifiedBundle`."""

import difflib
import hashlib
import os
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, replace
from pathlib import Path
from typing import Final
from uuid import UUID

from edge.bundle.archive import MANIFEST, ArchiveFault, Entry, read_archive
from edge.bundle.image import MAX_BUNDLE_B, VerifiedImage, verify_image
from edge.bundle.manifest import Manifest, parse
from edge.bundle.onefile import read_once
from edge.bundle.shipped import MODELS, Pin, read_pins
from edge.bundle.trust import Trust
from edge.errors import BundleRefused, InputRefused, UsageError

__all__ = ["SLOT", "VerifiedBundle", "open_bundle", "open_shipped", "resolve_model", "verify_bundle"]

SLOT: Final = "slot:"
_PROOF: Final = object()
_MAKE_AGAIN = "ask its signer to make it again with sonoderm export"


@dataclass(frozen=True, slots=True, eq=False)
class VerifiedBundle:
    """A model whose every byte was verified. path: where it was read from, None when it came as bytes."""

    manifest: Manifest
    image: VerifiedImage
    path: Path | None
    _members: Mapping[str, Entry]
    proof: InitVar[object]

    def __post_init__(self, proof: object) -> None:
        if proof is not _PROOF:
            raise TypeError("a VerifiedBundle is made by open_bundle or verify_bundle alone")

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the payload: the identity of the model, whoever signed it."""
        return self.image.payload_sha256

    @property
    def size_b(self) -> int:
        """Of the whole file."""
        return self.image.size_b

    @property
    def signer(self) -> str:
        """Key hash (hex), or "pinned"."""
        return self.image.signer

    def member(self, name: str) -> bytes:
        """The bytes of one member, from the buffer that was verified. Raises KeyError for a name that the manifest does not list."""
        entry = self._members[name]
        return self.image.payload[entry.start_b : entry.start_b + entry.size_b]


def open_bundle(path: Path, trust: Trust) -> VerifiedBundle:
    """One file -> a verified model. Raises BundleRefused; InputRefused when it is no file; MachineLacks when it may not be read."""
    return _verify(read_once(path, MAX_BUNDLE_B), trust, origin=str(path), path=path)


def verify_bundle(data: bytes, trust: Trust, *, origin: str) -> VerifiedBundle:
    """The same for bytes that were received. origin: what errors call them. Raises BundleRefused."""
    return _verify(data, trust, origin=origin, path=None)


def _verify(data: bytes, trust: Trust, *, origin: str, path: Path | None) -> VerifiedBundle:
    try:
        image = verify_image(data, trust)
        manifest, members = _content(image)
    except BundleRefused as error:
        raise BundleRefused(f"{origin}: refused: {error.what}", state=error.state, do=error.do) from error.__cause__
    return VerifiedBundle(manifest, image, path, members, _PROOF)


def _content(image: VerifiedImage) -> tuple[Manifest, Mapping[str, Entry]]:
    """The manifest, and where each member lies; every rule between manifest, archive and header is checked here."""
    payload = memoryview(image.payload)
    try:
        first, *rest = read_archive(image.payload)
        if first.name != MANIFEST:
            raise ArchiveFault(f"the first member is {first.name}, not {MANIFEST}")
        manifest = parse(bytes(payload[first.start_b : first.start_b + first.size_b]))
    except ArchiveFault as error:
        raise BundleRefused(f"its payload is malformed: {error}", do=_MAKE_AGAIN) from error
    except ValueError as error:
        raise BundleRefused(f"its manifest is refused: {error}", do=_MAKE_AGAIN) from error
    if [entry.name for entry in rest] != [member.name for member in manifest.members]:
        raise BundleRefused("the members of its payload are not those that its manifest lists, in that order", do=_MAKE_AGAIN)
    for entry, member in zip(rest, manifest.members, strict=True):
        data = payload[entry.start_b : entry.start_b + entry.size_b]
        if member.size_b != entry.size_b or member.sha256 != hashlib.sha256(data).hexdigest():
            raise BundleRefused(f"member {entry.name} has another size or SHA-256 than its manifest lists", do=_MAKE_AGAIN)
    if manifest.version != image.version:
        raise BundleRefused(f"its header says version {image.version}, its manifest {manifest.version}", do=_MAKE_AGAIN)
    for what, said, bound in (("vendor", manifest.vendor_id, image.vendor_id), ("class", manifest.class_id, image.class_id)):
        if said is not None and UUID(said) != bound:
            raise BundleRefused(f"its manifest binds it to {what} {said}, its signed header to {bound or 'none'}", do=_MAKE_AGAIN)
    return manifest, {entry.name: entry for entry in rest}


def open_shipped(pin: Pin, trust: Trust, folder: Path = MODELS) -> VerifiedBundle:
    """A bundle of the wheel. A signature is not enough for it: it must be the very file that was pinned."""
    path = folder / pin.file
    reinstall = "pip install --force-reinstall sonoderm"
    try:
        data = read_once(path, MAX_BUNDLE_B)
    except InputRefused as error:
        raise BundleRefused(f"shipped model {pin.name}: {error.what}", do=reinstall) from error
    if hashlib.sha256(data).hexdigest() != pin.image_sha256:
        raise BundleRefused(f"{path}: refused: it is not the file that was shipped as {pin.name} {pin.version}", do=reinstall)
    trust = replace(trust, pinned=trust.pinned | {pin.image_sha256})
    return _verify(data, trust, origin=str(path), path=path)


def resolve_model(name_or_path: str, trust: Trust, folder: Path = MODELS) -> VerifiedBundle:
    """What --model takes: a shipped name, a path, or slot:DIR. Raises UsageError for a name that is none of them; else as open_bundle.

    slot:DIR gives what is confirmed there; only `run` starts a trial (edge.pipeline.slot_run).
    """
    if name_or_path.startswith(SLOT):
        from edge.bundle.slotboot import confirmed_model  # it builds on this module

        return confirmed_model(Path(name_or_path.removeprefix(SLOT)), trust)
    pins = read_pins(folder)
    pin = next((pin for pin in pins if pin.name == name_or_path), None)
    if pin is not None:
        return open_shipped(pin, trust, folder)
    if "/" in name_or_path or name_or_path.endswith(".bundle") or os.path.lexists(name_or_path):
        return open_bundle(Path(name_or_path), trust)
    names = [pin.name for pin in pins]
    near = difflib.get_close_matches(name_or_path, names, n=1)
    do = f"did you mean {near[0]}?" if near else f"shipped are: {', '.join(names) or 'none'}; or give the path of a bundle"
    raise UsageError(f"there is no model '{name_or_path}'", do=do)
