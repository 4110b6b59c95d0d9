"""Severe degradations, seeded: what the quality gate must name. Pure functions of a picture and a random generator.

Each takes (h, w, 3) uint8 RGB and a `numpy.random.Generator` and returns a new picture of the same shape. Lengths are shares
of the picture's short side, so that one definition holds for 200x150 and for 1280x720. The benchmark and the tests
share this module; the device never ships it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from edge.frame import U8
from edge.reading import Reason

__all__ = ["KINDS", "Kind", "black", "contact_lost", "defocus", "field_shrunk", "gain", "motion", "screen_text", "sensor_noise"]

DEFOCUS_RADIUS = 0.03  # of the short side: radius of the disc that a point becomes
MOTION_LENGTH = 0.06  # of the short side: length of the line that a point becomes
CONTACT_LOST_WIDTH = 0.72  # of the width: "over 70 %"
SHRUNK_AREA = (0.02, 0.09)  # of the picture's area: "under 10 %"
SUPERSAMPLE = 8  # kernels are drawn this much larger and averaged down, so that a radius of 2.3 px is no radius of 2


def _down(kernel: U8) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    side = kernel.shape[0] // SUPERSAMPLE
    small = kernel.reshape(side, SUPERSAMPLE, side, SUPERSAMPLE).mean(axis=(1, 3))
    return np.asarray(small / small.sum(), np.float64)


def _filtered(pixels: U8, kernel: U8) -> U8:
    return np.asarray(cv2.filter2D(pixels, -1, _down(kernel), borderType=cv2.BORDER_REFLECT_101), np.uint8)


def gain(pixels: U8, factor: float) -> U8:
    """Every value times `factor`, clipped at 255: exposure or receive gain at fault."""
    return np.asarray(np.clip(np.rint(pixels.astype(np.float32) * factor), 0, 255), np.uint8)


def defocus(pixels: U8, radius_share: float = DEFOCUS_RADIUS) -> U8:
    """A point becomes a disc (pillbox) of radius `radius_share` of the short side: geometric optics out of focus."""
    radius_px = radius_share * min(pixels.shape[:2])
    side = 2 * int(np.ceil(radius_px)) + 3
    y, x = np.mgrid[0 : side * SUPERSAMPLE, 0 : side * SUPERSAMPLE]
    centre = side * SUPERSAMPLE / 2 - 0.5
    disc = (x - centre) ** 2 + (y - centre) ** 2 <= (radius_px * SUPERSAMPLE) ** 2
    return _filtered(pixels, disc.astype(np.uint8))


def motion(pixels: U8, angle_rad: float, length_share: float = MOTION_LENGTH) -> U8:
    """A point becomes a line of `length_share` of the short side, in direction `angle_rad`: moved at even speed while exposed."""
    length_px = length_share * min(pixels.shape[:2])
    side = 2 * int(np.ceil(length_px / 2)) + 3
    y, x = np.mgrid[0 : side * SUPERSAMPLE, 0 : side * SUPERSAMPLE]
    centre = side * SUPERSAMPLE / 2 - 0.5
    along = (x - centre) * np.cos(angle_rad) + (y - centre) * np.sin(angle_rad)
    across = (x - centre) * np.sin(angle_rad) - (y - centre) * np.cos(angle_rad)
    line = (np.abs(along) <= length_px * SUPERSAMPLE / 2) & (np.abs(across) <= SUPERSAMPLE / 2)
    return _filtered(pixels, line.astype(np.uint8))


def contact_lost(pixels: U8, ultrasound: bool, rng: Generator, width_share: float = CONTACT_LOST_WIDTH) -> U8:
    """Contact gone over `width_share` of the width: at the left, at the right, or split over both sides.

    Ultrasound: those columns hold reverberation near the probe, decaying bands over the whole lost width, and only the
    receiver's noise beneath. Dermatoscope: a lifted tube; those columns fall to the dark, unfocused room.
    """
    height, width = pixels.shape[:2]
    lost = round(width_share * width)
    left = int(rng.integers(0, 3)) * lost // 2  # all right, half and half, all left
    gone = np.zeros(width, bool)
    gone[:left] = True
    gone[width - (lost - left) :] = True
    out = pixels.copy()
    noise = rng.normal(0, 1.5, (height, width)).astype(np.float32)
    if ultrasound:
        depth = np.arange(height, dtype=np.float32) / height
        bands = 160 * np.exp(-depth / 0.04) * (0.6 + 0.4 * np.cos(2 * np.pi * depth / 0.025))
        lost = np.clip(bands[:, None] * rng.uniform(0.6, 1.0) + 3 + noise, 0, 255)
        out[:, gone] = lost.astype(np.uint8)[:, gone, None]
        return out
    room = cv2.GaussianBlur(pixels, (0, 0), 0.12 * min(height, width)).astype(np.float32) * rng.uniform(0.05, 0.15)
    out[:, gone] = np.clip(room + noise[..., None], 0, 255).astype(np.uint8)[:, gone]
    return out


def field_shrunk(pixels: U8, rng: Generator) -> U8:
    """The whole picture shrunk into a disc of 2 to 9 % of the area on black: the ocular seen from afar, a thumbnail on a screen."""
    height, width = pixels.shape[:2]
    radius = max(2, int(np.sqrt(rng.uniform(*SHRUNK_AREA) * height * width / np.pi)))
    side = min(2 * radius, height, width)
    disc = np.zeros((side, side), np.uint8)
    cv2.circle(disc, (side // 2, side // 2), side // 2, 255, -1)
    out = np.zeros_like(pixels)
    top, left = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
    square = pixels[:, (width - min(height, width)) // 2 :][: min(height, width), : min(height, width)]
    small = np.asarray(cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
    out[top : top + side, left : left + side] = np.where(disc[..., None] > 0, small, 0)
    return out


def screen_text(pixels: U8, rng: Generator) -> U8:
    """A black screen with a machine's words on it and no picture."""
    height, width = pixels.shape[:2]
    out = np.zeros_like(pixels)
    scale = min(height, width) / 480
    for _ in range(12):
        word = "".join(chr(int(c)) for c in rng.integers(65, 91, int(rng.integers(3, 12))))
        at = (int(rng.integers(0, max(1, width * 3 // 4))), int(rng.integers(height // 12, height)))
        cv2.putText(out, word, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (220, 220, 220), max(1, round(scale)), cv2.LINE_AA)
    return out


def black(pixels: U8) -> U8:
    return np.zeros_like(pixels)


def sensor_noise(pixels: U8, sigma: float, rng: Generator) -> U8:
    """Noise of a real sensor, which optics cannot blur: added after the blur it hides it from a naive sharpness."""
    return np.clip(np.rint(pixels + rng.normal(0, sigma, pixels.shape)), 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Kind:
    """A degradation, and the only right name for it.

    apply: (pixels, is ultrasound, generator) -> pixels. target: share to be caught; None: shown, not promised.
    """

    name: str
    reason: Reason
    apply: Callable[[U8, bool, Generator], U8]
    target: float | None = 0.95


def _no_field(pixels: U8, _: bool, rng: Generator) -> U8:
    return screen_text(pixels, rng) if rng.random() < 0.3 else field_shrunk(pixels, rng)


KINDS = (
    Kind("gain x0.1", Reason.TOO_DARK, lambda p, *_: gain(p, 0.1)),
    Kind("gain x5", Reason.TOO_BRIGHT, lambda p, *_: gain(p, 5)),
    Kind("defocus 3 %", Reason.OUT_OF_FOCUS, lambda p, *_: defocus(p)),
    Kind("motion 6 %", Reason.MOVING, lambda p, _, rng: motion(p, rng.uniform(0, np.pi))),
    Kind("contact lost", Reason.NO_CONTACT, contact_lost),
    Kind("no field of view", Reason.NO_FIELD_OF_VIEW, _no_field),
    Kind("defocus 3 %, noise after", Reason.OUT_OF_FOCUS, lambda p, _, rng: sensor_noise(defocus(p), 2, rng), None),
    Kind("motion 6 %, noise after", Reason.MOVING, lambda p, _, rng: sensor_noise(motion(p, rng.uniform(0, np.pi)), 2, rng), None),
)
