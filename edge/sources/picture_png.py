"""Header of a PNG (W3C PNG, third edition), whether its end is there, and whether its checksums hold."""

import struct
import zlib

from edge.sources.picture_exif import orientation
from edge.sources.picture_header import BrokenPictureError, Header

__all__ = ["header"]


def header(data: bytes) -> Header:
    """Walks all chunks. Raises BrokenPictureError for a missing end or a wrong checksum of a critical chunk."""
    at, turn, pictures = 8, 1, 1
    size: tuple[int, int, int] | None = None
    has_data = False
    while True:
        if at + 12 > len(data):
            raise BrokenPictureError("it is cut off")
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise BrokenPictureError("it is cut off")
        body = data[at + 8 : end - 4]
        critical = not name[0] & 0x20
        if critical and zlib.crc32(body, zlib.crc32(name)) != struct.unpack_from(">I", data, end - 4)[0]:
            raise BrokenPictureError("its checksum is wrong: the file was damaged")
        if size is None:
            if name != b"IHDR" or length != 13:
                raise BrokenPictureError("it does not begin with a header")
            wide, high, bits = struct.unpack_from(">IIB", body)
            size = (wide, high, bits)
        elif name == b"eXIf":
            turn = orientation(body)
        elif name == b"acTL" and length == 8:
            pictures = max(1, struct.unpack_from(">I", body)[0])
        elif name == b"IDAT":
            has_data = True
        elif name == b"IEND":
            break
        at = end
    if not has_data:
        raise BrokenPictureError("it holds no picture")
    return Header("PNG", size[0], size[1], bits=size[2], orientation=turn, pictures=pictures)
