"""Signing keys of the workstation: made here, kept here. A device only ever sees the public half."""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from edge.bundle.durable import create_durably, require_folder
from edge.bundle.keyfile import PublicKey, read_public_key
from edge.errors import UsageError

__all__ = ["KeyPair", "keygen"]


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
