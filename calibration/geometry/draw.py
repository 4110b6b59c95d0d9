"""The screen with what was found drawn into it: the region's outline in green, what will be black in half its light, masks in red."""

import cv2
import numpy as np

from calibration.geometry.locate import Located
from edge.frame import U8

__all__ = ["draw"]

OUTLINE, MASK = (40, 220, 60), (255, 60, 60)


def draw(picture: U8, located: Located) -> U8:
    """(h, w, 3) uint8 RGB, of the picture's own size."""
    outline = np.array(located.polygon, np.int32)
    seen = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(seen, [outline], (1,))
    for x, y, w, h in located.text:
        seen[y : y + h, x : x + w] = 0
    drawn = np.where(seen[..., None] > 0, picture, picture // 3).astype(np.uint8)
    cv2.polylines(drawn, [outline], True, OUTLINE, 1, cv2.LINE_AA)
    for x, y, w, h in located.text:
        cv2.rectangle(drawn, (x, y), (x + w - 1, y + h - 1), MASK, 1)
    return drawn
