"""Header of a WebP (RFC 9649), and whether its end is there."""

import struct

from edge.sources.picture_exif import orientation
from edge.sources.picture_header import BrokenPictureError, Header

__all__ = ["header"]


def header(data: bytes) -> Header:
    """Walks the chunks of the RIFF container. Raises BrokenPictureError."""
    end = struct.unpack_from("<I", data, 4)[0] + 8 if len(data) >= 12 else 0
    if not 12 <= end <= len(data):
        raise BrokenPictureError("it is cut off")
    at, turn, pictures = 12, 1, 0
    size: tuple[int, int] | None = None
    while at + 8 <= end:
        name, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > end:
            raise BrokenPictureError("it is cut off")
        body = data[at + 8 : at + 8 + length]
        if name == b"EXIF":
            turn = orientation(body)
        elif name in {b"VP8 ", b"VP8L", b"ANMF"}:
            pictures += 1
        size = size or _size(name, body)
        at += 8 + length + (length & 1)
    if size is None or not pictures:
        raise BrokenPictureError("it holds no picture")
    return Header("WebP", size[0], size[1], orientation=turn, pictures=pictures)


def _size(name: bytes, body: bytes) -> tuple[int, int] | None:
    """Width and height, where this chunk is one that states them."""
    if name == b"VP8X" and len(body) >= 10:
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if name == b"VP8 " and len(body) >= 10 and body[3:6] == b"\x9d\x01\x2a":
        wide, high = struct.unpack_from("<HH", body, 6)
        return wide & 0x3FFF, high & 0x3FFF
    if name == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        packed = int.from_bytes(body[1:5], "little")
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    return None
