"""Textures that the phantoms are made of: smooth random fields, cell patterns, sensor noise. Pure, seeded by the caller's generator."""

import cv2
import numpy as np

from edge.frame import F32, U8

__all__ = ["cells", "field", "sensor_noise", "smoothstep"]


def smoothstep(low: float, high: float, value: F32) -> F32:
    """0 below low, 1 above high, smooth between (Hermite). low > high turns it round."""
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def field(rng: np.random.Generator, shape: tuple[int, int], cell_px: tuple[float, float], octaves: int = 3) -> F32:
    """Smooth random field (h, w) float32, mean 0, standard deviation 1. cell_px: (down, across) size of the coarsest blobs."""
    total = np.zeros(shape, np.float32)
    weight = 1.0
    for octave in range(octaves):
        down, across = cell_px[0] / 2**octave, cell_px[1] / 2**octave
        grid = rng.standard_normal((max(4, round(shape[0] / down) + 3), max(4, round(shape[1] / across) + 3))).astype(np.float32)
        total += weight * np.asarray(cv2.resize(grid, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32)
        weight *= 0.5
    return np.asarray((total - total.mean()) / (total.std() + 1e-6), np.float32)


def cells(rng: np.random.Generator, shape: tuple[int, int], cell_px: float) -> F32:
    """Borders of irregular cells (Voronoi of jittered sites): (h, w) float32, 1 on a border, 0 in the middle of a cell."""
    high, wide = shape
    rows, columns = round(high / cell_px) + 1, round(wide / cell_px) + 1
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    y = (y + 0.5 * (np.arange(columns) % 2) + rng.uniform(-0.36, 0.36, y.shape)) * cell_px
    x = (x + rng.uniform(-0.36, 0.36, x.shape)) * cell_px
    sites = np.full(shape, 255, np.uint8)
    inside = (y >= 0) & (y < high) & (x >= 0) & (x < wide)
    sites[y[inside].astype(int), x[inside].astype(int)] = 0
    _, owner = cv2.distanceTransformWithLabels(sites, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    border = np.zeros(shape, np.float32)
    border[:, 1:] = owner[:, 1:] != owner[:, :-1]
    border[1:] = np.maximum(border[1:], owner[1:] != owner[:-1])
    soft = cv2.GaussianBlur(border, (0, 0), max(0.7, cell_px * 0.16))
    return np.asarray(soft / (soft.max() + 1e-6), np.float32)


def sensor_noise(rng: np.random.Generator, shape: tuple[int, ...], levels: float) -> tuple[U8, U8]:
    """What to add and what to take away, each uint8 of `shape`: normal noise of standard deviation `levels` grey levels."""
    noise = np.rint(rng.standard_normal(shape, np.float32) * np.float32(levels))
    return np.clip(noise, 0, 255).astype(np.uint8), np.clip(-noise, 0, 255).astype(np.uint8)
