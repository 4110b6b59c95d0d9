"""The way from the picture to the file: the tube's dark corners, the camera's idea of white, compression, a grabber's scaler."""

import cv2
import numpy as np
from numpy.random import Generator

from edge.frame import U8
from edge.sources.phantom_noise import smoothstep
from export.distil.artefacts.brush import between, filled, laid_over, one_of, unit_px

__all__ = ["cast", "compressed", "dark_corners", "rescaled"]

TUBE = (11, 8, 16)  # the dark of a tube is not black: stray light, a little blue
NOISE = 7  # and up to so many levels more


def dark_corners(pixels: U8, strength: float, rng: Generator) -> U8:
    """The round field of a tube: radius 1.05 to 0.85 of the half diagonal (HAM10000's own: 0.8 to 0.9), edge 1 to 20 units soft.

    The dark has the noise of a sensor.
    """
    height, width = pixels.shape[:2]
    half = np.hypot(height, width) / 2
    radius, soft = half * between(1.05, 0.85, strength), float(rng.uniform(1, 20)) * unit_px(pixels)
    x = np.arange(width, dtype=np.float32) - np.float32(width / 2 + rng.uniform(-0.05, 0.05) * width)
    y = np.arange(height, dtype=np.float32) - np.float32(height / 2 + rng.uniform(-0.05, 0.05) * height)
    outside = smoothstep(radius - soft / 2, radius + soft / 2, np.sqrt(x[None, :] ** 2 + y[:, None] ** 2))
    noise = np.frombuffer(rng.bytes(pixels.size), np.uint8).reshape(pixels.shape) & NOISE
    dark = np.asarray(cv2.add(np.asarray(noise, np.uint8), filled(pixels.shape, TUBE)), np.uint8)
    return np.asarray(cv2.min(laid_over(pixels, outside, dark), pixels), np.uint8)  # what is darker already stays so


def cast(pixels: U8, strength: float, rng: Generator) -> U8:
    """White balance +-10 %, gamma 0.8 to 1.25, hue +-0.03 of the circle, each at its end in proportion to strength."""
    sign = rng.choice((-1.0, 1.0), 5)
    gains = 1 + sign[:3] * 0.1 * strength * rng.uniform(0.5, 1, 3)
    gamma = 1.25 ** (sign[3] * strength)
    levels = np.arange(256, dtype=np.float64)[:, None] / 255
    table = np.clip(np.rint(255 * levels**gamma * gains), 0, 255).astype(np.uint8)
    turned = cv2.transform(cv2.LUT(pixels, table.reshape(256, 1, 3)), _about_grey(2 * np.pi * 0.03 * strength * sign[4]))
    return np.asarray(turned, np.uint8)


def _about_grey(angle: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Rotation of RGB about the axis of greys (Rodrigues): the hue turns, greys stay."""
    k = np.full(3, 3**-0.5)
    cross = np.array([[0, -k[2], k[1]], [k[2], 0, -k[0]], [-k[1], k[0], 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def compressed(pixels: U8, strength: float, rng: Generator) -> U8:
    """JPEG of quality 95 to 50."""
    quality = round(between(95, 50, strength) + rng.uniform(-2, 2))
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done, "JPEG takes every 8 bit picture of up to 65500 px a side"
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def rescaled(pixels: U8, strength: float, rng: Generator) -> U8:
    """Shrunk to 1 to 0.4 of its size and drawn out again, by whatever kernels a grabber happens to have."""
    height, width = pixels.shape[:2]
    share = between(0.95, 0.4, strength)
    small = (max(2, round(width * share)), max(2, round(height * share)))
    down = one_of(rng, cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_AREA)
    up = one_of(rng, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
    return np.asarray(cv2.resize(cv2.resize(pixels, small, interpolation=down), (width, height), interpolation=up), np.uint8)
