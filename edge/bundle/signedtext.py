"""Text whose last line says who vouches for all bytes before it: device profiles, and changes of trust.

    ...                                             any number of lines
    ed25519 <key hash, 64 hex digits> <signature, base64 of 64 bytes>

The signature covers a prefix that names the kind of text, followed by every byte before that last line, so that no other thing signed
with the same key can pass for it. Only a trusted, not revoked key of the right role counts.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.bundle.trust import Role, Trust
from edge.errors import NotTrusted

__all__ = ["MARK", "Kind", "signer_of", "split_text"]

MARK: Final = b"ed25519"
_LINE: Final = re.compile(rb"ed25519 ([0-9a-f]{64}) ([A-Za-z0-9+/]{86}==)")


@dataclass(frozen=True, slots=True)
class Kind:
    """what: its name. role: of the keys that may sign it. prefix: of what is signed. stranger: what to do about an unknown key."""

    what: str
    role: Role
    prefix: bytes
    stranger: str


def split_text(data: bytes) -> tuple[bytes, bytes | None]:
    """(what is signed, the signature line or None)."""
    body, newline, last = data.rstrip(b"\r\n").rpartition(b"\n")
    return (body + newline, last.rstrip(b"\r")) if last.startswith(MARK) else (data, None)


def signer_of(line: bytes, body: bytes, trust: Trust, kind: Kind, *, origin: str) -> str:
    """The hash of the key that vouches for body. Raises NotTrusted."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise NotTrusted(f"{origin}: its signature line is damaged", do=f"copy the {kind.what} again, or sign it anew")
    named = match[1].decode()
    if named in trust.revoked:
        do = f"have the {kind.what} signed by another key"
        raise NotTrusted(f"{origin}: signed by key {named[:12]}, which is revoked", do=do)
    known = [key for key in trust.keys if key.hash == named]
    if not known:
        raise NotTrusted(f"{origin}: key {named[:12]}, which signed it, is not trusted here", do=kind.stranger)
    key = next((k for k in known if k.role is kind.role), None)
    if key is None:
        do = f"sign it with a key of role {kind.role}"
        raise NotTrusted(f"{origin}: key {named[:12]} may sign a {known[0].role}, not a {kind.what}", do=do)
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(base64.b64decode(match[2], validate=True), kind.prefix + body)
    except (InvalidSignature, binascii.Error) as error:
        raise NotTrusted(f"{origin}: the signature does not hold", do="it was changed after signing: fetch it again") from error
    return named
