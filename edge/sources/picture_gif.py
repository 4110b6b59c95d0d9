"""Headers of the two old simple kinds: GIF (89a) and BMP, and whether their end is there."""

import struct

from edge.sources.picture_header import BrokenPictureError, Header

__all__ = ["bmp_header", "header"]


def header(data: bytes) -> Header:
    """Walks all blocks of a GIF. A missing trailer is forgiven when the last block is whole. Raises BrokenPictureError."""
    if len(data) < 13:
        raise BrokenPictureError("it is cut off")
    wide, high, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + _table_b(flags)
    pictures = 0
    while at < len(data) and data[at] != 0x3B:
        if data[at] == 0x2C:
            if at + 10 > len(data):
                raise BrokenPictureError("it is cut off")
            at = _skip_blocks(data, at + 11 + _table_b(data[at + 9]))
            pictures += 1
        elif data[at] == 0x21:
            at = _skip_blocks(data, at + 2)
        else:
            raise BrokenPictureError("its blocks are damaged")
    if not pictures:
        raise BrokenPictureError("it holds no picture" if at < len(data) else "it is cut off")
    return Header("GIF", wide, high, pictures=pictures)


def _table_b(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_blocks(data: bytes, at: int) -> int:
    """The place behind a chain of sub-blocks."""
    while at < len(data) and data[at]:
        at += 1 + data[at]
    if at >= len(data):
        raise BrokenPictureError("it is cut off")
    return at + 1


def bmp_header(data: bytes) -> Header:
    """The header of a Windows or OS/2 bitmap. Raises BrokenPictureError."""
    if len(data) < 26:
        raise BrokenPictureError("it is cut off")
    start, size = struct.unpack_from("<II", data, 10)
    if size == 12:
        wide, high, _, bits = struct.unpack_from("<HHHH", data, 18)
        packing = 0
    elif size >= 40 and len(data) >= 34:
        wide, high, _, bits, packing = struct.unpack_from("<iiHHI", data, 18)
    else:
        raise BrokenPictureError("its header is damaged")
    rows_b = (wide * bits + 31) // 32 * 4 * abs(high)
    if packing == 0 and start + rows_b > len(data):
        raise BrokenPictureError("it is cut off")
    return Header("BMP", wide, abs(high))
