"""Finds the frames of encapsulated pixel data in a file, without reading them. PS3.5, annex A.4.

A cine of gigabytes costs one seek and eight bytes per fragment here. A file that was cut off gives the fragments that are whole.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["Encapsulated", "Piece", "find_frames", "walk"]

ITEM, END = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)
MAX_PIECES = 1_000_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a file: where they begin, and how many."""

    at: int
    size_b: int


@dataclass(frozen=True, slots=True)
class Encapsulated:
    """fragments in order; table: the basic offset table, () when empty; cut: the file ends before the sequence does."""

    fragments: tuple[Piece, ...]
    table: tuple[int, ...]
    cut: bool


def walk(file: BinaryIO, start: int, size_b: int) -> Encapsulated:
    """Walks the items from `start` (the first item, which is the offset table) to the delimiter or the end of the file."""
    items: list[Piece] = []
    at, cut = start, True
    while at + 8 <= size_b and len(items) < MAX_PIECES:
        file.seek(at)
        group, element, length = struct.unpack("<HHI", file.read(8))
        if (group, element) == END:
            cut = False
            break
        if (group, element) != ITEM or at + 8 + length > size_b:
            break
        items.append(Piece(at + 8, length))
        at += 8 + length
    table: tuple[int, ...] = ()
    if items and items[0].size_b % 4 == 0 and 0 < items[0].size_b <= 4 * MAX_PIECES:
        file.seek(items[0].at)
        table = struct.unpack(f"<{items[0].size_b // 4}I", file.read(items[0].size_b))
    return Encapsulated(tuple(items[1:]), table, cut)


def find_frames(file: BinaryIO, data: Encapsulated, frames: int) -> tuple[tuple[Piece, ...], ...]:
    """The pieces of each frame: one fragment a frame needs no table (a wrong one does no harm); else by table; else by JPEG end marks."""
    pieces = data.fragments
    if frames == 1 and not data.cut:
        return (pieces,) if pieces else ()
    if len(pieces) == frames or (data.cut and len(data.table) != frames):
        return tuple((piece,) for piece in pieces[:frames])
    if len(data.table) == frames:
        return _by_table(data)
    return _by_end_marks(file, pieces)[:frames]


def _by_table(data: Encapsulated) -> tuple[tuple[Piece, ...], ...]:
    if not data.fragments:
        return ()
    origin = data.fragments[0].at - 8
    starts = set(data.table)
    found: list[list[Piece]] = []
    for piece in data.fragments:
        if piece.at - 8 - origin in starts or not found:
            found.append([])
        found[-1].append(piece)
    if data.cut and found:  # its last fragment may be the one that is missing
        found.pop()
    return tuple(tuple(pieces) for pieces in found)


def _by_end_marks(file: BinaryIO, pieces: tuple[Piece, ...]) -> tuple[tuple[Piece, ...], ...]:
    found: list[tuple[Piece, ...]] = []
    open_pieces: list[Piece] = []
    for piece in pieces:
        open_pieces.append(piece)
        tail = min(10, piece.size_b)
        file.seek(piece.at + piece.size_b - tail)
        if b"\xff\xd9" in file.read(tail):
            found.append(tuple(open_pieces))
            open_pieces = []
    return tuple(found)
