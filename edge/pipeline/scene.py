"""Is this another scene? By the source's own scene number, or by a thumbnail that no hand could have moved so far in one frame.

Only frames that are looked at are compared, so a scene is never missed because its first frame was replaced in the mailbox.
"""

from __future__ import annotations

import cv2
import numpy as np

from edge.frame import F32, U8, Frame

__all__ = ["SceneWatch", "scene_distance", "thumbnail"]

SIDE = 8
SAMPLED_PX = 64  # the picture is first thinned to about so many pixels a side (nearest: 20 us for 640x480)
CUT = 0.35  # of `scene_distance`; both sides: benchmarks/scene_cut.py
LONGEST_GAP_NS = 400_000_000  # frames further apart may differ by honest motion
CONTRAST_FLOOR = 16.0  # grey levels: below it speckle and sensor noise would be blown up to a pattern


def thumbnail(pixels: U8) -> F32:
    """(h, w, 3) uint8 -> (6, 6, 3) float32: means of 8 x 8 blocks of a thinned picture, without the rim, where text and clocks live."""
    step_y, step_x = max(1, pixels.shape[0] // SAMPLED_PX), max(1, pixels.shape[1] // SAMPLED_PX)
    thin = np.ascontiguousarray(pixels[::step_y, ::step_x])
    return np.asarray(cv2.resize(thin, (SIDE, SIDE), interpolation=cv2.INTER_AREA)[1:-1, 1:-1], np.float32)


def scene_distance(a: F32, b: F32) -> float:
    """0 = the same picture up to brightness; near 1 = nothing in common. RMS difference after removing each channel's mean, over contrast.

    Gain and exposure move means and contrast, not the pattern: the smaller contrast is scaled up to the larger one.
    """
    a, b = a - a.mean((0, 1)), b - b.mean((0, 1))
    size_a, size_b = float(np.sqrt((a * a).mean())), float(np.sqrt((b * b).mean()))
    a, b = a / max(size_a, CONTRAST_FLOOR), b / max(size_b, CONTRAST_FLOOR)
    difference = a - b
    return float(np.sqrt((difference * difference).mean())) / 2**0.5


class SceneWatch:
    """Remembers the frame looked at before."""

    def __init__(self) -> None:
        self._before: tuple[int, Frame, F32] | None = None

    def is_cut(self, frame: Frame, opening: int) -> bool:
        """True when this frame shows another scene than the one before, or is the first of an opening."""
        now = thumbnail(frame.pixels)
        before, self._before = self._before, (opening, frame, now)
        if before is None or before[0] != opening or before[1].scene != frame.scene:
            return True
        if before[1].pixels.shape != frame.pixels.shape:
            return True
        near = frame.captured_ns - before[1].captured_ns <= LONGEST_GAP_NS
        return near and not frame.still and scene_distance(before[2], now) > CUT
