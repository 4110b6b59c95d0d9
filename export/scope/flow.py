"""Color that a scanner lays over its B-mode picture, and the tint that it may give the whole: one is foreign, the other is not.

Both are rendered over a model's own train pictures. `calibration.scope.rendered` paints its color flow otherwise, on purpose.
"""

import cv2
import numpy as np

from edge.frame import F32, U8

__all__ = ["overlaid", "tinted"]

STRONGEST_TINT = 0.35  # share by which a channel falls behind the brightest one


def _map(level: F32, kind: int) -> F32:
    """level: (h, w) float32 in -1..1 -> (h, w, 3) RGB 0..255: flow to and from the probe, power, elasticity."""
    size = np.abs(level)
    zero = np.zeros_like(level)
    if kind == 0:
        toward = np.stack([0.45 + 0.55 * size, size**1.5, zero], 2)
        away = np.stack([zero, size**1.5, 0.45 + 0.55 * size], 2)
        return np.asarray(255 * np.where(level[..., None] > 0, toward, away), np.float32)
    if kind == 1:
        return np.asarray(255 * np.stack([0.35 + 0.65 * size, 0.8 * size**2, 0.25 * size**4], 2), np.float32)
    steps = np.clip((level + 1) * 127.5, 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(cv2.applyColorMap(steps, cv2.COLORMAP_JET), cv2.COLOR_BGR2RGB), np.float32)


def _vessels(rng: np.random.Generator, width: int, height: int) -> tuple[F32, F32]:
    """Speed (h, w) in -1..1 and the share (h, w) in 0..1 in which it covers the tissue: branching tubes, fastest in the middle."""
    speed, cover = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(1, 6))):
        at = rng.uniform((0, 0), (width, height))
        way, turn = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.08)
        thick, sign = float(rng.uniform(0.01, 0.05) * width), float(rng.choice([-1, 1]))
        tube = np.zeros((height, width), np.uint8)
        for _ in range(int(rng.integers(6, 60))):
            after = at + 0.02 * width * np.array([np.cos(way), np.sin(way)])
            cv2.line(tube, at.astype(int).tolist(), after.astype(int).tolist(), 255, max(1, round(thick)), cv2.LINE_AA)
            at, way = after, way + turn + rng.normal(0, 0.15)
        depth = cv2.distanceTransform((tube > 0).astype(np.uint8), cv2.DIST_L2, 3)
        inside = tube > 0
        speed[inside] = sign * np.clip(0.3 + 0.7 * depth[inside] / (depth.max() + 1e-6), 0, 1)
        cover = np.maximum(cover, tube.astype(np.float32) / 255)
    return speed, cover


def _one(picture: U8, rng: np.random.Generator) -> U8:
    height, width = picture.shape[:2]
    w, h = round(width * rng.uniform(0.3, 0.8)), round(height * rng.uniform(0.3, 0.8))
    x, y = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
    out = picture.astype(np.float32)
    box, kind = out[y : y + h, x : x + w], int(rng.integers(0, 3))
    if kind == 2:
        small = rng.standard_normal((4, 4)).astype(np.float32)
        level = np.asarray(np.clip(cv2.resize(small, (w, h), interpolation=cv2.INTER_CUBIC) * 0.7, -1, 1), np.float32)
        cover = np.full((h, w), rng.uniform(0.3, 0.7), np.float32)
    else:
        level, cover = _vessels(rng, w, h)
        level = level + rng.standard_normal(level.shape, np.float32) * 0.08
    box += cover[..., None] * (_map(np.clip(level, -1, 1), kind) - box)
    cv2.rectangle(out, (x, y), (x + w - 1, y + h - 1), _map(np.ones((1, 1), np.float32), kind)[0, 0].tolist(), 1)
    if rng.random() < 0.5:
        long, thick = round(height * rng.uniform(0.2, 0.5)), max(2, round(width * rng.uniform(0.015, 0.035)))
        ramp = np.repeat(np.linspace(1, -1, long, dtype=np.float32)[:, None], thick, 1)
        left = int(rng.choice([0, width - thick]))
        out[:long, left : left + thick] = _map(ramp, kind)
    return np.asarray(np.clip(out, 0, 255), np.uint8)


def overlaid(pixels: U8, n: int, seed: int) -> U8:
    """n of (m, h, w, 3) uint8 with color flow, power Doppler or elastography over them, every kind alike, drawn by seed."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(pixels), n, replace=n > len(pixels))
    return np.stack([_one(np.asarray(pixels[i]), rng) for i in chosen])


def tinted(pixels: U8, n: int, seed: int) -> U8:
    """n of (m, h, w, 3) uint8 in one hue each, as scanners tint B-mode (sepia, amber, blue): luma alone tells what they show."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(pixels), n, replace=n > len(pixels))
    hues = np.array([rng.permutation([0.0, float(rng.random()), 1.0]) for _ in range(n)]).reshape(n, 1, 1, 3)
    gains = 1 - STRONGEST_TINT * rng.random((n, 1, 1, 1)) * hues
    return np.asarray(np.clip(pixels[np.asarray(chosen)] * gains, 0, 255), np.uint8)
