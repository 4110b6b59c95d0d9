"""Signing keys of the workstation: made here, kept here. A device only ever sees the public half."""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from edge.bundle.durable import create_durably, require_folder
from edge.bundle.keyfile import PublicKey, read_public_key
from edge.bundle.onefile import read_once
from edge.errors import InputRefused, UsageError

__all__ = ["KeyPair", "keygen", "read_private_key"]

MAX_KEY_FILE_B = 16 * 1024


@dataclass(frozen=True, slots=True)
class KeyPair:
    """private: signs; mode 0600. public: goes to devices, with `sonoderm trust add`. hash: how bundles name the key."""

    private: Path
    public: Path
    hash: str


def keygen(path: Path) -> KeyPair:
    """Writes a new ed25519 key: the private half to `path` (PEM, PKCS #8, mode 0600), the public half beside it with the suffix .pub.

    Never overwrites: raises UsageError when either file is there, or their folder or a name is not. Raises OSError when the disk refuses.
    """
    if not path.name:  # "", "." and "/"
        raise UsageError("a key file needs a name", do="sonoderm export keygen KEY.pem")
    public = path.with_suffix(".pub")
    if path.suffix == ".pub":
        raise UsageError(f"{path} would be taken for a public key", do=f"name it {path.with_suffix('.pem')}")
    require_folder(path)
    for file in (path, public):
        if os.path.lexists(file):
            raise UsageError(f"{file} is there already: a key is never overwritten", do="choose another name")
    key = Ed25519PrivateKey.generate()
    create_durably(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)
    try:
        create_durably(public, PublicKey.of(key.public_key()).pem)
    except OSError:
        path.unlink()  # half a pair, which nobody has used yet
        raise
    return KeyPair(path, public, read_public_key(public).hash)


def read_private_key(path: Path) -> tuple[Ed25519PrivateKey, PublicKey]:
    """A key that can sign, and its public half. Raises InputRefused for anything else, also for one behind a passphrase."""
    data = read_once(path, MAX_KEY_FILE_B)
    if b"PRIVATE KEY-----" not in data:
        what = "is a public key: it cannot sign" if b"PUBLIC KEY-----" in data else "is no private key as PEM"
        raise InputRefused(f"{path} {what}", do="make one with: sonoderm export keygen KEY.pem")
    try:
        key = load_pem_private_key(data, password=None)
    except TypeError:
        plain = f"openssl pkey -in {path} -out PLAIN.pem"
        raise InputRefused(f"{path} is behind a passphrase, which signing here cannot ask for", do=plain) from None
    except (ValueError, UnsupportedAlgorithm):
        raise InputRefused(f"{path} is no private key as PEM, or damaged", do="make one with: sonoderm export keygen KEY.pem") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputRefused(f"{path} is a key of another kind than ed25519", do="make one with: sonoderm export keygen KEY.pem")
    return key, PublicKey.of(key.public_key())
