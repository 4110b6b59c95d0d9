"""Pictures as JPEG: encoded once for all viewers, and once only while the same picture is shown."""

import threading
from dataclasses import dataclass

import cv2
import numpy as np

from edge.frame import U8

__all__ = ["Encoded", "JpegMaker"]

QUALITY = 88
LONGEST_PX = 1600  # more than a page shows; a 4K grabber would cost 8 MB a second per viewer


@dataclass(frozen=True, slots=True)
class Encoded:
    """key: counts the pictures."""

    key: int
    jpeg: bytes


class JpegMaker:
    """Remembers the last picture and its bytes. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pixels: U8 | None = None
        self._encoded = Encoded(0, b"")

    def encode(self, pixels: U8) -> Encoded:
        """(h, w, 3) uint8 RGB -> JPEG; the same array again costs nothing."""
        with self._lock:
            if pixels is not self._pixels:
                self._encoded = Encoded(self._encoded.key + 1, _jpeg(pixels))
                self._pixels = pixels
            return self._encoded


def _jpeg(pixels: U8) -> bytes:
    longest = max(pixels.shape[:2])
    if longest > LONGEST_PX:
        size = (round(pixels.shape[1] * LONGEST_PX / longest), round(pixels.shape[0] * LONGEST_PX / longest))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    ok, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return np.asarray(data, np.uint8).tobytes() if ok else b""
