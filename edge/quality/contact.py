"""Does the probe, or the dermatoscope's glass, touch the skin over the width of the picture?

A column without contact shows nothing from within: it is dark below the near field, or it has no lateral texture, because
reverberation and the receiver's noise are the same for each scan line. Both are measured against the best columns of the same
picture, so that gain does not count; and against the bright near field, so that a probe wholly in air is seen too.
"""

import cv2
import numpy as np

from edge.frame import U8

__all__ = ["lost_share"]

COLUMNS, ROWS = 40, 12  # a cell is 4 px wide on the small copy: wider than speckle, narrower than a shadow
NEAR_ROWS = 3  # the quarter next to the probe holds reverberation also where nothing touches
BEST_COLUMNS = 4  # the reference is the fourth best column: 10 % of the width may be letters or glare
DARK_OF_BEST = 0.2  # good pictures: at most 0.1 of the columns lie below it (99 of 100); lost ones lie below it by their noise
DARK_OF_NEAR = 0.1  # the same against the brightest row of the near field
FLAT_OF_BEST = 0.1  # lateral texture as a share of that of the sixth best column


def lost_share(small: U8) -> float:
    """Small grey copy of the field (h, w) uint8 -> share of the columns without contact, 0..1."""
    cells = np.asarray(cv2.resize(small, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA), np.uint8)
    level = np.sort(cells[NEAR_ROWS:], axis=0)[-3].astype(np.float32)  # the third brightest cell in depth: not a caliper
    best = max(
        DARK_OF_BEST * float(np.sort(level)[-BEST_COLUMNS]),
        DARK_OF_NEAR * float(cv2.reduce(cells[:NEAR_ROWS], 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).max()) / COLUMNS,
    )
    deep = small[small.shape[0] // 4 :]
    lateral = cv2.reduce(cv2.absdiff(deep[:, 2:], deep[:, :-2]), 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F)
    texture = cv2.resize(lateral, (COLUMNS, 1), interpolation=cv2.INTER_AREA)[0]
    flat = texture < FLAT_OF_BEST * float(np.sort(texture)[-6])
    return float(np.mean((level <= best) | flat))
