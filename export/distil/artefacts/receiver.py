"""What the knobs of a scanner do to the whole field: gain, time gain compensation, too much depth for the frequency, its filters."""

import cv2
import numpy as np
from numpy.random import Generator

from edge.frame import F32, U8
from edge.sources.phantom_noise import field as relief
from export.distil.artefacts.brush import between, multiplied, unit_px

__all__ = ["gain", "lost_in_depth", "smoothed", "speckle", "tgc"]

BARELY_LIT = 16  # grey levels above black
STRAY = 24  # grey level up to which the darkest part counts as black: a grabber's limited range, an augmentation's offset
FLOOR = 0.15  # of the echo is left at any depth
KNOBS = 7  # sliders of time gain compensation


def gain(pixels: U8, strength: float, rng: Generator) -> U8:
    """Receive gain and dynamic range: factor 0.8 to 1.25 and +-20 levels (the display is logarithmic), then gamma 0.7 to 1.4.

    Black stays black, and what is barely lit is moved less: beside the field there is nothing to amplify.
    """
    up = rng.choice((-1.0, 1.0), 2)
    black = min(int(pixels.min()), STRAY)
    levels = np.arange(256, dtype=np.float64)
    moved = levels * 1.25 ** (up[0] * strength) + 20 * up[0] * strength
    gamma = (1.4 if up[1] > 0 else 0.7) ** strength
    table = 255 * np.clip(moved / 255, 0, 1) ** gamma
    share = np.clip((levels - black) / BARELY_LIT, 0, 1)
    return np.asarray(cv2.LUT(pixels, np.rint(levels + share * (table - levels)).astype(np.uint8)), np.uint8)


def tgc(pixels: U8, strength: float, rng: Generator) -> U8:
    """Sliders out of line: a smooth curve over depth of up to +-25 %."""
    knobs = (1 + 0.25 * strength * rng.choice((-1.0, 1.0), KNOBS) * rng.uniform(0.4, 1, KNOBS)).astype(np.float32)
    return _by_depth(pixels, np.asarray(cv2.resize(knobs[:, None], (1, pixels.shape[0]), interpolation=cv2.INTER_CUBIC), np.float32))


def lost_in_depth(pixels: U8, strength: float, rng: Generator) -> U8:
    """Attenuation by depth d = 0..1: (1 - l) exp(-mu d) + l, mu up to 3 (`adamtupper/usaugment`).

    Depth was set beyond what the frequency reaches.
    """
    depth = np.linspace(0, 1, pixels.shape[0], dtype=np.float32)[:, None]
    mu = np.float32(between(0.0, 3.0, strength) * rng.uniform(0.9, 1.0))
    return _by_depth(pixels, (1 - FLOOR) * np.exp(-mu * depth) + FLOOR)


def _by_depth(pixels: U8, curve: F32) -> U8:
    """curve: (h, 1), a factor for each row."""
    return multiplied(pixels, np.repeat(np.asarray(curve, np.float32), pixels.shape[1], axis=1))


def speckle(pixels: U8, strength: float, rng: Generator) -> U8:
    """Multiplicative grain of variance 0.02 to 0.1 before the display's low pass, finer or coarser than the picture's own."""
    cell = float(rng.uniform(1.0, 2.2)) * unit_px(pixels) + 0.4
    grain = relief(rng, (pixels.shape[0], pixels.shape[1]), (cell, 1.4 * cell), 1)
    return multiplied(pixels, 1 + np.float32(0.45 * between(0.02, 0.1, strength) ** 0.5) * grain)


def smoothed(pixels: U8, strength: float, rng: Generator) -> U8:
    """A vendor's speckle filter: smooth within tissue, sharp at its borders."""
    grey = cv2.bilateralFilter(pixels[..., 1], 5, between(15, 60, strength), between(1.0, 3.0, strength) * float(rng.uniform(0.8, 1.2)))
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
