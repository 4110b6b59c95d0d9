"""Hairs on skin: bent, tapered, of one kin in colour and lie, each with a soft shadow beside it; and stubble, their short cousin."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from edge.frame import F32, U8
from export.distil.artefacts.brush import REFERENCE_PX, alpha_of, between, inked, one_of, unit_px

__all__ = ["hairs", "stubble"]

FINE = 2  # drawn this much larger and shrunk by area, since no pen of OpenCV draws 0.7 px
POINTS = 13  # on each side of a strand
DARK = ((38, 26, 20), (22, 17, 16), (58, 38, 26))
FAIR = ((150, 140, 132), (168, 132, 84))  # grey, blond: one head in ten
SHADOW = 0.28


@dataclass(frozen=True, slots=True)
class _Growth:
    """n strands. length, width: in units of the picture; each strand draws its own from length and around width."""

    n: int
    length: tuple[float, float]
    width: float
    bend: float  # standard deviation of the middle's offset, as a share of the length
    lie: float  # standard deviation of the direction, in radians


def hairs(pixels: U8, strength: float, rng: Generator) -> U8:
    """5 to 40 strands, 0.3 to 1 side long and 1 to 4 units wide at the root."""
    width = between(1.0, 2.8, strength) * float(rng.uniform(0.75, 1.35))
    return _grown(pixels, _Growth(round(between(5, 40, strength)), (67, 224), width, 0.13, float(rng.uniform(0.25, 0.9))), strength, rng)


def stubble(pixels: U8, strength: float, rng: Generator) -> U8:
    """What a razor left: 30 to 110 thick, short, nearly straight pieces."""
    growth = _Growth(round(between(30, 110, strength)), (5, 20), between(1.4, 2.6, strength), 0.05, float(rng.uniform(0.15, 0.5)))
    return _grown(pixels, growth, strength, rng)


def _outlines(growth: _Growth, shape: tuple[int, ...], rng: Generator) -> F32:
    """(n, 2 * POINTS, 2): closed outlines of quadratic Bezier strands in pixels of a picture of `shape`."""
    height, width = shape[:2]
    unit = min(height, width) / REFERENCE_PX
    n, t = growth.n, np.linspace(0, 1, POINTS)[None, :, None]
    middle = rng.uniform(-0.05, 1.05, (n, 2)) * (width, height)
    heading = rng.uniform(0, 2 * np.pi) + rng.normal(0, growth.lie, n)
    along = np.stack([np.cos(heading), np.sin(heading)], 1)
    across = np.stack([-along[:, 1], along[:, 0]], 1)
    length = rng.uniform(*growth.length, (n, 1)) * unit
    root, tip = middle - along * length / 2, middle + along * length / 2
    knee = middle + across * length * rng.normal(0, 2 * growth.bend, (n, 1))
    spine = (1 - t) ** 2 * root[:, None] + 2 * t * (1 - t) * knee[:, None] + t**2 * tip[:, None]
    slope = 2 * (1 - t) * (knee - root)[:, None] + 2 * t * (tip - knee)[:, None]
    normal = np.stack([-slope[..., 1], slope[..., 0]], 2) / np.linalg.norm(slope, axis=2, keepdims=True)
    half = normal * growth.width * unit / 2 * rng.uniform(0.6, 1.2, (n, 1, 1)) * (1 - 0.75 * t**2)
    return np.concatenate([spine + half, (spine - half)[:, ::-1]], 1).astype(np.float32)


def _grown(pixels: U8, growth: _Growth, strength: float, rng: Generator) -> U8:
    height, width = pixels.shape[:2]
    unit = unit_px(pixels)
    kin = np.array(one_of(rng, *DARK) if rng.random() < 0.9 else one_of(rng, *FAIR), np.float32)
    outlines = np.rint(_outlines(growth, pixels.shape, rng) * FINE * 16).astype(np.int32)
    alphas = np.clip(between(0.6, 0.95, strength) + rng.normal(0, 0.08, growth.n), 0.4, 1)
    tones = np.clip(kin * rng.uniform(0.7, 1.35, (growth.n, 1)), 0, 255) * alphas[:, None]
    canvas = np.zeros((height * FINE, width * FINE, 4), np.uint8)  # colour times alpha, and alpha
    for outline, tone, alpha in zip(outlines, tones, alphas, strict=True):
        cv2.fillPoly(canvas, [outline], (*tone.tolist(), 255 * float(alpha)), cv2.LINE_8, 4)
    drawn = np.asarray(cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    drawn = np.asarray(cv2.GaussianBlur(drawn, (0, 0), max(0.3, float(rng.uniform(0.4, 0.8)) * unit)), np.uint8)
    moved = np.array([[1, 0, rng.uniform(-2, 2) * unit], [0, 1, rng.uniform(-2, 2) * unit]], np.float32)
    beside = cv2.warpAffine(np.ascontiguousarray(drawn[..., 3]), moved, (width, height))
    return inked(pixels, drawn, 1 - np.float32(SHADOW) * alpha_of(np.asarray(beside, np.uint8), 1.6 * unit))
