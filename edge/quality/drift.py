"""How fast the picture moves, from two small copies: their profiles along each axis, shifted until they fit best."""

import cv2
import numpy as np

from edge.frame import F32, U8

__all__ = ["speed"]

REACH = 0.12  # of the short side between two frames: faster, and nothing of the old picture is left to compare
SPAN_PX = 3  # an edge of the small copy is about so wide
FITS = 0.25  # the best shift must leave less than this share of the squared difference that no shift leaves


def _profile(small: U8, axis: int) -> F32:
    """(1, n) float32: sum of the grey values along an axis, differenced, so that a change of light is no motion."""
    line = np.asarray(cv2.reduce(small, axis, cv2.REDUCE_SUM, dtype=cv2.CV_32F), np.float32).reshape(1, -1)
    return line[:, SPAN_PX:] - line[:, :-SPAN_PX]


def _shift(old: F32, new: F32, reach: int) -> int:
    """Shift in pixels by which `new` fits `old` best; 0 where none fits clearly better than none."""
    error = cv2.matchTemplate(old, new[:, reach:-reach], cv2.TM_SQDIFF)[0]
    best = int(error.argmin())
    return abs(best - reach) if error[best] < FITS * error[reach] else 0


def speed(small: U8, previous: U8, dt_s: float) -> float:
    """Short sides of the field per second between two small copies, (h, w) uint8 each. 0 when they cannot be compared or did not move."""
    short = min(small.shape)
    reach = round(REACH * short)
    if small.shape != previous.shape or dt_s <= 0 or reach < 1 or short <= 4 * reach + SPAN_PX:
        return 0.0
    across = _shift(_profile(previous, 0), _profile(small, 0), reach)
    down = _shift(_profile(previous, 1), _profile(small, 1), reach)
    return float(np.hypot(across, down) / short / dt_s)
