"""What a JPEG inside DICOM says of itself: size, depth, and whether its colours were transformed. T.81 annex B, T.872 (Adobe)."""

import struct
from dataclasses import dataclass

from edge.sources.picture_header import BrokenPictureError

__all__ = ["JpegHeader", "read_jpeg_header"]

FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}  # 0xF7: JPEG-LS


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """ybr: True, the stream says that it holds YCbCr; False, that it holds RGB; None, it says nothing."""

    rows: int
    columns: int
    bits: int
    components: int
    ybr: bool | None


def read_jpeg_header(data: bytes) -> JpegHeader:
    """Walks the markers to the frame header. Raises BrokenPictureError."""
    if data[:2] != b"\xff\xd8":
        raise BrokenPictureError("a compressed frame is no JPEG")
    at, ybr = 2, None
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        length = struct.unpack_from(">H", data, at + 2)[0]
        body = data[at + 4 : at + 2 + length]
        if marker == 0xE0 and body[:4] == b"JFIF":
            ybr = True
        elif marker == 0xEE and body[:5] == b"Adobe" and len(body) >= 12:
            ybr = body[11] == 1
        elif marker in FRAMES:
            if len(body) < 6 or len(body) < 6 + 3 * body[5]:
                break
            bits, rows, columns, components = struct.unpack_from(">BHHB", body)
            if bytes(body[6::3][:3]) == b"RGB":
                ybr = False
            return JpegHeader(rows, columns, bits, components, ybr)
        elif marker == 0xDA:
            break
        at += 2 + length
    raise BrokenPictureError("a compressed frame has no header")
