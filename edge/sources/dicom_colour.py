"""From samples to 8-bit RGB: bits, sign, rescale, window, inversion, palette, YBR. Each step once, in the order of PS3.3, C.11."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.frame import U8
from edge.sources.dicom_plan import PixelPlan, Window
from edge.sources.dicom_samples import Integers, Samples

__all__ = ["to_rgb"]

# PS3.3, C.7.6.3.1.2: full-range YCbCr of ITU-R BT.601; rows R, G, B; columns Y, Cb, Cr, offset.
YBR_FULL = np.array(
    [
        [1.0, 0.0, 1.402, -1.402 * 128],
        [1.0, -0.114 * 1.772 / 0.587, -0.299 * 1.402 / 0.587, (0.114 * 1.772 + 0.299 * 1.402) / 0.587 * 128],
        [1.0, 1.772, 0.0, -1.772 * 128],
    ],
    np.float32,
)
# The same with luma of 16..235 and chroma of 16..240.
YBR_PARTIAL = np.array(
    [
        [1.1644, 0.0, 1.5960, -1.1644 * 16 - 1.5960 * 128],
        [1.1644, -0.3918, -0.8130, -1.1644 * 16 + (0.3918 + 0.8130) * 128],
        [1.1644, 2.0172, 0.0, -1.1644 * 16 - 2.0172 * 128],
    ],
    np.float32,
)


def to_rgb(samples: Samples, plan: PixelPlan) -> U8:
    """(rows, columns, 3) uint8, C-contiguous."""
    values = samples.values
    if plan.palette is not None:
        return plan.palette.apply(_integers(values, plan))
    if plan.samples == 1:
        return np.asarray(cv2.cvtColor(_grey(_integers(values, plan), plan), cv2.COLOR_GRAY2RGB), np.uint8)
    if values.dtype == np.uint16:
        top = 2 ** (samples.bits or plan.bits_stored) - 1
        values = np.rint(np.minimum(values, top) * (255 / top)).astype(np.uint8)
    if samples.photometric.startswith("YBR_PARTIAL"):
        return np.asarray(cv2.transform(np.ascontiguousarray(values), YBR_PARTIAL), np.uint8)
    if samples.photometric.startswith("YBR_FULL"):
        return np.asarray(cv2.transform(np.ascontiguousarray(values), YBR_FULL), np.uint8)
    return np.ascontiguousarray(values, np.uint8)


def _integers(values: Integers, plan: PixelPlan) -> NDArray[np.integer[Any]]:
    """The stored bits as numbers: shifted down, masked (overlays may hide in the unused bits), signed where declared."""
    if not plan.signed and plan.bits_stored == plan.bits_allocated:
        return values
    shift = plan.high_bit + 1 - plan.bits_stored
    numbers = (values.astype(np.int32) >> shift) & (2**plan.bits_stored - 1)
    if plan.signed:
        half = 2 ** (plan.bits_stored - 1)
        numbers = (numbers ^ half) - half
    return np.asarray(numbers, np.int32)


def _grey(numbers: NDArray[np.integer[Any]], plan: PixelPlan) -> U8:
    """Rescale, then the window or the full range of the stored bits, then MONOCHROME1 is turned round, once."""
    lowest = -(2 ** (plan.bits_stored - 1)) if plan.signed else 0
    every = np.arange(lowest, lowest + 2**plan.bits_stored, dtype=np.float64)  # at most 65,536 values: a table, not a picture
    shown = _windowed(every * plan.slope + plan.intercept, plan.window) if plan.window else (every - lowest) / (2**plan.bits_stored - 1)
    if plan.photometric == "MONOCHROME1":
        shown = 1 - shown
    table = np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)
    return np.asarray(table[numbers - lowest if lowest else numbers], np.uint8)


def _windowed(x: NDArray[np.float64], window: Window) -> NDArray[np.float64]:
    """0..1 as PS3.3, C.11.2.1.2 and C.11.2.1.3 define it."""
    if window.function == "SIGMOID":
        return np.asarray(1 / (1 + np.exp(np.clip(-4 * (x - window.centre) / window.width, -700, 700))))
    if window.function == "LINEAR_EXACT":
        return np.asarray((x - window.centre) / window.width + 0.5)
    if window.width <= 1:
        return np.asarray(np.where(x > window.centre - 0.5, 1.0, 0.0))
    return np.asarray((x - (window.centre - 0.5)) / (window.width - 1) + 0.5)
