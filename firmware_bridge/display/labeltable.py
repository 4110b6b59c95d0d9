"""The words behind label ids: one small block of bytes, named by its CRC-32. No label is drawn before the display holds that block.

Block: u16 length of the whole, then texts, each a length byte and UTF-8: a title, then (after a count byte) code and name of each label.
"""

import zlib
from dataclasses import dataclass
from typing import Final

from edge.errors import UsageError
from edge.reading import ModelIdentity
from firmware_bridge.display.frames import LABELS_CAP

__all__ = ["BLOCK_CAP_B", "LabelTable", "hash_of", "read_block", "table_of"]

BLOCK_CAP_B: Final = 1024  # what a receiver keeps room for
_SMALLEST_B: Final = 4  # length, an empty title, a count


@dataclass(frozen=True, slots=True)
class LabelTable:
    """title: model and version. labels: (code, name), in the order of their ids. block: as it travels; hash: its name, never 0."""

    title: str
    labels: tuple[tuple[str, str], ...]
    block: bytes
    hash: int


def hash_of(block: bytes) -> int:
    """CRC-32 of the block; 0 means "no table" on the wire, so 1 stands for it."""
    return zlib.crc32(block) or 1


def table_of(model: ModelIdentity) -> LabelTable:
    """Raises UsageError for a model whose labels do not fit the link."""
    if len(model.labels) > LABELS_CAP:
        raise UsageError(
            f"mcu: {model.name} has {len(model.labels)} labels, the display link carries {LABELS_CAP}", do="use web:, window: or console:"
        )
    title = f"{model.name} {model.version}"
    rest = _text(title) + bytes([len(model.labels)]) + b"".join(_text(code) + _text(name) for code, name in model.labels)
    block = (len(rest) + 2).to_bytes(2, "little") + rest
    if len(block) > BLOCK_CAP_B:
        raise UsageError(
            f"mcu: the labels of {model.name} take {len(block)} bytes, the display keeps {BLOCK_CAP_B}",
            do="use web:, window: or console:, or shorter label names",
        )
    return LabelTable(title, model.labels, block, hash_of(block))


def _text(text: str) -> bytes:
    raw = text.encode()
    if len(raw) > 0xFF:
        raise UsageError(f"mcu: {text[:20]!r}… is longer than the display link carries (255 bytes)", do="use a shorter name")
    return bytes([len(raw)]) + raw


def read_block(block: bytes) -> LabelTable | None:
    """None when it is not a table from its first to its last byte."""
    if not _SMALLEST_B <= len(block) <= BLOCK_CAP_B or int.from_bytes(block[:2], "little") != len(block):
        return None
    title_end = 3 + block[2]
    if title_end >= len(block) or block[title_end] > LABELS_CAP:
        return None
    texts, at = [], title_end + 1
    for _ in range(2 * block[title_end]):
        if at >= len(block) or at + 1 + block[at] > len(block):
            return None
        texts.append(block[at + 1 : at + 1 + block[at]].decode("utf-8", "replace"))
        at += 1 + block[at]
    if at != len(block):
        return None
    labels = tuple(zip(texts[0::2], texts[1::2], strict=True))
    return LabelTable(block[3:title_end].decode("utf-8", "replace"), labels, block, hash_of(block))
