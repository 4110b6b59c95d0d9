"""Palette colour: index pictures become RGB through three tables. PS3.3, C.7.6.3.1.5, C.7.9 and C.8.16.2 (segmented).

Done by ourselves: tables in big-endian files, first entries that are not zero, a length of 0 that means 65,536, 8-bit entries in
16-bit words, segments. The result is scaled to 8 bits by the declared depth, never cut.
"""

import struct
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.frame import U8
from edge.sources.picture_header import BrokenPictureError

__all__ = ["Palette", "RawTable", "build_palette"]


@dataclass(frozen=True, slots=True)
class RawTable:
    """One colour's table as the file has it: descriptor (entries, first index, bits), words as bytes in the file's order."""

    descriptor: tuple[int, int, int]
    words: bytes
    segmented: bool
    little: bool


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """table: (n, 3) uint8 RGB; first: the index of its first row. Indices below take the first row, above the last (C.7.6.3.1.5)."""

    table: U8
    first: int
    notes: tuple[str, ...] = ()

    def apply(self, index: NDArray[np.integer[Any]]) -> U8:
        """(h, w) integer -> (h, w, 3) uint8."""
        if index.dtype == np.uint8 and self.first == 0 and len(self.table) == 256:
            return np.asarray(cv2.LUT(cv2.merge([index] * 3), self.table[None]), np.uint8)
        place = np.clip(index.astype(np.int64) - self.first, 0, len(self.table) - 1)
        return np.ascontiguousarray(self.table[place])


def build_palette(red: RawTable, green: RawTable, blue: RawTable) -> Palette:
    """Raises BrokenPictureError for tables that cannot be read."""
    columns = [_entries(raw) for raw in (red, green, blue)]
    bits = red.descriptor[2]
    if bits not in {8, 16}:
        raise BrokenPictureError(f"its palette has entries of {bits} bits, 8 or 16 are read")
    length = min(len(column) for column in columns)
    stacked = np.stack([column[:length] for column in columns], axis=1)
    notes: tuple[str, ...] = ()
    if bits == 16 and stacked.max() <= 255 and stacked.max() > 0:
        notes = ("the palette declares 16 bits and uses 8: taken as 8",)
        bits = 8
    if bits == 8 and stacked.max() > 255:
        raise BrokenPictureError("its palette declares 8 bits and holds more")
    top = 2**bits - 1
    return Palette(np.rint(stacked * (255 / top)).astype(np.uint8), red.descriptor[1], notes)


def _entries(raw: RawTable) -> NDArray[np.int64]:
    """The entries of one colour as int64."""
    count, _, bits = raw.descriptor
    count = count or 65536
    if raw.segmented:
        entries = np.array(_expand(_words(raw.words, raw.little)), np.int64)
    elif bits == 8 and len(raw.words) < 2 * count:
        entries = np.frombuffer(_bytes(raw), np.uint8).astype(np.int64)
    else:
        entries = np.array(_words(raw.words, raw.little), np.int64)
        if bits == 8 and len(entries) and entries.max() > 255:
            entries >>= 8  # some writers put 8 bits into the upper half of a word
    if len(entries) < count:
        raise BrokenPictureError("its palette is shorter than it declares")
    return entries[:count]


def _words(data: bytes, little: bool) -> tuple[int, ...]:
    return struct.unpack(f"{'<' if little else '>'}{len(data) // 2}H", data[: len(data) // 2 * 2])


def _bytes(raw: RawTable) -> bytes:
    """Bytes packed into words: in a big-endian file the second entry comes first."""
    if raw.little:
        return raw.words
    return np.frombuffer(raw.words[: len(raw.words) // 2 * 2], ">u2").astype("<u2").tobytes()


def _expand(words: tuple[int, ...], depth: int = 0) -> list[int]:
    """Segments -> entries: 0 discrete, 1 linear from the entry before, 2 a repeat of earlier segments."""
    out: list[int] = []
    at = 0
    while at < len(words) and len(out) <= 65536:
        if at + 2 > len(words):
            break  # a padding word
        opcode, length = words[at], words[at + 1]
        if opcode == 0:
            out.extend(words[at + 2 : at + 2 + length])
            at += 2 + length
        elif opcode == 1:
            if not out or at + 2 >= len(words):
                raise BrokenPictureError("its segmented palette is damaged")
            start, stop = out[-1], words[at + 2]
            out.extend(round(start + (stop - start) * (step + 1) / length) for step in range(length))
            at += 3
        elif opcode == 2 and depth == 0 and at + 3 < len(words):
            place = (words[at + 2] | words[at + 3] << 16) // 2  # an offset in bytes
            out.extend(_repeat(words, place, length, out))
            at += 4
        else:
            raise BrokenPictureError("its segmented palette is damaged")
    return out


def _repeat(words: tuple[int, ...], place: int, segments: int, before: list[int]) -> list[int]:
    """The entries of `segments` discrete or linear segments that begin at word `place`."""
    out: list[int] = []
    for _ in range(segments):
        if place + 2 >= len(words) or words[place] not in {0, 1}:
            raise BrokenPictureError("its segmented palette is damaged")
        opcode, length = words[place], words[place + 1]
        if opcode == 0:
            out.extend(words[place + 2 : place + 2 + length])
            place += 2 + length
        else:
            start = (out or before)[-1] if out or before else 0
            out.extend(round(start + (words[place + 2] - start) * (step + 1) / length) for step in range(length))
            place += 3
    return out
