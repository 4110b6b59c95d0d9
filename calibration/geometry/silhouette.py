"""Which pixels of a scanner's screen are tissue: lit in any of the pictures, thicker than letters, the largest piece of it all."""

from collections.abc import Sequence

import cv2
import numpy as np

from edge.frame import U8

__all__ = ["lit_mask", "silhouette"]

OFF_BACKGROUND = 7  # levels of any channel: above a grabber's noise, below the darkest tissue that is shown
COARSE = 4  # levels: a background is one color within this
BRIDGE, LETTER = 0.012, 0.045  # of the picture's height: gaps between speckles; the height of a line of letters
SMALLEST = 0.04  # of the picture's area


def lit_mask(pictures: Sequence[U8]) -> U8:
    """(h, w) uint8 0/1: differs from the screen's background in any picture. pictures: (h, w, 3) uint8 RGB."""
    background = _background(pictures[0])
    off = [np.abs(cv2.medianBlur(picture, 3).astype(np.int16) - background).max(axis=2) > OFF_BACKGROUND for picture in pictures]
    return np.asarray(np.logical_or.reduce(off), np.uint8)


def _background(picture: U8) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    """(3,) int16: a screen's most common color is what nothing is drawn on; black where a bright field fills the picture."""
    cells = (picture // COARSE).astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
    values, counts = np.unique(cells, return_counts=True)
    color = np.median(picture[cells == values[counts.argmax()]], axis=0)
    return np.asarray(color if color.max() < 90 else np.zeros(3), np.int16)


def silhouette(lit: U8) -> U8 | None:
    """(h, w) uint8 0/1: the largest piece that is no letter, its holes filled; None where nothing of that size is lit."""
    height, width = lit.shape
    bridge, letter = (max(3, round(share * height) | 1) for share in (BRIDGE, LETTER))
    joined = cv2.morphologyEx(lit, cv2.MORPH_CLOSE, np.ones((bridge, bridge), np.uint8))
    solid = cv2.morphologyEx(joined, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (letter, letter)))
    contours, _ = cv2.findContours(np.asarray(solid, np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(contours, key=cv2.contourArea, default=None)
    if largest is None or cv2.contourArea(largest) < SMALLEST * height * width:
        return None
    filled = np.zeros_like(lit)
    cv2.drawContours(filled, [largest], -1, (1,), cv2.FILLED)
    return filled
