"""Letters and marks that a scanner burns into its picture, over the tissue.

They are thin and sharp. What tells them from speckle: a color, which tissue has not; and in a clip, that they stand still while the
tissue moves. Grey letters on grey tissue are therefore found in a clip only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.frame import U8

__all__ = ["ENOUGH_PICTURES", "Box", "find_text"]

Box = tuple[int, int, int, int]  # x, y, w, h
Mask = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

ENOUGH_PICTURES = 5  # of a clip, to tell what stands still
STANDS_STILL = 5.0  # levels, standard deviation over the pictures
TISSUE_MOVES = 4.0  # of the median lit pixel of the region
STILLER = 0.35  # than the neighborhood: under a curved probe's face tissue moves little, and letters not at all
AROUND = 0.05  # of the height
LIT = 40
CONTRAST = 60  # levels above what is around
COLORED = 50  # between the channels of a pixel
THIN = 0.016  # of the height: the thickest stroke
GLYPH = (0.010, 0.09)  # of the height: how high letters and marks are
MARGIN = 0.006
FEWEST_PX = 10


@dataclass(frozen=True, slots=True)
class _Glyph:
    x: int
    y: int
    w: int
    h: int


def find_text(pictures: Sequence[U8], region: U8) -> tuple[Box, ...]:
    """pictures: (h, w, 3) uint8 RGB of one screen. region: (h, w) uint8, 1 where the tissue is; only there is looked for letters."""
    height = region.shape[0]
    many = len(pictures) >= ENOUGH_PICTURES
    picture = np.asarray(np.median(np.stack(pictures[:15]), axis=0), np.uint8) if many else pictures[0]
    strokes = _strokes(picture, height)
    within = region > 0
    colored = strokes & (np.ptp(picture, axis=2) > COLORED) & within
    glyphs = _glyphs(colored, height)
    if many:
        glyphs += _glyphs(strokes & _stands_still(pictures, within) & within & ~colored, height)
    return _boxes(glyphs, height, region.shape[1])


def _strokes(picture: U8, height: int) -> Mask:
    """Thin and brighter than what is around, in any channel."""
    side = max(3, round(THIN * height) | 1)
    thin = cv2.morphologyEx(picture, cv2.MORPH_TOPHAT, np.ones((side, side), np.uint8))
    return np.asarray(thin.max(axis=2) > CONTRAST)


def _stands_still(pictures: Sequence[U8], within: Mask) -> Mask:
    """Does not change, while the tissue around does, or on what is black; nothing where the whole picture stands still."""
    stack = np.stack([picture.max(axis=2) for picture in pictures])
    spread = stack.std(axis=0, dtype=np.float32)
    brightest = stack.max(axis=0)
    tissue = within & (brightest > LIT)
    if not tissue.any() or np.median(spread[tissue]) < TISSUE_MOVES:
        return np.zeros_like(within)
    side = max(9, round(AROUND * len(within)))
    around, light = cv2.blur(spread, (side, side)), cv2.blur(brightest, (side, side))
    return np.asarray((spread < STANDS_STILL) & ((spread < STILLER * around) | (light < LIT)))


def _glyphs(mask: Mask, height: int) -> list[_Glyph]:
    """Pieces of the size of a letter or a mark: a grain of speckle is smaller, a bright interface longer or thicker."""
    joined = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    low, high = GLYPH[0] * height, GLYPH[1] * height
    boxes = (stats[label] for label in range(1, count))
    return [_Glyph(int(x), int(y), int(w), int(h)) for x, y, w, h, area in boxes if max(w, h) >= low and h <= high and area >= FEWEST_PX]


def _boxes(glyphs: list[_Glyph], height: int, width: int) -> tuple[Box, ...]:
    """Neighbors joined: a line of letters is one box, with a margin for its soft edge."""
    mask = np.zeros((height, width), np.uint8)
    margin, reach = max(2, round(MARGIN * height)), max(3, round(0.016 * height))
    for glyph in glyphs:
        mask[max(0, glyph.y) : glyph.y + glyph.h, max(0, glyph.x - reach) : glyph.x + glyph.w + reach] = 1
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    boxes = []
    for x, y, w, h, _area in stats[1:count]:
        left, top = max(0, int(x) + reach - margin), max(0, int(y) - margin)
        right, bottom = min(width, int(x + w) - reach + margin), min(height, int(y + h) + margin)
        boxes.append((left, top, right - left, bottom - top))
    return tuple(boxes)
