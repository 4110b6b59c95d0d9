"""Rendered pictures that are none of a medical model's business: the outlier exposure of the input gate.

No photograph is used: the natural, lung and other report sets stay unseen. Photographs are imitated by
dead leaves (occluding discs with a 1/r^3 size law, Lee, Mumford and Huang 2001) and 1/f noise, programs by
rendered screens, foreign ultrasound by sector-shaped speckle.
"""

from collections.abc import Callable

import cv2
import numpy as np

from edge.frame import F32, U8

__all__ = ["KINDS", "bend", "render"]

Render = Callable[[np.random.Generator, int, int], U8]


def _cloud(rng: np.random.Generator, height: int, width: int, power: float) -> F32:
    """1/f**power noise, (height, width) float32, mean 0, sd 1."""
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    radius = np.sqrt(fy * fy + fx * fx)
    radius[0, 0] = 1.0
    spectrum = (rng.standard_normal(radius.shape) + 1j * rng.standard_normal(radius.shape)) / radius**power
    spectrum[0, 0] = 0
    out = np.fft.irfft2(spectrum, s=(height, width))
    return np.asarray(out / (out.std() + 1e-9), np.float32)


def _color(rng: np.random.Generator) -> tuple[int, int, int]:
    hue, saturation, value = rng.integers(0, 180), int(rng.beta(1, 1.5) * 255), rng.integers(20, 256)
    r, g, b = cv2.cvtColor(np.array([[[hue, saturation, value]]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0]
    return int(r), int(g), int(b)


def dead_leaves(rng: np.random.Generator, height: int, width: int) -> U8:
    out = np.full((height, width, 3), _color(rng), np.uint8)
    grey = rng.random() < 0.3
    least = rng.uniform(1, 6)
    for _ in range(int(rng.integers(30, 500))):
        radius = int(min(least * (1 - rng.random()) ** -0.5, 0.45 * width))
        at = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        kind = rng.random()
        if kind < 0.5:
            cv2.circle(out, at, radius, _color(rng), -1, cv2.LINE_AA)
        elif kind < 0.8:
            axes, angle = (radius, max(1, int(radius * rng.uniform(0.2, 1)))), float(rng.uniform(0, 180))
            cv2.ellipse(out, at, axes, angle, 0, 360, _color(rng), -1, cv2.LINE_AA)
        else:
            corners = (rng.uniform(-radius, radius, (4, 2)) + at).astype(np.int32)
            cv2.fillConvexPoly(out, cv2.convexHull(corners), _color(rng), cv2.LINE_AA)
    shade = _cloud(rng, height, width, float(rng.uniform(1.0, 2.0))) * float(rng.uniform(5, 30))
    grain = rng.standard_normal((height, width), np.float32) * float(rng.uniform(0, 8))
    out = np.clip(out + (shade + grain)[..., None], 0, 255).astype(np.uint8)
    out = np.asarray(cv2.GaussianBlur(out, (0, 0), float(rng.uniform(0.3, 2.0))), np.uint8)
    return np.asarray(cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8) if grey else out


def clouds(rng: np.random.Generator, height: int, width: int) -> U8:
    """Textures: 1/f noise of any roughness, grey or colored, with or without an edge across."""
    power = float(rng.uniform(0.3, 2.2))
    layers = np.stack([_cloud(rng, height, width, power) for _ in range(3)], 2)
    mix = float(rng.beta(0.7, 0.7))
    out = 128 + rng.uniform(-70, 70) + (layers * mix + layers[..., :1] * (1 - mix)) * float(rng.uniform(8, 70))
    if rng.random() < 0.4:
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        side = (x - width * rng.uniform(0.2, 0.8)) * np.cos(t := rng.uniform(0, np.pi)) + (y - height / 2) * np.sin(t) > 0
        out = out + side[..., None] * float(rng.uniform(-90, 90))
    return np.asarray(np.clip(out, 0, 255), np.uint8)


def patterns(rng: np.random.Generator, height: int, width: int) -> U8:
    """Stripes, checks, grids and rings, sharp or soft."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    angle, period = rng.uniform(0, np.pi), rng.uniform(3, 60)
    u, v = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
    kind = rng.integers(0, 4)
    wave = np.sin(2 * np.pi * u / period)
    if kind == 1:
        wave = wave * np.sin(2 * np.pi * v / period)
    elif kind == 2:
        wave = np.maximum(wave, np.sin(2 * np.pi * v / period)) - 0.9
    elif kind == 3:
        wave = np.sin(2 * np.pi * np.hypot(x - width * rng.random(), y - height * rng.random()) / period)
    mask = (np.clip(wave * rng.uniform(0.7, 20), -1, 1) + 1)[..., None] / 2
    out = mask * _color(rng) + (1 - mask) * _color(rng) + rng.standard_normal((height, width, 1)) * rng.uniform(0, 15)
    return np.asarray(np.clip(out, 0, 255), np.uint8)


def screens(rng: np.random.Generator, height: int, width: int) -> U8:
    """Program windows and printed text."""
    dark = rng.random() < 0.4
    paper, ink = (rng.integers(0, 50), rng.integers(150, 255)) if dark else (rng.integers(200, 256), rng.integers(0, 100))
    out = np.full((height, width, 3), int(paper), np.uint8)
    for _ in range(int(rng.integers(0, 9))):
        corners = rng.integers(0, (width, height), (2, 2)).tolist()
        cv2.rectangle(out, corners[0], corners[1], _color(rng), int(rng.choice([-1, 1, 2])))
    letters = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 .,:;-+%()/"
    font, size = int(rng.choice([0, 1, 2, 3, 4])), float(rng.uniform(0.2, 0.9))
    for line in range(int(rng.integers(3, 24))):
        text = "".join(rng.choice(list(letters), int(rng.integers(3, 50))))
        at = (int(rng.integers(0, width // 2)), int((line + 1) * size * 24))
        cv2.putText(out, text, at, font, size, (int(ink),) * 3, 1, cv2.LINE_AA)
    if rng.random() < 0.3:
        out = np.asarray(cv2.GaussianBlur(out, (0, 0), float(rng.uniform(0.3, 1.2))), np.uint8)
    return out


def blanks(rng: np.random.Generator, height: int, width: int) -> U8:
    """One level or a gradient, with sensor noise: a covered lens, a wall, the sky, a white screen."""
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    slope = (x * rng.uniform(-40, 40) + y * rng.uniform(-40, 40))[..., None]
    out = np.array(_color(rng)) + slope + rng.standard_normal((height, width, 3)) * rng.uniform(0, 6)
    return np.asarray(np.clip(out, 0, 255), np.uint8)


def noise(rng: np.random.Generator, height: int, width: int) -> U8:
    """Electronic noise: uniform, normal, salt and pepper; grey or colored; fine or coarse."""
    channels = int(rng.choice([1, 3]))
    coarse = int(rng.choice([1, 1, 2, 4, 8]))
    shape = (height // coarse + 1, width // coarse + 1, channels)
    kind = rng.integers(0, 3)
    if kind == 0:
        small = rng.integers(0, 256, shape).astype(np.float32)
    elif kind == 1:
        small = np.float32(rng.uniform(20, 230)) + rng.standard_normal(shape, np.float32) * np.float32(rng.uniform(10, 90))
    else:
        peppered = rng.random(shape) < rng.uniform(0.02, 0.5)
        small = np.where(peppered, 255.0 * (rng.random(shape) < 0.5), rng.uniform(0, 255)).astype(np.float32)
    how = int(rng.choice([cv2.INTER_NEAREST, cv2.INTER_LINEAR]))
    big = np.asarray(cv2.resize(small, (width, height), interpolation=how)).reshape(height, width, channels)
    return np.repeat(np.clip(big, 0, 255).astype(np.uint8), 3 // channels, 2)


def sectors(rng: np.random.Generator, height: int, width: int) -> U8:
    """Convex or phased-array speckle in a sector on black: heart, lung, abdomen, as far as shape and grain go."""
    depth, beams = 256, 192
    grain = np.hypot(rng.standard_normal((depth, beams)), rng.standard_normal((depth, beams))).astype(np.float32)
    wide, high = float(rng.uniform(0.8, 3)), float(rng.uniform(0.5, 1.5))
    grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), sigmaX=wide, sigmaY=high), np.float32)
    level = np.asarray(60 + 45 * cv2.resize(_cloud(rng, 32, 32, 1.5), (beams, depth), interpolation=cv2.INTER_CUBIC), np.float32)
    for _ in range(int(rng.integers(0, 5))):
        at, axes = rng.integers(0, (beams, depth)).tolist(), rng.integers(8, 90, 2).tolist()
        cv2.ellipse(level, at, axes, float(rng.uniform(0, 180)), 0, 360, float(rng.choice([0, 0, 20, 150])), -1)
    if rng.random() < 0.4:
        for row in range(int(rng.integers(20, 90)), depth, int(rng.integers(25, 90))):
            cv2.line(level, (0, row), (beams, row + int(rng.integers(-6, 6))), float(rng.uniform(120, 250)), int(rng.integers(1, 4)))
    polar = np.clip(np.clip(level, 0, 255) * grain * np.linspace(1.2, rng.uniform(0.3, 1.1), depth, dtype=np.float32)[:, None], 0, 255)
    half = float(rng.uniform(0.45, 0.9))
    top = float(rng.choice([0.0, 0.0, rng.uniform(0.1, 0.5)]))
    x, y = np.meshgrid(np.linspace(-1, 1, width) * width / height, np.linspace(0, 2, height) + top * 2)
    y, x = y - rng.uniform(0, 0.15), x * rng.uniform(0.8, 1.2)
    radius, angle = np.hypot(x, y), np.arctan2(x, y)
    map_r = ((radius - top * 2) / 2 * depth).astype(np.float32)
    map_a = ((angle / half + 1) / 2 * beams).astype(np.float32)
    out = cv2.remap(polar.astype(np.float32), map_a, map_r, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return np.repeat(np.clip(out, 0, 255).astype(np.uint8)[..., None], 3, 2)


def bend(picture: U8, rng: np.random.Generator) -> U8:
    """A linear probe's picture as a convex or phased-array probe would show it: the real grain in a sector on black.

    (h, w, 3) uint8 -> (height, width, 3) uint8 cut to the sector. What a curved probe sees is no breast in the sense of a model
    that was made from linear ones.
    """
    height, width = picture.shape[:2]
    half, top = float(rng.uniform(0.35, 0.8)), float(rng.uniform(0.0, 0.8))
    zoom = float(rng.uniform(1.0, 1.8))
    depth = 1.0 + top
    span = np.sin(half) * depth
    x, y = np.meshgrid(np.linspace(-span, span, 256, dtype=np.float32), np.linspace(top * np.cos(half), depth, 256, dtype=np.float32))
    radius, angle = np.hypot(x, y), np.arctan2(x, y)
    across = (angle / half / zoom + 1) / 2 * (width - 1)
    down = (radius - top) / zoom * (height - 1)
    out = cv2.remap(picture, across.astype(np.float32), down.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    outside = (np.abs(angle) > half) | (radius > depth) | (radius < top)
    return np.asarray(np.where(outside[..., None], 0, out), np.uint8)


KINDS: tuple[tuple[str, Render, int], ...] = (
    ("dead leaves", dead_leaves, 5),
    ("clouds", clouds, 2),
    ("patterns", patterns, 1),
    ("screens", screens, 3),
    ("blanks", blanks, 1),
    ("noise", noise, 2),
    ("sectors", sectors, 4),
)


def render(n: int, seed: int, height: int, width: int) -> U8:
    """(n, height, width, 3) uint8, kinds mixed by their weights, picture i fixed by (seed, i)."""
    bag = [make for _, make, weight in KINDS for _ in range(weight)]
    out = np.empty((n, height, width, 3), np.uint8)
    for i in range(n):
        out[i] = bag[i % len(bag)](np.random.default_rng((seed, i)), height, width)
    return out
