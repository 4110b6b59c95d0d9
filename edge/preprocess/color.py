"""A camera's own colors made sRGB, on the small uint8 tensor: a table, a matrix, a table (`edge.profile.color` has the formulas)."""

import cv2
import numpy as np

from edge.frame import U8
from edge.profile import ColorTables
from edge.profile.color import FULL_LIGHT

__all__ = ["correct_color"]


def correct_color(codes: U8, tables: ColorTables) -> U8:
    """(h, w, 3) uint8 RGB -> the same, within one code value of the formula in float64. Light beyond sRGB's is held at its bounds."""
    light = cv2.transform(cv2.LUT(codes, tables.light), tables.matrix)
    return np.take(tables.code, np.clip(np.rint(light), 0, FULL_LIGHT).astype(np.uint16))
