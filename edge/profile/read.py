"""A device profile from bytes: JSON, and in a signed one a last line that says who vouches for all bytes before it.

    {"schema": 1, "name": "clinic-3", ...}          any layout, any number of lines
    ed25519 <key hash, 64 hex digits> <signature, base64 of 64 bytes>

The signature covers SIGNED_AS followed by every byte before that last line, so that no other thing signed with the
same key can pass for a profile. Only a trusted, not revoked key whose role is `profile` counts. A profile without
that line is unsigned; one whose line does not hold is refused, never taken for unsigned.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.bundle.onefile import read_once
from edge.bundle.trust import Role, Trust
from edge.errors import InputRefused, MachineLacks, NotTrusted
from edge.profile.record import DeviceProfile, parse_profile

__all__ = ["MAX_PROFILE_B", "SIGNED_AS", "LoadedProfile", "load_profile", "read_profile"]

MAX_PROFILE_B: Final = 1 << 20  # a profile is a page of numbers; more is another kind of file
SIGNED_AS: Final = b"sonoderm-profile-v1\n"
MARK = b"ed25519"
SIGNATURE_LINE = re.compile(rb"ed25519 ([0-9a-f]{64}) ([A-Za-z0-9+/]{86}==)")


@dataclass(frozen=True, slots=True)
class LoadedProfile:
    """signer: key hash in hex, None when unsigned. digest: hex SHA-256 of the bytes that are (or would be) signed."""

    profile: DeviceProfile
    signer: str | None
    digest: str


def _split(data: bytes) -> tuple[bytes, bytes | None]:
    """(what is signed, the signature line or None)."""
    body, newline, last = data.rstrip(b"\r\n").rpartition(b"\n")
    return (body + newline, last.rstrip(b"\r")) if last.startswith(MARK) else (data, None)


def _signer(line: bytes, body: bytes, trust: Trust, origin: str) -> str:
    match = SIGNATURE_LINE.fullmatch(line)
    if match is None:
        raise NotTrusted(f"{origin}: its signature line is damaged", do="copy the profile again, or sign it anew")
    named = match[1].decode()
    if named in trust.revoked:
        raise NotTrusted(f"{origin}: signed by key {named[:12]}, which is revoked", do="have the profile signed by another key")
    known = [key for key in trust.keys if key.hash == named]
    if not known:
        raise NotTrusted(
            f"{origin}: key {named[:12]}, which signed it, is not trusted here", do="add it with: sonoderm trust add KEY.profile.pub"
        )
    key = next((k for k in known if k.role is Role.PROFILE), None)
    if key is None:
        raise NotTrusted(f"{origin}: key {named[:12]} may sign a {known[0].role}, not a profile", do="sign it with a key of role profile")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(base64.b64decode(match[2], validate=True), SIGNED_AS + body)
    except (InvalidSignature, binascii.Error) as error:
        raise NotTrusted(f"{origin}: the signature does not hold", do="it was changed after signing: fetch it again") from error
    return named


def read_profile(data: bytes, trust: Trust, *, origin: str) -> LoadedProfile:
    """Bytes of a profile -> LoadedProfile. The signature is checked before the JSON is parsed.

    Raises NotTrusted for a signature line that does not hold, or a revoked key or profile; InputRefused for anything that is no profile.
    """
    if len(data) > MAX_PROFILE_B:
        raise InputRefused(f"{origin}: {len(data)} bytes, more than a profile has", do="name a profile file")
    body, line = _split(data)
    digest = hashlib.sha256(body).hexdigest()
    if digest in trust.revoked:
        raise NotTrusted(f"{origin}: this profile is revoked", do="measure the device anew")
    signer = None if line is None else _signer(line, body, trust, origin)
    try:
        profile = parse_profile(body)
    except (ValueError, RecursionError) as error:
        raise InputRefused(f"{origin}: no device profile: {error}", do="make one with: sonoderm calibrate") from error
    return LoadedProfile(profile, signer, digest)


def load_profile(path: Path, trust: Trust) -> LoadedProfile:
    """Reads a regular file once, with a size cap. Raises what read_profile raises, and InputRefused when it cannot be read."""
    try:
        data = read_once(path, MAX_PROFILE_B)
    except MachineLacks as error:
        raise InputRefused(error.what, do="name a profile file that this user may read") from error
    return read_profile(data, trust, origin=str(path))
