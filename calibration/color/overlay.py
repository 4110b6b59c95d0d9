"""The photograph with what was read drawn into it, so that a person sees that the right patches were measured.

In every patch stand two squares: what the corrected camera shows, and beside it what the chart is. Green frame: read; red: left out.
"""

import cv2
import numpy as np

from calibration.color.find import Found
from calibration.color.read import HALF, Seen
from calibration.color.reference import Chart
from calibration.color.space import F64, lab_to_code
from edge.frame import U8

__all__ = ["draw"]

LONG_SIDE_PX = 1280
READ, LEFT_OUT = (40, 220, 60), (255, 40, 40)


def draw(pixels: U8, found: Found, seen: Seen, corrected: F64, chart: Chart) -> U8:
    """(h, w, 3) uint8 RGB, its long side at most 1,280 px. corrected: (24, 3) code values."""
    scale = min(1.0, LONG_SIDE_PX / max(pixels.shape[:2]))
    size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
    picture: U8 = np.array(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    used, wanted = seen.used, lab_to_code(chart.lab)
    for at in range(len(seen.code)):
        square = found.square(at, HALF) * scale
        middle_top, middle_bottom = (square[0] + square[1]) / 2, (square[2] + square[3]) / 2
        inner = 0.62
        left = np.array([square[0], middle_top, middle_bottom, square[3]])
        right = np.array([middle_top, square[1], square[2], middle_bottom])
        center = square.mean(axis=0)
        for half, color in ((left, corrected[at]), (right, wanted[at])):
            shape = np.rint(center + (half - center) * inner).astype(np.int32)
            cv2.fillConvexPoly(picture, shape, [round(float(v)) for v in color], cv2.LINE_AA)
        cv2.polylines(picture, [np.rint(square).astype(np.int32)], True, READ if used[at] else LEFT_OUT, 2, cv2.LINE_AA)
        _number(picture, at + 1, square[0])
    return picture


def _number(picture: U8, number: int, corner: F64) -> None:
    at = (round(float(corner[0])) + 3, round(float(corner[1])) + 14)
    for color, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(picture, str(number), at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, color, thickness, cv2.LINE_AA)
