"""Blurred pictures for the scope gate: out of focus, or moved while they were exposed. A blur must not be what it knows a stranger by."""

import cv2
import numpy as np

from edge.frame import F32, U8

__all__ = ["blurred"]

FOCUS = (0.02, 0.08)  # radius of the disc, in short sides: from what the quality gate begins to refuse to what shows shapes alone
MOTION = (0.05, 0.15)  # length of the way


def _disc(radius_px: float) -> F32:
    reach = int(np.ceil(radius_px))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = np.clip(radius_px + 0.5 - np.hypot(x, y), 0, 1)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _line(length_px: float, angle: float) -> F32:
    reach = int(np.ceil(length_px / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    for at in np.linspace(-length_px / 2, length_px / 2, 4 * reach + 1):
        kernel[round(reach + at * np.sin(angle)), round(reach + at * np.cos(angle))] += 1
    return np.asarray(kernel / kernel.sum(), np.float32)


def blurred(pixels: U8, n: int, seed: int) -> U8:
    """n of (m, h, w, 3) uint8, drawn without repeats as far as there are any: every other one out of focus, the rest moved."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(pixels), n, replace=n > len(pixels)) if len(pixels) else np.zeros(0, np.int64)
    short = min(pixels.shape[1:3])
    out = np.empty((len(chosen), *pixels.shape[1:]), np.uint8)
    for place, i in enumerate(chosen):
        kernel = _disc(short * rng.uniform(*FOCUS)) if place % 2 == 0 else _line(short * rng.uniform(*MOTION), rng.uniform(0, np.pi))
        out[place] = cv2.filter2D(np.asarray(pixels[i]), -1, kernel, borderType=cv2.BORDER_REFLECT_101)
    return out
