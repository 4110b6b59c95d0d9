"""The 8-byte SMP header, versions 0 and 1."""

import struct
from dataclasses import dataclass
from typing import Final

__all__ = ["HEADER_B", "Header", "pack", "unpack"]

HEADER_B: Final = 8
_LAYOUT: Final = struct.Struct("!BBHHBB")


@dataclass(frozen=True, slots=True)
class Header:
    """op: 0 read, 1 read reply, 2 write, 3 write reply. version: 0 legacy, 1 "SMP version 2"."""

    op: int
    version: int
    group: int
    sequence: int
    command: int


def pack(header: Header, payload: bytes) -> bytes:
    first = (header.version & 3) << 3 | (header.op & 7)
    return _LAYOUT.pack(first, 0, len(payload), header.group, header.sequence, header.command) + payload


def unpack(message: bytes) -> tuple[Header, bytes] | None:
    """None: too short, a length that does not fit, or a version we do not know. Nothing is owed to such bytes."""
    if len(message) < HEADER_B:
        return None
    first, _, length_b, group, sequence, command = _LAYOUT.unpack_from(message)
    header = Header(first & 7, first >> 3 & 3, group, sequence, command)
    if len(message) != HEADER_B + length_b or header.version > 1:
        return None
    return header, message[HEADER_B:]
