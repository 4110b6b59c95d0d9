"""Crop, letterbox or squash a field of view to the model's input size, by the cheap way to resize.

A non-integer INTER_AREA is the dearest step of a frame (0.9 ms for 640x480 on one core). Here a shrink goes
by exact halving (INTER_AREA of two by two pixels: a tenth of the cost) with one INTER_LINEAR step in between, which
never shrinks by more than `MAX_LINEAR_SHRINK`, so that it cannot alias. Training takes the same step.
"""

import cv2
import numpy as np

from edge.bundle.manifest import InputSpec
from edge.frame import U8

__all__ = ["crop_to_aspect", "fit", "resize"]

MAX_LINEAR_SHRINK = 1.25  # bilinear looks at 2x2 pixels: beyond this it would skip some


def _halve(pixels: U8) -> U8:
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    even = pixels[: height * 2, : width * 2]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def resize(pixels: U8, width_px: int, height_px: int) -> U8:
    """(h, w, 3) or (h, w) uint8 -> (height_px, width_px, ...) uint8. An odd last row or column is left out when halving."""
    while min(pixels.shape[1] / width_px, pixels.shape[0] / height_px) >= 2:
        pixels = _halve(pixels)
    height, width = pixels.shape[:2]
    if max(width / width_px, height / height_px) > MAX_LINEAR_SHRINK:
        double = (width_px * 2, height_px * 2)
        return _halve(np.asarray(cv2.resize(pixels, double, interpolation=cv2.INTER_LINEAR), np.uint8))
    if (width, height) != (width_px, height_px):
        return np.asarray(cv2.resize(pixels, (width_px, height_px), interpolation=cv2.INTER_LINEAR), np.uint8)
    return np.ascontiguousarray(pixels)


def crop_to_aspect(pixels: U8, width_px: int, height_px: int) -> U8:
    """The largest centred view with the aspect width_px:height_px (no copy)."""
    height, width = pixels.shape[:2]
    wide = min(width, max(1, round(height * width_px / height_px)))
    high = min(height, max(1, round(width * height_px / width_px)))
    left, top = (width - wide) // 2, (height - high) // 2
    return pixels[top : top + high, left : left + wide]


def fit(pixels: U8, spec: InputSpec) -> U8:
    """(h, w, 3) uint8 RGB field of view -> (spec.height_px, spec.width_px, 3) uint8, C-contiguous."""
    if spec.fit == "crop":
        out = resize(crop_to_aspect(pixels, spec.width_px, spec.height_px), spec.width_px, spec.height_px)
    elif spec.fit == "squash":
        out = resize(pixels, spec.width_px, spec.height_px)
    else:
        height, width = pixels.shape[:2]
        scale = min(spec.width_px / width, spec.height_px / height)
        wide, high = max(1, round(width * scale)), max(1, round(height * scale))
        out = np.full((spec.height_px, spec.width_px, 3), spec.pad, np.uint8)
        left, top = (spec.width_px - wide) // 2, (spec.height_px - high) // 2
        out[top : top + high, left : left + wide] = resize(pixels, wide, high)
    if spec.grey:
        grey = cv2.cvtColor(out, cv2.COLOR_RGB2GRAY)
        out = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
    return np.ascontiguousarray(out)
