"""How much fine detail a picture has, against its own coarse detail, in eight directions: what blur takes away.

The measure is the structure function: mean |I(p) - I(p + d)| over the picture, for short and long shifts d. It is a sum
that OpenCV takes in two microseconds, it knows directions that a Laplacian does not, and its ratios know neither light nor
contrast. Defocus lowers the short shifts in all directions; motion in one of them, and leaves the direction across.
"""

import cv2
import numpy as np

from edge.frame import F32, U8

__all__ = ["FEATURES", "LEAST_SIDE_PX", "detail"]

# (right, down), over half a turn.
DIRECTIONS = ((1, 0), (2, 1), (1, 1), (1, 2), (0, 1), (-1, 2), (-1, 1), (-2, 1))
LEVELS = 4  # shift of 1 on the small copy, then 1, 2 and 4 on its half
LEAST_SIDE_PX = 32  # of the small copy: below it the longest shifts leave the picture
FLOOR_LEVELS = 0.1  # grey levels added before the logarithm: a tenth of what 8 bits can tell
STEP_FEATURES = ("least", "most", "mean", "horizontal", "vertical", "across the most")
FEATURES = (
    *(f"{name} of step {step}" for step in range(1, LEVELS) for name in STEP_FEATURES),
    *(f"anisotropy of level {level}" for level in range(LEVELS)),
    "finest level",
    "coarsest level",
)


def _differences(grey: U8, shift: int) -> list[float]:
    """Mean absolute difference for each direction, shifted by `shift` times its vector."""
    height, width = grey.shape
    found = []
    for right, down in DIRECTIONS:
        dx, dy = right * shift, down * shift
        a, b = (grey[dy:, dx:], grey[: height - dy, : width - dx]) if dx >= 0 else (grey[dy:, :dx], grey[: height - dy, -dx:])
        found.append(cv2.norm(a, b, cv2.NORM_L1) / a.size)
    return found


# The angle is doubled: a direction and its opposite are one.
_TURN = np.exp(2j * np.pi * np.arange(len(DIRECTIONS)) / len(DIRECTIONS)).astype(np.complex64)


def detail(small: U8) -> F32:
    """Small grey copy (h, w) uint8, both sides >= LEAST_SIDE_PX -> one float32 for each of FEATURES."""
    height, width = small.shape
    half = np.asarray(cv2.resize(small[: height & ~1, : width & ~1], (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)
    mean = np.array([_differences(small, 1), _differences(half, 1), _differences(half, 2), _differences(half, 4)], np.float32)
    level = np.log(mean + FLOOR_LEVELS)
    step = level[1:] - level[:-1]  # 3 x 8: how much more a longer shift sees than a shorter one
    most = step.argmax(axis=1)
    across = step[np.arange(LEVELS - 1), (most + len(DIRECTIONS) // 2) % len(DIRECTIONS)]
    columns = (step.min(axis=1), step.max(axis=1), step.mean(axis=1), step[:, 0], step[:, 4], across)
    anisotropy = np.abs(level @ _TURN) / len(DIRECTIONS)
    return np.concatenate([np.stack(columns, axis=1).ravel(), anisotropy, level[[0, -1]].mean(axis=1)]).astype(np.float32)
