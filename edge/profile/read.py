"""A device profile from bytes: JSON, and in a signed one a last line that says who vouches for all bytes before it.

    {"schema": 1, "name": "clinic-3", ...}          any layout, any number of lines
    ed25519 <key hash, 64 hex digits> <signature, base64 of 64 bytes>

The rules of that line stand in `edge.bundle.signedtext`; the role is `profile`. A profile without that line is unsigned; one whose line
does not hold is refused, never taken for unsigned.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.bundle.onefile import read_once
from edge.bundle.signedtext import Kind, signer_of, split_text
from edge.bundle.trust import Role, Trust
from edge.errors import InputRefused, MachineLacks, NotTrusted
from edge.profile.record import DeviceProfile, parse_profile

__all__ = ["MAX_PROFILE_B", "PROFILE", "LoadedProfile", "load_profile", "read_profile"]

MAX_PROFILE_B: Final = 1 << 20  # a profile is a page of numbers; more is another kind of file
PROFILE: Final = Kind("profile", Role.PROFILE, b"sonoderm-profile-v1\n", "add it with: sonoderm trust add KEY.profile.pub")


@dataclass(frozen=True, slots=True)
class LoadedProfile:
    """signer: key hash in hex, None when unsigned. digest: hex SHA-256 of the bytes that are (or would be) signed."""

    profile: DeviceProfile
    signer: str | None
    digest: str


def read_profile(data: bytes, trust: Trust, *, origin: str) -> LoadedProfile:
    """Bytes of a profile -> LoadedProfile. The signature is checked before the JSON is parsed.

    Raises NotTrusted for a signature line that does not hold, or a revoked key or profile; InputRefused for anything that is no profile.
    """
    if len(data) > MAX_PROFILE_B:
        raise InputRefused(f"{origin}: {len(data)} bytes, more than a profile has", do="name a profile file")
    body, line = split_text(data)
    digest = hashlib.sha256(body).hexdigest()
    if digest in trust.revoked:
        raise NotTrusted(f"{origin}: this profile is revoked", do="measure the device anew")
    signer = None if line is None else signer_of(line, body, trust, PROFILE, origin=origin)
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
