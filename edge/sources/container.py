"""Is a clip's file whole? Read from the outermost boxes of its container alone; nothing is decoded here.

A recording cut by power loss is the clip one meets most often after an intact one. FFmpeg reports it as "not opened" (an MP4
whose index was never written) or as a plain end (an MP4, MKV or AVI that stops early): neither tells a person what happened.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["Container", "examine"]

_MAX_BOXES = 100_000  # a fragmented MP4 of a whole day has fewer; bounds the walk over a hostile file
_EBML = 0x1A45DFA3
_SEGMENT = 0x18538067


@dataclass(frozen=True, slots=True)
class Container:
    """What the outer structure says. expected_b: how long the file says it is; None when it does not say.

    kind: "mp4", "matroska", "avi" or "other". has_index: an MP4 without its `moov` box can never be decoded.
    """

    kind: str
    size_b: int
    expected_b: int | None = None
    has_index: bool = True

    @property
    def is_cut(self) -> bool:
        """True when the file ends before its own structure does."""
        return self.expected_b is not None and self.expected_b > self.size_b


def examine(file: BinaryIO) -> Container:
    """Look at an open file, from its beginning; any content is fine. Reads a few bytes per box. Raises OSError alone."""
    size_b = file.seek(0, 2)
    file.seek(0)
    head = file.read(16)
    if len(head) >= 12 and head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}:
        return _mp4(file, size_b)
    if len(head) >= 4 and struct.unpack(">I", head[:4])[0] == _EBML:
        return _matroska(file, size_b)
    if len(head) >= 12 and head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return Container("avi", size_b, expected_b=_riff_b(head))
    return Container("other", size_b)


def _riff_b(head: bytes) -> int | None:
    length_b: int = struct.unpack("<I", head[4:8])[0]
    return None if length_b in {0, 0xFFFFFFFF} else 8 + length_b  # 0: the writer never came back to fill it in


def _mp4(file: BinaryIO, size_b: int) -> Container:
    """ISO/IEC 14496-12, 4.2: size (32 bit, 1 = 64 bit follows, 0 = to the end of the file), type, content."""
    at_b, has_index, has_pictures, expected_b = 0, False, False, size_b
    for _ in range(_MAX_BOXES):
        file.seek(at_b)
        head = file.read(16)
        if len(head) < 8:
            expected_b = at_b + 8 if head else at_b
            break
        box_b, name = struct.unpack(">I4s", head[:8])
        if box_b == 1:
            box_b = struct.unpack(">Q", head[8:16])[0] if len(head) == 16 else 16
        has_index |= name == b"moov"
        has_pictures |= name == b"mdat"
        if box_b == 0:
            expected_b = size_b
            break
        if box_b < 8:
            expected_b = size_b  # not a box: foreign bytes after the last one are no sign of a cut
            break
        at_b += box_b
        expected_b = at_b
        if at_b >= size_b:
            break
    if has_index and not has_pictures:  # cut between the two, to the byte
        expected_b = max(expected_b, size_b + 8)
    return Container("mp4", size_b, expected_b=expected_b, has_index=has_index)


def _matroska(file: BinaryIO, size_b: int) -> Container:
    """RFC 8794: EBML header, then one Segment whose size may be unknown (all ones), as written to a pipe."""
    file.seek(0)
    at_b = 0
    for _ in range(2):
        file.seek(at_b)
        head = file.read(12)
        if len(head) < 5:
            break
        name = struct.unpack(">I", head[:4])[0]
        length_b, width_b = _vint(head[4:])
        if length_b is None:
            break
        at_b += 4 + width_b + length_b
        if name == _SEGMENT:
            return Container("matroska", size_b, expected_b=at_b)
    return Container("matroska", size_b)


def _vint(data: bytes) -> tuple[int | None, int]:
    """EBML's length of variable width -> (value or None for "unknown", width in bytes)."""
    first = data[0]
    width_b = 9 - first.bit_length()
    if width_b > 8 or len(data) < width_b:
        return None, width_b
    value = int.from_bytes(data[:width_b], "big") & ((1 << (7 * width_b)) - 1)
    return (None if value == (1 << (7 * width_b)) - 1 else value), width_b
