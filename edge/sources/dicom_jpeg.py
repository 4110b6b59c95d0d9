"""A JPEG inside DICOM: what it says of itself (size, depth, colour transform), and its components as they are stored.

OpenCV's libjpeg-turbo decodes all processes of 8 bits, survives damage, and turns YCbCr into RGB by marks in the stream. To keep that
for the one place where colours are converted, the marks are replaced by one that says "no transform". T.81 annex B, T.872 (Adobe).
"""

import struct
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from edge.frame import U8
from edge.sources import picture_jpeg
from edge.sources.picture_header import BrokenPictureError

__all__ = ["JpegHeader", "decode_components", "read_jpeg_header", "reads_lossless"]

NO_TRANSFORM = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
# 8 x 8 grey, lossless: does this build of OpenCV read it? (libjpeg-turbo does since 3.0)
PROBE = bytes.fromhex(
    "ffd8ffc4001500010100000000000000000000000000000006ffc3000b080008000801001100ffda00080100000600008c0000000000000000ffd9"
)
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


def decode_components(data: bytes) -> U8:
    """An 8-bit JPEG -> (rows, columns) or (rows, columns, 3) uint8, components as stored. Raises BrokenPictureError."""
    picture_jpeg.header(data)  # its end is there: nothing will be filled with grey
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        pixels = cv2.imdecode(np.frombuffer(_unmarked(data), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        pixels = None
    finally:
        cv2.utils.logging.setLogLevel(before)
    if pixels is None or pixels.dtype != np.uint8:
        raise BrokenPictureError("a compressed frame cannot be decoded")
    return np.ascontiguousarray(pixels[..., ::-1] if pixels.ndim == 3 else pixels, np.uint8)


@cache
def reads_lossless() -> bool:
    """Whether OpenCV on this machine decodes lossless JPEG."""
    try:
        return bool((decode_components(PROBE) == 77).all())
    except BrokenPictureError:
        return False


def _unmarked(data: bytes) -> bytes:
    """The stream without JFIF and Adobe marks, and with one that says that the components are what they are."""
    out = bytearray(data[:2] + NO_TRANSFORM)
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        if data[at + 1] == 0xFF:
            at += 1
            continue
        length = struct.unpack_from(">H", data, at + 2)[0]
        if data[at + 1] not in {0xE0, 0xEE}:
            out += data[at : at + 2 + length]
        at += 2 + length
    return bytes(out + data[at:])
