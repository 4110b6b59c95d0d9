"""A public key file: one ed25519 key as PEM. Whatever else is offered is refused by its name, a private key loudest."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from edge.bundle.onefile import read_once
from edge.errors import InputRefused

__all__ = ["MAX_KEY_FILE_B", "PublicKey", "parse_public_key", "read_public_key"]

MAX_KEY_FILE_B: Final = 16 * 1024
_GET_PUBLIC = "imgtool getpub --key PRIVATE.pem --encoding pem"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """hash: hex SHA-256 of the DER SubjectPublicKeyInfo (the KEYHASH of an MCUboot image). raw: the 32 bytes of the key."""

    hash: str
    raw: bytes
    pem: bytes

    @classmethod
    def of(cls, key: Ed25519PublicKey) -> Self:
        der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return cls(hash=hashlib.sha256(der).hexdigest(), raw=key.public_bytes_raw(), pem=pem)


def read_public_key(path: Path) -> PublicKey:
    """Raises InputRefused for anything but one ed25519 public key as PEM; MachineLacks when the file may not be read."""
    return parse_public_key(read_once(path, MAX_KEY_FILE_B), path)


def parse_public_key(data: bytes, path: Path) -> PublicKey:
    """path: what errors call it. Raises InputRefused."""
    if b"PRIVATE KEY-----" in data:
        raise InputRefused(
            f"{path} holds a PRIVATE key: whoever reads it can sign for its owner",
            state="nothing was copied",
            do="keep it off this machine, and give the public key instead (PATH.pub)",
        )
    if len(data) > MAX_KEY_FILE_B or data.count(b"-----BEGIN ") != 1:
        kind = "an OpenSSH key" if data.startswith(b"ssh-") else "not one key as PEM"
        raise InputRefused(f"{path} is {kind}", do=f"write it as PEM: {_GET_PUBLIC}")
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise InputRefused(f"{path} is no public key as PEM", do=f"write it as PEM: {_GET_PUBLIC}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise InputRefused(f"{path} is a key of another kind than ed25519", do="make one with: sonoderm export keygen")
    return PublicKey.of(key)
