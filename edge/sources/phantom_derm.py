"""A rendered dermoscopic picture: skin, and on it a pigmented spot that is either round and smooth or starry.

Drawn by Beer-Lambert: light that comes back is what skin reflects, less what melanin and blood take away per channel. Nothing here
is, or is made from, a picture of a person; the spots carry no diagnosis. The scene is drawn once (about 0.2 s) on a canvas larger
than the view; a frame is a warp, a blur where the focus hunts, a gain and noise.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from edge.frame import F32, U8
from edge.sources.phantom_hand import Moment
from edge.sources.phantom_noise import cells, field, sensor_noise, smoothstep
from edge.sources.tremor import SENSOR_NOISE_LEVELS, move, with_sensor_noise

__all__ = ["DermScene", "Spot", "draw", "look"]

Spot = str  # "disc" | "star"

MARGIN = 1.16  # canvas per view, each way: room for the hand
# Optical density per unit of pigment in R, G, B: melanin takes blue most; haemoglobin takes green and blue.
MELANIN = np.array([0.52, 0.95, 1.30], np.float32)
BLOOD = np.array([0.10, 0.62, 0.48], np.float32)
# Clear skin under cross-polarised light (linear 0..1).
SKINS = ((0.86, 0.66, 0.68), (0.84, 0.69, 0.60), (0.82, 0.68, 0.74), (0.78, 0.58, 0.50), (0.85, 0.60, 0.58), (0.62, 0.45, 0.36))


@dataclass(frozen=True, slots=True, eq=False)
class DermScene:
    """canvas, hazy: (H*m, W*m, 3) uint8, sharp and as seen without contact. ring: (H, W, 3) uint8 mask, or None for a full frame."""

    canvas: U8
    hazy: U8
    ring: U8 | None
    noise: tuple[U8, U8]
    width_px: int
    height_px: int
    spot: Spot


def draw(seed: int, spot: Spot, width_px: int, height_px: int) -> DermScene:
    """The scene of one seed. spot: "disc" or "star"."""
    rng = np.random.default_rng((seed, 0xDE2, width_px, height_px))
    shape = (math.ceil(height_px * MARGIN), math.ceil(width_px * MARGIN))
    short = float(min(width_px, height_px))
    melanin, blood, veil = _pigment(rng, spot, shape, short)
    skin, more_blood = _skin(rng, shape, short)
    density = melanin[..., None] * MELANIN + (blood + more_blood)[..., None] * BLOOD
    light = skin * np.exp(-density)
    light += veil[..., None] * (np.array([0.52, 0.55, 0.66], np.float32) - light)
    _hairs(rng, light, short)
    canvas = np.clip(light * _lamp(rng, shape)[..., None] * 255, 0, 255).astype(np.uint8)
    hazy = _without_contact(rng, canvas, short)
    return DermScene(
        canvas=canvas,
        hazy=hazy,
        ring=_ring(rng, width_px, height_px) if rng.random() < 0.45 else None,
        noise=sensor_noise(rng, (height_px + 40, width_px + 40, 3), SENSOR_NOISE_LEVELS),
        width_px=width_px,
        height_px=height_px,
        spot=spot,
    )


def look(scene: DermScene, moment: Moment, tick: int) -> U8:
    """(H, W, 3) uint8 RGB: the scene at a moment. tick: the frame's number, chooses the noise."""
    view = _seen(scene, scene.canvas, moment)
    if moment.contact < 1.0:
        lost = np.linspace(0, 1, scene.width_px, dtype=np.float32)
        if not moment.from_right:
            lost = lost[::-1]
        air = smoothstep(moment.contact - 0.08, moment.contact + 0.08, lost)
        mask = np.repeat(air[None, :], scene.height_px, axis=0)
        view = np.asarray(cv2.blendLinear(view, _seen(scene, scene.hazy, moment), 1 - mask, mask), np.uint8)
    sigma_px = moment.defocus * min(scene.width_px, scene.height_px)
    if sigma_px > 0.4:
        view = _blur(view, sigma_px)
    if abs(moment.gain - 1) > 0.004:
        view = np.asarray(cv2.convertScaleAbs(view, alpha=moment.gain), np.uint8)
    if scene.ring is not None:
        view = np.asarray(cv2.multiply(view, scene.ring, scale=1 / 255), np.uint8)
    return with_sensor_noise(view, scene.noise, tick)


def _seen(scene: DermScene, canvas: U8, moment: Moment) -> U8:
    return move(canvas, moment.pose, width_px=scene.width_px, height_px=scene.height_px, inset=MARGIN)


def _blur(view: U8, sigma_px: float) -> U8:
    """Gaussian blur; wide ones on a half-size copy, which costs a quarter and shows no difference."""
    if sigma_px < 4:
        return np.asarray(cv2.GaussianBlur(view, (0, 0), sigma_px), np.uint8)
    half = cv2.resize(view, (view.shape[1] // 2, view.shape[0] // 2), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(half, (0, 0), sigma_px / 2)
    return np.asarray(cv2.resize(soft, (view.shape[1], view.shape[0]), interpolation=cv2.INTER_LINEAR), np.uint8)


def _skin(rng: np.random.Generator, shape: tuple[int, int], short: float) -> tuple[F32, F32]:
    """Clear skin (h, w, 3) linear and the blood in it (h, w)."""
    tone = np.array(SKINS[int(rng.integers(len(SKINS)))], np.float32) * np.float32(rng.uniform(0.94, 1.06))
    furrows = cells(rng, shape, short * float(rng.uniform(0.024, 0.038)))
    relief = 1.0 + 0.020 * field(rng, shape, (short * 0.3, short * 0.3), 4) + 0.016 * field(rng, shape, (short * 0.012,) * 2, 2)
    sheen = float(rng.uniform(-0.05, 0.05))
    skin = tone * (relief + sheen * furrows)[..., None]
    flush = np.maximum(0.16 + 0.065 * field(rng, shape, (short * 0.2, short * 0.26), 5), 0)
    vessels = np.maximum(field(rng, shape, (short * 0.05, short * 0.07), 3) - 1.2, 0) * 0.10
    return np.asarray(skin, np.float32), np.asarray(flush + vessels, np.float32)


def _pigment(rng: np.random.Generator, spot: Spot, shape: tuple[int, int], short: float) -> tuple[F32, F32, F32]:
    """Melanin, blood and blue-white veil of the spot, each (h, w) float32."""
    high, wide = shape
    centre_x = wide / 2 + float(rng.uniform(-0.06, 0.06)) * short
    centre_y = high / 2 + float(rng.uniform(-0.06, 0.06)) * short
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    rough = 0.006 if spot == "disc" else 0.013
    x += rough * short * field(rng, shape, (short * 0.10,) * 2, 3)
    y += rough * short * field(rng, shape, (short * 0.10,) * 2, 3)
    turn = float(rng.uniform(0, math.pi))
    u = (x - centre_x) * math.cos(turn) + (y - centre_y) * math.sin(turn)
    v = -(x - centre_x) * math.sin(turn) + (y - centre_y) * math.cos(turn)
    squash = float(rng.uniform(0.86, 1.0))
    rho = np.asarray(np.hypot(u, v / squash) / short, np.float32)
    theta = np.asarray(np.arctan2(v / squash, u), np.float32)
    radius = float(rng.uniform(0.16, 0.27))
    if spot == "disc":
        return _disc(rng, short, rho, radius)
    return _star(rng, short, rho, theta, radius)


def _disc(rng: np.random.Generator, short: float, rho: F32, radius: float) -> tuple[F32, F32, F32]:
    shape = (rho.shape[0], rho.shape[1])
    edge = float(rng.uniform(0.025, 0.055))
    body = smoothstep(radius + edge, radius - edge, rho)
    core = smoothstep(radius * 0.9, radius * 0.2, rho)
    net = cells(rng, shape, short * float(rng.uniform(0.018, 0.026)))
    depth = float(rng.uniform(0.45, 1.0))
    melanin = body * depth * (0.62 + 0.30 * core + 0.38 * net * (1 - 0.6 * core) + 0.05 * field(rng, shape, (short * 0.04,) * 2, 3))
    zero = np.zeros(shape, np.float32)
    return np.asarray(np.maximum(melanin, 0), np.float32), np.asarray(0.12 * body, np.float32), zero


def _star(rng: np.random.Generator, short: float, rho: F32, theta: F32, radius: float) -> tuple[F32, F32, F32]:
    shape = (rho.shape[0], rho.shape[1])
    outline = np.full(shape, radius * 0.82, np.float32)
    for k in (2, 3, 5):
        outline += radius * float(rng.uniform(0.04, 0.13)) * np.cos(k * theta + np.float32(rng.uniform(0, 2 * math.pi)))
    rays = int(rng.integers(9, 17))
    where = np.sort(rng.uniform(0, 2 * math.pi, rays))
    for angle in where:  # streaks that leave the body and end in a knob
        away = np.abs(np.angle(np.exp(1j * (theta - angle)))).astype(np.float32)
        outline += radius * float(rng.uniform(0.18, 0.5)) * np.exp(-((away / float(rng.uniform(0.07, 0.15))) ** 2))
    body = smoothstep(0.024, -0.024, rho - outline)
    net = cells(rng, shape, short * float(rng.uniform(0.020, 0.034))) * (0.6 + 0.4 * field(rng, shape, (short * 0.08,) * 2, 2))
    blots = smoothstep(0.2, 1.3, field(rng, shape, (short * 0.13,) * 2, 3))
    pale = smoothstep(0.5, 1.5, field(rng, shape, (short * 0.12,) * 2, 3))
    rim = smoothstep(0.55, 1.0, np.asarray(rho / np.maximum(outline, 1e-3), np.float32))
    melanin = body * (0.62 + 0.55 * net + 1.25 * blots + 0.55 * rim - 0.45 * pale)
    dots = field(rng, shape, (short * 0.016,) * 2, 1)
    melanin += body * 0.8 * smoothstep(1.7, 2.3, dots)
    blood = body * (0.15 + 0.7 * smoothstep(0.9, 1.8, field(rng, shape, (short * 0.15,) * 2, 2)))
    veil = body * smoothstep(0.6, 1.7, field(rng, shape, (short * 0.2,) * 2, 2)) * float(rng.uniform(0.25, 0.5)) * (1 - 0.5 * rim)
    return np.asarray(np.maximum(melanin, 0), np.float32), np.asarray(blood, np.float32), np.asarray(veil, np.float32)


def _hairs(rng: np.random.Generator, light: F32, short: float) -> None:
    """Draws hairs into the picture: thin, bent, brown, casting a soft edge."""
    high, wide = light.shape[:2]
    for _ in range(int(rng.choice((0, 0, 1, 3, 6)))):
        start = rng.uniform(0, (wide, high))
        angle = float(rng.uniform(0, 2 * math.pi))
        bend = float(rng.normal(0, 1.2))
        step = np.linspace(0, 1, 40)
        heading = angle + bend * step
        path = start + np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1), 0) * (short * float(rng.uniform(0.3, 0.9)) / 40)
        mask = np.zeros((high, wide), np.uint8)
        points = np.rint(path * 16).astype(np.int32)[None]
        cv2.polylines(mask, [points], False, 255, max(1, round(short / 300)), cv2.LINE_AA, 4)
        share = cv2.GaussianBlur(mask, (0, 0), 0.6).astype(np.float32)[..., None] * np.float32(0.8 / 255)
        light += share * (np.array([0.25, 0.17, 0.13], np.float32) - light)


def _lamp(rng: np.random.Generator, shape: tuple[int, int]) -> F32:
    """Light falls off towards the corners, and is a little off centre."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    off_x, off_y = rng.uniform(-0.25, 0.25, 2)
    fall = float(rng.uniform(0.06, 0.22))
    return np.asarray(float(rng.uniform(0.92, 1.04)) * (1 - fall * ((x - off_x) ** 2 + (y - off_y) ** 2) / 2), np.float32)


def _without_contact(rng: np.random.Generator, canvas: U8, short: float) -> U8:
    """What a lifted dermatoscope sees: the dark room behind the edge of its tube, out of focus, a faint glow of its own lamps."""
    soft = cv2.GaussianBlur(canvas, (0, 0), short * 0.06).astype(np.float32)
    glow = smoothstep(0.8, 2.4, field(rng, (canvas.shape[0], canvas.shape[1]), (short * 0.5,) * 2, 1)) * 14
    return np.asarray(np.clip(soft * float(rng.uniform(0.06, 0.14)) + glow[..., None], 0, 255), np.uint8)


def _ring(rng: np.random.Generator, width_px: int, height_px: int) -> U8:
    """The round field of a dermatoscope as a mask (h, w, 3): 255 inside, 0 outside, a soft edge of about 1 % between."""
    short = min(width_px, height_px)
    radius = short * float(rng.uniform(0.49, 0.60))
    y, x = np.mgrid[0:height_px, 0:width_px].astype(np.float32)
    rho = np.hypot(x - width_px / 2 - float(rng.uniform(-0.02, 0.02)) * short, y - height_px / 2)
    inside = smoothstep(radius * 1.008, radius * 0.985, rho)
    return np.repeat(np.rint(inside * 255).astype(np.uint8)[..., None], 3, axis=2)
