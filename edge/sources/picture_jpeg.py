"""Header of a JPEG (ITU-T T.81, annex B), and whether its end is there."""

import re
import struct

from edge.sources.picture_exif import orientation
from edge.sources.picture_header import BrokenPictureError, Header

__all__ = ["header"]

FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # SOF0..15 without DHT, JPG, DAC
ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
SOS, EOI, APP1 = 0xDA, 0xD9, 0xE1


def header(data: bytes) -> Header:
    """Walks the markers from SOI to EOI. Raises BrokenPictureError when one is missing."""
    at, size, turn = 2, None, 1
    while True:
        marker, at = _marker(data, at)
        if marker == EOI:
            break
        if marker in ALONE:
            continue
        length = struct.unpack_from(">H", data, at)[0] if at + 2 <= len(data) else 0
        if length < 2 or at + length > len(data):
            raise BrokenPictureError("it is cut off")
        if marker in FRAMES and size is None:
            if length < 8:
                raise BrokenPictureError("its frame header is too short")
            bits, high, wide = struct.unpack_from(">BHH", data, at + 2)
            size = (bits, high, wide)
        elif marker == APP1 and data[at + 2 : at + 8] == b"Exif\0\0":
            turn = orientation(data[at + 8 : at + length])
        at += length
        if marker == SOS:
            found = MARKER_IN_SCAN.search(data, at)
            if found is None:
                raise BrokenPictureError("it is cut off: the end of the picture is missing")
            at = found.start()
    if size is None:
        raise BrokenPictureError("it holds no picture")
    bits, high, wide = size
    return Header("JPEG", wide, high, bits=bits, orientation=turn)


def _marker(data: bytes, at: int) -> tuple[int, int]:
    """The next marker and the place behind it; fill bytes (0xFF) may stand before it."""
    if at >= len(data):
        raise BrokenPictureError("it is cut off: the end of the picture is missing")
    if data[at] != 0xFF:
        raise BrokenPictureError("its markers are damaged")
    while at < len(data) and data[at] == 0xFF:
        at += 1
    if at >= len(data):
        raise BrokenPictureError("it is cut off: the end of the picture is missing")
    return data[at], at + 1
