"""A camera's own colors made sRGB, on the small uint8 tensor: a table, a matrix, a table (`edge.profile.color` has the formulas)."""

from typing import Final

import cv2
import numpy as np

from edge.frame import U8
from edge.profile import ColorTables

__all__ = ["correct_color"]

BAND_PX: Final = 8192  # keeps what lies in between under 128 KB: glibc hands that out again, and fetches more from the system each time


def correct_color(codes: U8, tables: ColorTables) -> U8:
    """(h, w, 3) uint8 RGB -> the same, within one code value of the formula in float64. Light beyond sRGB's is held at its bounds."""
    out = np.empty(codes.shape, np.uint8)
    rows = max(1, BAND_PX // codes.shape[1])
    for top in range(0, len(codes), rows):
        band = slice(top, top + rows)
        steps = cv2.transform(cv2.LUT(codes[band], tables.light), tables.matrix).astype(np.int32)
        np.take(tables.code, steps, out=out[band], mode="clip")
    return out
