"""A private ed25519 key as its owner keeps it, and what it signs. Never imported on a device, which sees the public half alone."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from edge.bundle.keyfile import MAX_KEY_FILE_B, PublicKey
from edge.bundle.onefile import read_once
from edge.bundle.signedtext import MARK, Kind
from edge.errors import InputRefused

__all__ = ["SigningKey", "read_signing_key", "sign_text"]

_MAKE_ONE: Final = "make one with: sonoderm export keygen KEY.pem"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """public: its other half, which devices know; hash: how profiles, bundles and `trust list` name it."""

    private: Ed25519PrivateKey
    public: PublicKey

    @property
    def hash(self) -> str:
        return self.public.hash


def read_signing_key(path: Path) -> SigningKey:
    """PEM, PKCS #8, without a passphrase. Raises InputRefused for anything else, MachineLacks where it may not be read."""
    data = read_once(path, MAX_KEY_FILE_B)
    if b"PRIVATE KEY-----" not in data:
        what = "is a public key: it cannot sign" if b"PUBLIC KEY-----" in data else "is no private key as PEM"
        raise InputRefused(f"{path} {what}", do=_MAKE_ONE)
    try:
        key = load_pem_private_key(data, password=None)
    except TypeError:
        plain = f"openssl pkey -in {path} -out PLAIN.pem"
        raise InputRefused(f"{path} is behind a passphrase, which signing here cannot ask for", do=plain) from None
    except (ValueError, UnsupportedAlgorithm):
        raise InputRefused(f"{path} is no private key as PEM, or damaged", do=_MAKE_ONE) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputRefused(f"{path} is a key of another kind than ed25519", do=_MAKE_ONE)
    return SigningKey(key, PublicKey.of(key.public_key()))


def sign_text(body: bytes, key: SigningKey, kind: Kind) -> bytes:
    """body: whole lines. Adds the line that says who vouches for it."""
    signature = base64.b64encode(key.private.sign(kind.prefix + body))
    return body + MARK + b" " + key.hash.encode() + b" " + signature + b"\n"
