"""Frame grabbers' habits, mended: limited range and interlaced fields. Pure functions of pixels.

Letterboxed screens (black bars around the picture) are the field of view's business (`preprocess`): a bar is not part of the subject.
"""

import cv2
import numpy as np

from edge.frame import U8

__all__ = ["deinterlace", "expand_limited", "is_combed", "is_limited"]

# Recommendation ITU-R BT.601, 2.5.1: black is 16, white 235 in an 8-bit studio range.
BLACK_LEVEL, WHITE_LEVEL = 16, 235
_EXPANDED = np.clip(np.round((np.arange(256) - BLACK_LEVEL) * (255 / (WHITE_LEVEL - BLACK_LEVEL))), 0, 255).astype(np.uint8)

_BLOCK_PX = 16
_COLUMN_STEP = 2
_LINE_DIFFERENCE = 10.0  # mean grey levels between neighbouring lines of a block: an edge moved there
_COMB_RATIO = 1.5  # neighbouring lines differ so many times more than lines of one field; noise gives 1.0, any still picture less
_COMBED_BLOCKS = 3


def expand_limited(pixels: U8) -> U8:
    """Studio range 16..235 -> full range 0..255, (h, w, 3) uint8; what lies outside is clipped."""
    return np.asarray(cv2.LUT(pixels, _EXPANDED), dtype=np.uint8)


def is_limited(pixels: U8) -> bool:
    """Does a screen in studio range stand here? Strict, for a wrong yes changes colours.

    True when at least a fifth of the picture lies at the black level (screens have black surrounds), next to nothing lies
    clearly below it or above white, and there is a picture at all.
    """
    sample = pixels[::4, ::4, 1]
    black = float(np.mean((sample >= BLACK_LEVEL - 1) & (sample <= BLACK_LEVEL + 2)))
    outside = float(np.mean((sample < BLACK_LEVEL - 3) | (sample > WHITE_LEVEL + 3)))
    return black >= 0.2 and outside < 0.001 and int(sample.max()) >= 100


def is_combed(pixels: U8) -> bool:
    """Do two moments share this picture, one on even and one on odd lines? (h, w, 3) uint8.

    In a block crossed by a moving edge, neighbouring lines (two fields) differ more than lines two apart (one field). In a still
    picture it is the other way round, and in noise both are equal.
    """
    grey = np.ascontiguousarray(pixels[:, ::_COLUMN_STEP, 1])
    height, width = grey.shape
    rows, columns = (height - 2) // _BLOCK_PX, width * _COLUMN_STEP // _BLOCK_PX
    if rows < 1 or columns < 1:
        return False
    fields = _block_means(cv2.absdiff(grey[:-2], grey[1:-1]), rows, columns)
    lines = _block_means(cv2.absdiff(grey[:-2], grey[2:]), rows, columns)
    combed = (fields > _LINE_DIFFERENCE) & (fields > _COMB_RATIO * lines)
    return int(combed.sum()) >= _COMBED_BLOCKS


def deinterlace(pixels: U8) -> U8:
    """Keep the even lines (one moment), and put the mean of its neighbours in place of each odd line. (h, w, 3) uint8, a copy."""
    whole = pixels.copy()
    height = pixels.shape[0]
    inner = (height - 1) // 2  # odd lines that have an even line on both sides
    if inner:
        whole[1 : 2 * inner : 2] = cv2.addWeighted(pixels[0 : 2 * inner : 2], 0.5, pixels[2 : 2 * inner + 1 : 2], 0.5, 0)
    if height % 2 == 0 and height >= 2:
        whole[-1] = whole[-2]
    return whole


def _block_means(difference: cv2.typing.MatLike, rows: int, columns: int) -> np.ndarray[tuple[int, ...], np.dtype[np.floating]]:
    whole = difference[: rows * _BLOCK_PX, : columns * _BLOCK_PX // _COLUMN_STEP]
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), dtype=np.float32)
