"""What sound does wrong on its way: shadows, haze, echoes between probe and skin, an edge of the probe in the air."""

import numpy as np
from numpy.random import Generator

from edge.frame import F32, U8
from edge.sources.phantom_noise import field as relief
from edge.sources.phantom_noise import smoothstep
from export.distil.artefacts.brush import between, laid_over, lit_by, multiplied, unit_px

__all__ = ["contact_lost", "haze", "reverberation", "shadow"]


def _rows(pixels: U8) -> F32:
    """(h, 1) depth 0..1."""
    return np.linspace(0, 1, pixels.shape[0], dtype=np.float32)[:, None]


def _columns(pixels: U8) -> F32:
    """(1, w) place across 0..1."""
    return np.linspace(0, 1, pixels.shape[1], dtype=np.float32)[None, :]


def _grain(pixels: U8, rng: Generator) -> F32:
    """Speckle of mean 1 for what is added: (h, w), never negative."""
    unit = unit_px(pixels)
    grain = relief(rng, (pixels.shape[0], pixels.shape[1]), (1.6 * unit + 0.5, 2.6 * unit + 0.5), 1)
    return np.asarray(np.maximum(1 + 0.45 * grain, 0), np.float32)


def shadow(pixels: U8, strength: float, rng: Generator) -> U8:
    """Something takes 25 to 80 % of the sound away: everything beneath it is darker, in a stripe that widens a little."""
    x, depth = _columns(pixels), _rows(pixels)
    start, middle, lean = rng.uniform(0.0, 0.5), rng.uniform(0.1, 0.9), rng.normal(0, 0.05)
    width = np.float32(rng.uniform(0.04, 0.05 + 0.07 * strength)) * (1 + 0.5 * depth)
    across = np.exp(-(((x - np.float32(middle) - np.float32(lean) * depth) / width) ** 2))
    begun = smoothstep(float(start), float(start) + 0.06, depth)
    return multiplied(pixels, np.asarray(1 - np.float32(between(0.25, 0.8, strength)) * across * begun, np.float32))


def haze(pixels: U8, strength: float, rng: Generator) -> U8:
    """A veil of clutter over a band of depth: up to 70 levels of grainy grey."""
    at, spread = rng.uniform(0.05, 0.6), rng.uniform(0.06, 0.16)
    band = np.exp(-(((_rows(pixels) - np.float32(at)) / np.float32(spread)) ** 2)) * np.float32(between(12, 70, strength))
    slow = np.clip(1 + 0.3 * relief(rng, (pixels.shape[0], pixels.shape[1]), (60.0, 60.0), 1), 0.2, 1.8)
    return lit_by(pixels, np.asarray(band * slow * _grain(pixels, rng), np.float32))


def reverberation(pixels: U8, strength: float, rng: Generator) -> U8:
    """3 to 7 bright lines at equal spacing from the probe down, each weaker than the one before."""
    depth, x = _rows(pixels), _columns(pixels)
    step, bow = np.float32(rng.uniform(0.035, 0.09)), np.float32(rng.normal(0, 0.02))
    lines = np.zeros(pixels.shape[:2], np.float32)
    for k in range(1, round(between(3, 7, strength)) + 1):
        line = (depth - k * step - bow * (2 * x - 1) ** 2) / np.float32(0.006 + 0.0015 * k)
        lines += np.exp(-(line**2)) * np.float32(0.7 ** (k - 1))
    broken = np.clip(1 + 0.5 * relief(rng, (4, pixels.shape[1]), (4.0, pixels.shape[1] / 6), 2)[:1], 0, 2)
    return lit_by(pixels, np.asarray(np.float32(between(30, 100, strength)) * lines * broken * _grain(pixels, rng), np.float32))


def contact_lost(pixels: U8, strength: float, rng: Generator) -> U8:
    """5 to 25 % of the width in the air, at either side: ringing near the probe, and only the receiver's noise beneath."""
    share, soft = between(0.05, 0.25, strength), float(rng.uniform(0.01, 0.04))
    place = _columns(pixels) if rng.random() < 0.5 else 1 - _columns(pixels)
    gone = np.repeat(smoothstep(share + soft, share - soft, place), pixels.shape[0], axis=0)
    depth = _rows(pixels)
    ringing = np.exp(-depth / 0.05) * (0.6 + 0.4 * np.cos(2 * np.pi * depth / np.float32(rng.uniform(0.02, 0.04))))
    air = np.clip((np.float32(rng.uniform(90, 170)) * ringing + 4) * _grain(pixels, rng), 0, 255).astype(np.uint8)
    return laid_over(pixels, gone, np.repeat(air[..., None], 3, axis=2))
