"""What is signed in a device profile on the workstation: the last line that `edge.profile.read` checks."""

import msgspec

from edge.bundle.signing import SigningKey, read_signing_key, sign_text
from edge.bundle.trust import Role, Trust
from edge.profile.read import PROFILE
from edge.profile.record import DeviceProfile

__all__ = ["SigningKey", "encode", "is_trusted", "read_signing_key", "signed"]


def encode(profile: DeviceProfile) -> bytes:
    """The profile as JSON that a person can read and compare, ended by a newline; without a signature."""
    return msgspec.json.format(msgspec.json.encode(profile), indent=1) + b"\n"


def signed(body: bytes, key: SigningKey) -> bytes:
    """body: what `encode` gave. Adds the line that says who vouches for it."""
    return sign_text(body, key, PROFILE)


def is_trusted(key: SigningKey, trust: Trust) -> bool:
    """Would a device with this trust believe a profile that `key` signed?"""
    return key.hash not in trust.revoked and any(known.hash == key.hash and known.role is Role.PROFILE for known in trust.keys)
