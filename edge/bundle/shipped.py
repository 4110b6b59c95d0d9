"""The bundles in the wheel, and the digests that pin them (edge/models/pinned.toml).

[derm7]
file = "derm7-1.0.0.bundle"
version = "1.0.0"
payload_sha256 = "…"   # the identity of the model
image_sha256 = "…"     # of the whole file
"""

from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from edge.bundle.manifest import Name, Sha256Hex, Version
from edge.bundle.onefile import read_once
from edge.errors import InputRefused, MachineLacks

__all__ = ["MODELS", "PINNED_FILE", "Pin", "read_pins", "write_pins"]

MODELS: Final = Path(__file__).resolve().parents[1] / "models"
PINNED_FILE: Final = "pinned.toml"
MAX_PINNED_B: Final = 64 * 1024
_HEAD = "# Which bundles are trusted by digest. Written by export/bundle/pin.py; a changed byte here or there breaks a test.\n"

BundleFile = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.-]{0,79}\.bundle\Z")]


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    file: BundleFile
    version: Version
    payload_sha256: Sha256Hex
    image_sha256: Sha256Hex


class Pin(_Row, frozen=True, kw_only=True):
    """One shipped bundle, by name."""

    name: Name


def read_pins(folder: Path = MODELS) -> tuple[Pin, ...]:
    """Sorted by name; none where no bundle is shipped. Raises MachineLacks when the file is there and cannot be understood."""
    path = folder / PINNED_FILE
    if not path.exists():
        return ()
    try:
        rows = msgspec.toml.decode(read_once(path, MAX_PINNED_B), type=dict[Name, _Row])
    except (ValueError, InputRefused) as error:
        raise MachineLacks(f"{path} is damaged: {error}", do="pip install --force-reinstall sonoderm") from error
    pins = [Pin(name=name, **msgspec.structs.asdict(row)) for name, row in rows.items()]
    return tuple(sorted(pins, key=lambda pin: pin.name))


def write_pins(pins: tuple[Pin, ...]) -> bytes:
    """The text of pinned.toml; `read_pins` gives the same pins back."""
    parts = [_HEAD]
    for pin in sorted(pins, key=lambda pin: pin.name):
        rows = [f'{field} = "{getattr(pin, field)}"\n' for field in _Row.__struct_fields__]
        parts.append(f"\n[{pin.name}]\n{''.join(rows)}")
    return "".join(parts).encode()
