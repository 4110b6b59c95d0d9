"""The orientation of a picture, read from EXIF by ourselves.

Decoders disagree: OpenCV turns JPEG and PNG, WebP since version 5, and TIFF in some releases even when told not to. So no decoder is
asked: each is kept from turning, and the picture is turned here, once. Exif 3.0, table 4, tag 0x0112.
"""

import struct

import numpy as np

from edge.frame import U8
from edge.sources.picture_header import BrokenPictureError

__all__ = ["Directory", "directories", "orientation", "upright"]

ORIENTATION = 0x0112
MAX_DIRECTORIES = 1024  # a TIFF whose directories form a ring must end
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}


class Directory:
    """One image file directory of a TIFF structure. Values are read when asked for; nothing outside the data is touched."""

    def __init__(self, data: bytes, order: str, entries: dict[int, tuple[int, int, int]]) -> None:
        self._data, self._order, self._entries = data, order, entries

    def place(self, tag: int) -> int | None:
        """Where the value of a tag lies in the data, None when the tag is absent."""
        entry = self._entries.get(tag)
        return None if entry is None else entry[2]

    def numbers(self, tag: int) -> tuple[int, ...]:
        """The integers of a tag; () when it is absent or holds something else. Raises BrokenPictureError when cut off."""
        entry = self._entries.get(tag)
        if entry is None or entry[0] not in INTEGERS:
            return ()
        kind, count, at = entry
        form = f"{self._order}{count}{INTEGERS[kind]}"
        if at + struct.calcsize(form) > len(self._data):
            raise BrokenPictureError("it is cut off: a table lies beyond its end")
        return struct.unpack_from(form, self._data, at)

    def number(self, tag: int, default: int) -> int:
        """The first integer of a tag."""
        values = self.numbers(tag)
        return values[0] if values else default


def directories(data: bytes) -> list[Directory]:
    """All directories of a TIFF structure (classic or BigTIFF), in order. Raises BrokenPictureError."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        raise BrokenPictureError("it has no TIFF header")
    magic = struct.unpack_from(order + "H", data, 2)[0]
    if magic not in {42, 43}:
        raise BrokenPictureError("it has no TIFF header")
    big = magic == 43
    if big and len(data) < 16:
        raise BrokenPictureError("it is cut off in its header")
    at = struct.unpack_from(order + "Q", data, 8)[0] if big else struct.unpack_from(order + "I", data, 4)[0]
    found: list[Directory] = []
    seen: set[int] = set()
    while at:
        if at in seen or len(found) >= MAX_DIRECTORIES:
            raise BrokenPictureError("its directories form a ring")
        seen.add(at)
        directory, at = _directory(data, order, at, big)
        found.append(directory)
    return found


def _directory(data: bytes, order: str, at: int, big: bool) -> tuple[Directory, int]:
    """The directory at an offset, and the offset of the next (0: none)."""
    count_form, entry_form, next_form = ("Q", "HHQ", "Q") if big else ("H", "HHI", "I")
    inline_b = 8 if big else 4
    head_b, entry_b = struct.calcsize("<" + count_form), 20 if big else 12
    if at + head_b > len(data):
        raise BrokenPictureError("it is cut off: a directory lies beyond its end")
    count = struct.unpack_from(order + count_form, data, at)[0]
    end = at + head_b + count * entry_b
    if count > 65535 or end > len(data):
        raise BrokenPictureError("it is cut off in a directory")
    entries: dict[int, tuple[int, int, int]] = {}
    for i in range(count):
        place = at + head_b + i * entry_b
        tag, kind, n = struct.unpack_from(order + entry_form, data, place)
        value_at = place + struct.calcsize("<" + entry_form)
        if SIZES.get(kind, 1) * n > inline_b:
            value_at = struct.unpack_from(order + next_form, data, value_at)[0]
        entries.setdefault(tag, (kind, n, value_at))
    following = struct.unpack_from(order + next_form, data, end)[0] if end + struct.calcsize("<" + next_form) <= len(data) else 0
    return Directory(data, order, entries), following


def orientation(exif: bytes) -> int:
    """The orientation 1..8 of an EXIF block; 1 when there is none or it is damaged (an EXIF block is never worth a refusal)."""
    if exif[:6] == b"Exif\0\0":
        exif = exif[6:]
    try:
        value = directories(exif)[0].number(ORIENTATION, 1)
    except (BrokenPictureError, IndexError):
        return 1
    return value if 1 <= value <= 8 else 1


def upright(pixels: U8, turn: int) -> U8:
    """Turns stored pixels (h, w[, c]) so that they stand as the orientation (1..8) says. C-contiguous."""
    if turn in {5, 6, 7, 8}:
        pixels = np.swapaxes(pixels, 0, 1)
    if turn in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if turn in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
