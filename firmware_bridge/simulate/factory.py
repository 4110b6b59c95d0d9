"""A device as it leaves the factory: its slots, bound to a model name, with a first model confirmed in one; and its trust folder."""

import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.bundle.keyfile import PublicKey
from edge.bundle.open import VerifiedBundle
from edge.bundle.revoked import REVOKED
from edge.bundle.slotboot import LIFE_NS, start
from edge.bundle.slotfiles import RECORD, DiskFiles, writing
from edge.bundle.trust import Trust
from firmware_bridge.device.slots import SlotStore

__all__ = ["make_device", "make_trust"]

_CHUNK_B = 1 << 20


def make_device(folder: Path, bundle: VerifiedBundle, data: bytes, trust: Trust, class_id: str | None, at: str) -> None:
    """Leaves a folder alone that was made before. class_id: in place of the bundle's own, for other hardware."""
    files = DiskFiles(folder)
    if files.read(RECORD) is not None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    image = bundle.image
    store = SlotStore(files, trust, lock=lambda: writing(folder))
    own_class = str(image.class_id) if image.class_id else None
    store.init(bundle.manifest.name, str(image.vendor_id) if image.vendor_id else None, class_id or own_class)
    if class_id is not None:
        return  # nothing of this kind may run on other hardware: it leaves the factory empty
    at_b = store.begin(hashlib.sha256(data).hexdigest(), len(data))
    while at_b < len(data):
        at_b = store.chunk(at_b, data[at_b : at_b + _CHUNK_B])
    store.install(at)
    store.test(at)
    trial = start(files, trust, at, lock=lambda: writing(folder)).trial
    if trial is not None:
        trial.check_passed(0)
        trial.step(LIFE_NS, at)


def make_trust(folder: Path, trust: Trust) -> None:
    """Who is trusted here is trusted there, at first. Leaves a folder alone that was made before."""
    if folder.exists():
        return
    folder.mkdir(mode=0o755, parents=True)
    for key in trust.keys:
        path = folder / f"{key.name}.{key.role}.pub"
        path = folder / f"{key.name}-{key.hash[:8]}.{key.role}.pub" if path.exists() else path
        path.write_bytes(PublicKey.of(Ed25519PublicKey.from_public_bytes(key.public)).pem)
    if trust.revoked:
        (folder / REVOKED).write_text("".join(f"{digest}\n" for digest in sorted(trust.revoked)))
