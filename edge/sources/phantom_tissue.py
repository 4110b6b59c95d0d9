"""How strongly each place of a rendered breast-like tissue echoes, in decibels: skin, fat, gland, muscle, pleura, and one inclusion."""

import math

import cv2
import numpy as np

from edge.frame import F32
from edge.sources.phantom_noise import field, smoothstep

__all__ = ["Inclusion", "echo_db"]

Inclusion = str  # "cyst" | "mass"


def echo_db(rng: np.random.Generator, shape: tuple[int, int], inclusion: Inclusion) -> F32:
    """(depths, lines) float32 decibels; 0 is a strong reflector."""
    tissue = _layers(rng, shape)
    return _with_cyst(rng, tissue) if inclusion == "cyst" else _with_mass(rng, tissue)


def _layers(rng: np.random.Generator, shape: tuple[int, int]) -> F32:
    depth = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None]
    high, wide = shape
    y = depth + 0.012 * field(rng, shape, (high * 0.3, wide * 0.3), 3)

    def border(at: float, sway: float) -> F32:
        line = cv2.resize(rng.standard_normal((1, 7)).astype(np.float32), (wide, 1), interpolation=cv2.INTER_CUBIC)
        return np.asarray(at + sway * line, np.float32)

    fat_to = border(float(rng.uniform(0.13, 0.24)), 0.025)
    gland_to = border(float(rng.uniform(0.56, 0.68)), 0.03)
    muscle_to = border(float(rng.uniform(0.80, 0.90)), 0.012)
    fibres = field(rng, shape, (high * 0.018, wide * 0.35), 2)  # lie flat: bright strands along the layers
    lobes = field(rng, shape, (high * 0.11, wide * 0.22), 3)
    fine = field(rng, shape, (high * 0.03, wide * 0.07), 2)
    fat: F32 = -24 + 2 * fine + 11 * smoothstep(1.3, 2.1, fibres)
    gland = -14 + 4.0 * lobes + 2.0 * fine + 6 * smoothstep(0.9, 2.0, fibres) - 9 * smoothstep(1.0, 1.9, -lobes)
    muscle = -25 + 2 * fine + 13 * smoothstep(0.8, 1.6, field(rng, shape, (high * 0.014, wide * 0.6), 1))
    lung = np.full(shape, -44, np.float32) + 2 * fine
    soft = 0.008
    tissue = fat + (gland - fat) * smoothstep(-soft, soft, y - fat_to)
    tissue = tissue + (muscle - tissue) * smoothstep(-soft, soft, y - gland_to)
    tissue = tissue + (lung - tissue) * smoothstep(-soft, soft, y - muscle_to)
    for at, strength, thick in ((fat_to, 9, 0.006), (gland_to, 15, 0.007), (muscle_to, 30, 0.008)):
        tissue = tissue + strength * np.exp(-(((y - at) / thick) ** 2))
    skin = smoothstep(0.055, 0.045, y) * (1 + 0 * tissue)
    tissue = tissue + (-9 + 3 * fine - tissue) * skin
    tissue = tissue + 8 * np.exp(-(((y - 0.05) / 0.004) ** 2)) + 12 * np.exp(-((depth / 0.008) ** 2))
    return np.asarray(tissue - float(rng.uniform(8, 17)) * np.maximum(depth - 0.1, 0), np.float32)


def _place(rng: np.random.Generator, shape: tuple[int, int], size: tuple[float, float]) -> tuple[F32, F32, float, float]:
    """Grids of (across, down) about the inclusion's centre in units of the depth; the picture is taken to be as wide as deep."""
    high, wide = shape
    centre_x, centre_y = 0.5 + float(rng.uniform(-0.07, 0.07)), float(rng.uniform(0.36, 0.48))
    y, x = np.mgrid[0 : 1 : high * 1j, 0 : 1 : wide * 1j].astype(np.float32)
    across, down = (x - centre_x) * 1.25, y - centre_y
    return across, down, *size


def _with_cyst(rng: np.random.Generator, tissue: F32) -> F32:
    """Anechoic, smooth, wider than tall; bright front and back wall, more echo behind it, thin shadows past its edges."""
    shape = (tissue.shape[0], tissue.shape[1])
    wide = float(rng.uniform(0.12, 0.21))
    across, down, a, b = _place(rng, shape, (wide, wide * float(rng.uniform(0.62, 0.9))))
    across += np.float32(0.004) * field(rng, shape, (60, 60), 2)
    rho = np.hypot(across / a, down / b)
    behind = smoothstep(0, 0.05, down - b * np.sqrt(np.maximum(1 - (across / a) ** 2, 0)))
    beam = smoothstep(1.0, 0.78, np.abs(across / a))
    tissue = tissue + 8.0 * beam * behind * np.exp(-np.maximum(down - b, 0) / 0.35)
    rim = np.exp(-(((np.abs(across / a) - 1.02) / 0.07) ** 2)) * smoothstep(-0.02, 0.06, down)
    tissue = tissue - 6.0 * rim
    facing = np.abs(down / b) / np.maximum(rho, 1e-3)
    wall = np.exp(-(((rho - 1.03) / (0.018 / b)) ** 2)) * facing**3
    tissue = tissue + 13 * wall
    near_wall_haze = 12 * np.exp(-np.maximum(down + b, 0) / 0.03)
    inside = smoothstep(1.03, 0.95, rho)
    return np.asarray(tissue + (-62 + near_wall_haze - tissue) * inside, np.float32)


def _with_mass(rng: np.random.Generator, tissue: F32) -> F32:
    """Hypoechoic, uneven, with an angular or spiky border and a bright halo; shadow below, here and there a calcification."""
    shape = (tissue.shape[0], tissue.shape[1])
    wide = float(rng.uniform(0.11, 0.17))
    across, down, a, b = _place(rng, shape, (wide, wide * float(rng.uniform(0.85, 1.25))))
    across += np.float32(0.014) * field(rng, shape, (40, 40), 3)
    down += np.float32(0.014) * field(rng, shape, (40, 40), 3)
    theta = np.arctan2(down / b, across / a)
    outline = np.ones(shape, np.float32)
    for k in (2, 3, 5, 8):
        outline += np.float32(rng.uniform(0.04, 0.13)) * np.cos(k * theta + np.float32(rng.uniform(0, 2 * math.pi)))
    spikes = int(rng.integers(6, 13))
    for angle in rng.uniform(0, 2 * math.pi, spikes):
        away = np.abs(np.angle(np.exp(1j * (theta - angle)))).astype(np.float32)
        outline += np.float32(rng.uniform(0.2, 0.6)) * np.exp(-((away / np.float32(rng.uniform(0.05, 0.11))) ** 2))
    rho = np.asarray(np.hypot(across / a, down / b) / outline, np.float32)
    strength = float(rng.uniform(13, 24))
    ragged = np.asarray(1 + 0.25 * field(rng, shape, (200, 14), 2), np.float32)
    shade = smoothstep(1.05, 0.5, np.abs(across / a)) * smoothstep(-0.2 * b, 1.1 * b, down) * ragged
    tissue = tissue - strength * shade
    tissue = tissue + 7 * np.exp(-(((rho - 1.15) / 0.16) ** 2)) * smoothstep(0.5 * b, -0.7 * b, down)
    core = -31 + 3.5 * field(rng, shape, (36, 30), 3) - 0.45 * strength * shade
    tissue = tissue + (core - tissue) * smoothstep(1.05, 0.88, rho)
    for _ in range(int(rng.integers(0, 6))):
        y = int((0.42 + float(rng.normal(0, 0.05))) * shape[0])
        x = int((0.5 + float(rng.normal(0, 0.04))) * shape[1])
        tissue[y : y + 2, x : x + 3] = -4
    return np.asarray(tissue, np.float32)
