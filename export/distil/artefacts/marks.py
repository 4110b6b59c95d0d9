"""What a physician leaves on the skin around a lesion: a line of gentian violet, a coloured sticker."""

import cv2
import numpy as np
from numpy.random import Generator

from edge.frame import F32, U8
from edge.sources.phantom_noise import field as relief
from edge.sources.phantom_noise import smoothstep
from export.distil.artefacts.brush import alpha_of, between, filled, laid_over, multiplied, one_of, unit_px

__all__ = ["ink", "sticker"]

STICKERS = ((52, 96, 178), (62, 148, 96), (222, 190, 60), (214, 92, 60), (186, 44, 60), (228, 226, 220))
CLEAR = 0.36  # of the short side around the middle stays free of ink: it is drawn around a lesion, not over it


def ink(pixels: U8, strength: float, rng: Generator) -> U8:
    """Violet or blue, 3 to 12 units wide: a broken circle, an arc, arrows or dots around the middle. It dyes, so it multiplies."""
    unit, (height, width) = unit_px(pixels), pixels.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    draw = one_of(rng, _arc, _arc, _arrows, _dots)
    draw(mask, max(1, round(between(3, 11, strength) * unit)), rng)
    furrows = relief(rng, (height, width), (7 * unit + 1, 7 * unit + 1), 3)
    ragged = smoothstep(0.35, 0.65, alpha_of(mask, unit) + np.float32(0.14) * furrows * (mask > 0))  # it runs along the furrows
    dyed = ragged * np.clip(0.88 + 0.16 * furrows, 0.2, 1.1) * np.float32(between(0.55, 0.95, strength))
    violet, blue = (rng.uniform((70, 20, 120), (110, 60, 170)), rng.uniform((25, 45, 120), (60, 85, 170)))
    colour = np.asarray(violet if rng.random() < 0.7 else blue, np.float32) / 255
    return multiplied(pixels, np.asarray(1 - dyed[..., None] * (1 - colour), np.float32))


def _circle(mask: U8, rng: Generator) -> tuple[tuple[int, int], tuple[int, int]]:
    """A middle near the picture's and two half axes beyond `CLEAR`."""
    height, width = mask.shape
    short = min(height, width)
    middle = (round(width / 2 + short * rng.normal(0, 0.03)), round(height / 2 + short * rng.normal(0, 0.03)))
    return middle, (round(short * rng.uniform(CLEAR + 0.05, 0.62)), round(short * rng.uniform(CLEAR + 0.05, 0.50)))


def _arc(mask: U8, thick: int, rng: Generator) -> None:
    middle, axes = _circle(mask, rng)
    pieces = int(rng.integers(1, 6))
    start, turn = float(rng.uniform(0, 360)), float(rng.uniform(90, 340)) / pieces
    for piece in range(pieces):
        begin = start + piece * turn
        cv2.ellipse(mask, middle, axes, 0, begin, begin + turn * (1.0 if pieces == 1 else rng.uniform(0.5, 0.9)), 255, thick, cv2.LINE_AA)


def _arrows(mask: U8, thick: int, rng: Generator) -> None:
    (x, y), (a, b) = _circle(mask, rng)
    for angle in rng.uniform(0, 2 * np.pi, int(rng.integers(1, 4))):
        tail = (round(x + 1.5 * a * np.cos(angle)), round(y + 1.5 * b * np.sin(angle)))
        head = (round(x + a * np.cos(angle)), round(y + b * np.sin(angle)))
        cv2.arrowedLine(mask, tail, head, 255, max(1, round(thick * 0.6)), cv2.LINE_AA, 0, 0.45)


def _dots(mask: U8, thick: int, rng: Generator) -> None:
    (x, y), (a, b) = _circle(mask, rng)
    n = int(rng.integers(2, 5))
    for angle in rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(n) / n:
        cv2.circle(mask, (round(x + a * np.cos(angle)), round(y + b * np.sin(angle))), thick, 255, -1, cv2.LINE_AA)


def sticker(pixels: U8, strength: float, rng: Generator) -> U8:
    """A round coloured paper at the picture's edge, as used in series of children's naevi; its rim casts a shadow."""
    height, width = pixels.shape[:2]
    short, unit = min(height, width), unit_px(pixels)
    radius = between(0.14, 0.34, strength) * short
    angle, out = rng.uniform(0, 2 * np.pi), rng.uniform(0.42, 0.52)
    centre = (width / 2 + out * width * np.cos(angle), height / 2 + out * height * np.sin(angle))
    away = _distance(pixels, centre)
    fresh = multiplied(pixels, 1 - np.float32(0.35) * smoothstep(radius + 5 * unit, radius, away))
    lamp = rng.uniform(0, 2 * np.pi)
    shade = 1 + np.float32(0.12 / width) * (_along(width, np.cos(lamp))[None, :] + _along(height, np.sin(lamp))[:, None])
    paper = multiplied(filled(pixels.shape, one_of(rng, *STICKERS)), shade)
    return laid_over(fresh, smoothstep(radius + unit, radius - unit, away), paper)


def _along(length: int, slope: float) -> F32:
    return (np.arange(length, dtype=np.float32) - np.float32(length / 2)) * np.float32(slope)


def _distance(pixels: U8, centre: tuple[float, float]) -> F32:
    x = np.arange(pixels.shape[1], dtype=np.float32) - np.float32(centre[0])
    y = np.arange(pixels.shape[0], dtype=np.float32) - np.float32(centre[1])
    return np.sqrt(x[None, :] ** 2 + y[:, None] ** 2)
