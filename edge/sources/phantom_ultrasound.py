"""A rendered B-mode picture: layered tissue in speckle, and in it a cyst or a mass, seen by a linear or a curved probe.

Speckle is what it is in life: complex Gaussian scatter, weighted by the tissue's echo strength, blurred by the pulse, and its
envelope compressed to decibels (Goodman, Statistical properties of laser speckle patterns, 1975; Wagner et al., 1983). Two
independent scatter fields are mixed by the hand's elevation, so the speckle boils when the hand moves and stands still when it rests.
Everything is computed on a beam grid (depth x line) and then scan-converted. The scene is drawn once; no patient's picture is in it.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from edge.frame import F32, U8
from edge.sources.phantom_hand import Moment
from edge.sources.phantom_noise import sensor_noise, smoothstep
from edge.sources.phantom_tissue import Inclusion, echo_db
from edge.sources.tremor import with_sensor_noise

__all__ = ["Probe", "UltrasoundScene", "draw", "look"]

Probe = str  # "linear" | "sector"

DEPTHS = 400  # rows of the beam grid
LINES = 256  # scan lines seen at once
SPARE_LINES = 40  # on each side: room for the hand
SPARE_DEPTHS = 16
DYNAMIC_RANGE_DB = 62.0
TOP_DB = 4.0  # what is shown as white
NOISE_FLOOR_DB = -66.0
FRAME_NOISE_LEVELS = 1.2


@dataclass(frozen=True, slots=True, eq=False)
class UltrasoundScene:
    """scatter: four (depths, lines) float32: real and imaginary part of two fields. floor, ringing: amplitudes of the same shape.

    map_xy, map_w: scan conversion for cv2.remap. furniture: (H, W) uint8, what the scanner draws around the picture. inside: (H, W)
    uint8, 255 where the picture is.
    """

    scatter: tuple[F32, F32, F32, F32]
    floor: F32
    ringing: F32
    map_xy: U8
    map_w: U8
    furniture: U8
    noise: tuple[U8, U8]
    width_px: int
    height_px: int
    probe: Probe
    inclusion: Inclusion


def draw(seed: int, inclusion: Inclusion, width_px: int, height_px: int, probe: Probe | None = None) -> UltrasoundScene:
    """The scene of one seed. probe None: drawn by the seed as well."""
    rng = np.random.default_rng((seed, 0x05, width_px, height_px))
    drawn: Probe = "linear" if rng.random() < 0.7 else "sector"
    chosen = probe or drawn
    shape = (DEPTHS + 2 * SPARE_DEPTHS, LINES + 2 * SPARE_LINES)
    echo = np.power(10, echo_db(rng, shape, inclusion) / 20, dtype=np.float32)
    first, second = (_scatter(rng, echo) for _ in range(2))
    map_xy, map_w, inside = _scan_conversion(rng, chosen, width_px, height_px)
    return UltrasoundScene(
        scatter=(*first, *second),
        floor=_floor(rng, shape),
        ringing=_ringing(rng),
        map_xy=map_xy,
        map_w=map_w,
        furniture=_furniture(rng, chosen, inside),
        noise=sensor_noise(rng, (height_px + 40, width_px + 40), FRAME_NOISE_LEVELS),
        width_px=width_px,
        height_px=height_px,
        probe=chosen,
        inclusion=inclusion,
    )


def look(scene: UltrasoundScene, moment: Moment, tick: int) -> U8:
    """(H, W, 3) uint8 RGB, all channels equal: the scene at a moment. tick: the frame's number, chooses the noise."""
    level = _levels(scene, moment, tick)
    sigma = moment.defocus * 120  # a lateral focus set to the wrong depth: lines smear, depth hardly does
    if sigma > 0.4:
        level = np.asarray(cv2.GaussianBlur(level, (0, 0), sigmaX=sigma * 1.6, sigmaY=max(0.3, sigma * 0.8)), np.uint8)
    view = cv2.remap(level, scene.map_xy, scene.map_w, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    grey = with_sensor_noise(np.asarray(cv2.max(view, scene.furniture), np.uint8), scene.noise, tick)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)


def _levels(scene: UltrasoundScene, moment: Moment, tick: int) -> U8:
    """Envelope of the mixed scatter, as the hand sees it, in grey levels: (DEPTHS, LINES) uint8."""
    pose = moment.pose
    mix = 9.0 * pose.turn_rad + 6.0 * (pose.zoom - 1.0)  # out of plane: radians of decorrelation
    a, b = math.cos(mix), math.sin(mix)
    shift_x = SPARE_LINES + max(-0.95 * SPARE_LINES, min(0.95 * SPARE_LINES, pose.right * LINES))
    squeeze = 1.0 + max(-0.035, min(0.035, 0.9 * pose.down))
    matrix = np.array([[1, 0, shift_x], [0, squeeze, SPARE_DEPTHS * 0.5]], np.float64)
    re1, im1, re2, im2 = scene.scatter
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    real = cv2.warpAffine(cv2.addWeighted(re1, a, re2, b, 0), matrix, (LINES, DEPTHS), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    imag = cv2.warpAffine(cv2.addWeighted(im1, a, im2, b, 0), matrix, (LINES, DEPTHS), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    power = cv2.add(cv2.multiply(real, real), cv2.multiply(imag, imag))
    if moment.contact < 1.0:
        touch = _touch(moment)
        power = cv2.multiply(power, np.repeat((touch**4)[None], DEPTHS, axis=0))
        power = cv2.add(power, cv2.multiply(scene.ringing, np.repeat((1 - touch)[None], DEPTHS, axis=0)))
    top, left = (tick * 5) % (2 * SPARE_DEPTHS), (tick * 31) % (2 * SPARE_LINES)
    power = cv2.add(power, scene.floor[top : top + DEPTHS, left : left + LINES])
    decibels_per_neper = 10 / math.log(10)
    gain_db = 12.0 * math.log2(max(moment.gain, 1e-3))
    per_db = 255 / DYNAMIC_RANGE_DB
    shown = cv2.log(power)
    beta = (DYNAMIC_RANGE_DB - TOP_DB + gain_db) * per_db
    return np.asarray(np.clip(shown * np.float32(decibels_per_neper * per_db) + np.float32(beta), 0, 255), np.uint8)


def _touch(moment: Moment) -> F32:
    """(LINES,) float32: 1 where the probe touches, 0 where it looks into air."""
    line = np.linspace(0, 1, LINES, dtype=np.float32)
    return smoothstep(moment.contact + 0.04, moment.contact - 0.04, line if moment.from_right else line[::-1])


def _scatter(rng: np.random.Generator, echo: F32) -> tuple[F32, F32]:
    """Real and imaginary part of one field of scatter: unit mean power where echo is 1."""
    rows = np.arange(echo.shape[0], dtype=np.float32)[:, None] / echo.shape[0]
    parts = []
    for _ in range(2):
        noise = rng.standard_normal(echo.shape, np.float32) * echo
        near = cv2.GaussianBlur(noise, (0, 0), sigmaX=1.0, sigmaY=0.85) / np.float32(_gain_of_blur(1.0, 0.85))
        far = cv2.GaussianBlur(noise, (0, 0), sigmaX=2.4, sigmaY=1.0) / np.float32(_gain_of_blur(2.4, 1.0))
        away = np.abs(rows - 0.4) * 1.5  # the lateral focus lies at 40 % of the depth
        parts.append(np.asarray((near + np.clip(away, 0, 1) * (far - near)) / np.float32(math.sqrt(2)), np.float32))
    return parts[0], parts[1]


def _gain_of_blur(sigma_x: float, sigma_y: float) -> float:
    """Standard deviation of unit white noise after a Gaussian blur."""
    return math.sqrt(1 / (2 * sigma_x * math.sqrt(math.pi)) * 1 / (2 * sigma_y * math.sqrt(math.pi)))


def _floor(rng: np.random.Generator, shape: tuple[int, int]) -> F32:
    """Power of the electronic noise, rising with depth as the time gain compensation rises."""
    depth = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None]
    noise = rng.standard_exponential((shape[0] + 2 * SPARE_DEPTHS, shape[1] + 2 * SPARE_LINES), np.float32)
    soft = np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.6), np.float32)[: shape[0], : shape[1]]
    return np.asarray(soft * np.power(10, (NOISE_FLOOR_DB + 15 * depth) / 10), np.float32)


def _ringing(rng: np.random.Generator) -> F32:
    """Power that a probe shows in air: equally spaced bright bands that die away, the same for each line, black below. (DEPTHS, LINES)."""
    depth = np.arange(DEPTHS, dtype=np.float32)
    period = float(rng.uniform(9, 15))
    bands = 0.05 + np.exp(-(((depth % period) - period / 2) ** 2) / (2 * (period / 6) ** 2))
    power = np.power(10, (-4 - 60 * depth / (DEPTHS * 0.30)) / 10) * bands
    return np.asarray(np.repeat(power[:, None], LINES, axis=1), np.float32)


def _scan_conversion(rng: np.random.Generator, probe: Probe, width_px: int, height_px: int) -> tuple[U8, U8, U8]:
    """Maps from the screen to the beam grid, and the mask of the picture's field."""
    y, x = np.mgrid[0:height_px, 0:width_px].astype(np.float32)
    top, high = height_px * 0.06, height_px * 0.90
    if probe == "linear":
        wide = min(width_px * 0.90, high * float(rng.uniform(0.95, 1.30)))
        line = (x - (width_px - wide) / 2) / wide * (LINES - 1)
        depth = (y - top) / high * (DEPTHS - 1)
    else:
        half = math.radians(float(rng.uniform(30, 38)))
        radius = high * float(rng.uniform(0.16, 0.34))  # of the probe's face
        apex_y = top - radius * math.cos(half)
        reach = (height_px * 0.96 - apex_y) - radius
        rho, phi = np.hypot(x - width_px / 2, y - apex_y), np.arctan2(x - width_px / 2, y - apex_y)
        line = (phi / half + 1) / 2 * (LINES - 1)
        depth = (rho - radius) / reach * (DEPTHS - 1)
    inside = (line >= 0) & (line <= LINES - 1) & (depth >= 0) & (depth <= DEPTHS - 1)
    line = np.where(inside, line, -9).astype(np.float32)
    depth = np.where(inside, depth, -9).astype(np.float32)
    map_xy, map_w = cv2.convertMaps(line, depth, cv2.CV_16SC2)
    return np.asarray(map_xy), np.asarray(map_w), np.where(inside, 255, 0).astype(np.uint8)


def _furniture(rng: np.random.Generator, probe: Probe, inside: U8) -> U8:
    """What a scanner draws beside the picture: depth ticks, a grey bar, the probe mark. Never on the tissue."""
    high, wide = inside.shape
    screen = np.zeros((high, wide), np.uint8)
    unit = high / 480
    columns = np.flatnonzero(inside.any(axis=0))
    left, right = int(columns[0]), int(columns[-1])
    tick_x = min(wide - round(10 * unit), right + round(8 * unit))
    rows = np.linspace(high * 0.06, high * 0.96, int(rng.integers(5, 10)))
    for row in rows:
        cv2.line(screen, (tick_x, round(row)), (tick_x + round(4 * unit), round(row)), 150, max(1, round(unit)))
    bar_x = max(2, left - round(16 * unit))
    if rng.random() < 0.7 and bar_x > 2:
        bar = np.linspace(255, 0, round(high * 0.25)).astype(np.uint8)[:, None]
        screen[round(high * 0.3) : round(high * 0.3) + len(bar), bar_x : bar_x + round(6 * unit)] = bar
    mark_x = left + round(6 * unit) if probe == "linear" else round(wide * 0.36)
    cv2.circle(screen, (mark_x, round(high * 0.03)), max(2, round(4 * unit)), 190, 1, cv2.LINE_AA)
    screen[inside > 0] = 0
    return screen
