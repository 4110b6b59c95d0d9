"""Ships a payload in the wheel: signed by a key that is thrown away, trusted by digest from then on (edge/models/pinned.toml)."""

import hashlib
import tempfile
from pathlib import Path

import msgspec

from edge.bundle.durable import replace_durably
from edge.bundle.open import verify_bundle
from edge.bundle.shipped import MODELS, PINNED_FILE, Pin, read_pins, write_pins
from edge.bundle.trust import Trust
from export.bundle.keys import keygen
from export.bundle.sign import sign, write_bundle

__all__ = ["pin"]


def pin(payload: bytes, *, version: str, security_counter: int, folder: Path = MODELS) -> Pin:
    """Writes folder/NAME-VERSION.bundle and its digests into folder/pinned.toml; an older bundle of that name is removed last.

    Killed between two steps it leaves the old pin with the old file, or a pin that its file does not fit, which every reader refuses
    by name. The key lives in a private temporary folder for the time of one signature. Raises what `sign` raises, and OSError.
    """
    with tempfile.TemporaryDirectory(prefix="sonoderm-pin-") as room:
        key = keygen(Path(room) / "throw-away.pem").private
        data = sign(payload, key, version=version, security_counter=security_counter)
    new = _pin_of(data)
    write_bundle(data, folder, name=new.name, version=new.version)
    before = read_pins(folder)
    replace_durably(folder / PINNED_FILE, write_pins((*(old for old in before if old.name != new.name), new)))
    for old in before:
        if old.name == new.name and old.file != new.file:
            (folder / old.file).unlink(missing_ok=True)
    return new


def _pin_of(data: bytes) -> Pin:
    image_sha256 = hashlib.sha256(data).hexdigest()
    bundle = verify_bundle(data, Trust(pinned=frozenset([image_sha256])), origin="the new bundle")
    made = Pin(
        name=bundle.manifest.name,
        file=f"{bundle.manifest.name}-{bundle.manifest.version}.bundle",
        version=bundle.manifest.version,
        payload_sha256=bundle.digest,
        image_sha256=image_sha256,
    )
    return msgspec.convert(msgspec.to_builtins(made), Pin)  # names and digests in the shape that the reader asks for
