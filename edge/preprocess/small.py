"""The small grey copy that field detection and the quality gate share: one size for every picture, so that limits mean the same."""

import cv2
import numpy as np

from edge.frame import U8
from edge.preprocess.fit import resize

__all__ = ["SMALL_PX", "small_grey"]

SMALL_PX = 160  # long side: 640x480 and 1280x720 arrive there by exact halving, and a blur of 3 % of the short side is 3.6 px


def small_grey(pixels: U8) -> U8:
    """(h, w, 3) uint8 RGB -> (h', w') uint8 luma, long side SMALL_PX, aspect kept, C-contiguous.

    Colour is dropped after the first halvings, which cost less than the conversion of the whole picture.
    """
    height, width = pixels.shape[:2]
    long = max(height, width)
    wide, high = max(1, round(width * SMALL_PX / long)), max(1, round(height * SMALL_PX / long))
    while min(pixels.shape[1] / wide, pixels.shape[0] / high) >= 2:
        pixels = resize(pixels, pixels.shape[1] // 2, pixels.shape[0] // 2)
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    return resize(grey, wide, high)
