"""What lies between glass and skin: air bubbles in the gel; and without polariser, the lamp's glints on dry skin."""

import cv2
import numpy as np
from numpy.random import Generator

from edge.frame import F32, U8
from edge.sources.phantom_noise import field as relief
from edge.sources.phantom_noise import smoothstep
from export.distil.artefacts.brush import between, filled, laid_over, unit_px

__all__ = ["bubbles", "glints"]

SPREAD = 0.3  # how much more of the skin a bubble shows at its rim than in its middle: air in gel is a diverging lens


def bubbles(pixels: U8, strength: float, rng: Generator) -> U8:
    """3 to 25 bubbles of 3 to 30 units radius, few of them large, in clusters near the border; one lamp lights all of them."""
    height, width = pixels.shape[:2]
    unit, n = unit_px(pixels), round(between(3, 25, strength))
    largest = between(10, 30, strength)
    radii = np.exp(rng.uniform(np.log(3), np.log(largest), n) * rng.uniform(0.6, 1, n)).clip(2.2) * unit
    nests = rng.uniform(0.05, 0.95, (3, 2))
    nests[:, int(rng.integers(2))] = rng.choice((0.06, 0.94), 3)
    centres = (nests[rng.integers(0, 3, n)] + rng.normal(0, 0.13, (n, 2))) * (width, height)
    lamp = float(rng.uniform(0, 2 * np.pi))
    out = pixels.astype(np.float32)
    for (x, y), radius, gain in zip(centres, radii, rng.uniform(0.94, 1.08, n), strict=True):
        _bubble(out, (float(x), float(y)), float(radius), lamp, float(gain), unit)
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def _bubble(out: F32, centre: tuple[float, float], radius: float, lamp: float, gain: float, unit: float) -> None:
    """Into (h, w, 3) float32, 0..255: refraction, a thin dark rim, a bright arc inside it, the lamp's spot and its counterpart."""
    height, width = out.shape[:2]
    left, top = max(0, int(centre[0] - radius - 2)), max(0, int(centre[1] - radius - 2))
    right, bottom = min(width, int(centre[0] + radius + 3)), min(height, int(centre[1] + radius + 3))
    if right - left < 3 or bottom - top < 3:
        return
    x = (np.arange(left, right, dtype=np.float32) - np.float32(centre[0]))[None, :]
    y = (np.arange(top, bottom, dtype=np.float32) - np.float32(centre[1]))[:, None]
    rho = np.sqrt(x**2 + y**2) / np.float32(radius)
    box = out[top:bottom, left:right]
    inside = np.clip((1 - rho) * np.float32(radius) + 0.5, 0, 1)
    wide = 1 + np.float32(SPREAD) * np.minimum(rho, 1) ** 2
    map_x, map_y = np.asarray(x * wide + (centre[0] - left), np.float32), np.asarray(y * wide + (centre[1] - top), np.float32)
    bent = cv2.remap(box, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) * np.float32(gain)
    line = np.float32(max(0.8, 0.9 * unit) / radius)  # the rim's width as a share of the radius
    towards = (x * np.float32(np.cos(lamp)) + y * np.float32(np.sin(lamp))) / np.float32(radius)
    dark = np.exp(-(((rho - 1 + line) / line) ** 2))
    bright = np.exp(-(((rho - 1 + 3 * line) / (1.3 * line)) ** 2)) * np.clip(0.35 + 0.65 * towards, 0, 1)
    spot = sum(
        weight * np.exp(-((x - at * radius * np.cos(lamp)) ** 2 + (y - at * radius * np.sin(lamp)) ** 2) / (size * radius) ** 2)
        for at, size, weight in ((0.55, 0.17, 1.0), (-0.6, 0.12, 0.45))
    )
    light = (255 - bent) * np.clip(0.55 * bright + spot, 0, 1).astype(np.float32)[..., None]
    lit = bent * (1 - np.float32(0.5) * dark[..., None]) + light
    box += (lit - box) * np.asarray(inside, np.float32)[..., None]


def glints(pixels: U8, strength: float, rng: Generator) -> U8:
    """White sparks on the ridges of dry skin, in soft patches: what a polariser would have taken away."""
    shape, unit = (pixels.shape[0], pixels.shape[1]), unit_px(pixels)
    ridges = relief(rng, shape, (2.2 * unit + 0.8, 3.4 * unit + 0.8), 1)
    patches = relief(rng, shape, (55 * unit, 55 * unit), 1)
    alpha = smoothstep(1.3, 3.0, ridges) * smoothstep(-0.2, 1.6, patches) * np.float32(between(0.35, 0.95, strength))
    return laid_over(pixels, alpha, filled(pixels.shape, (252, 250, 255)))
