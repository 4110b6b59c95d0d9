"""How a held probe moves: the slow drift of an arm and the 8 to 12 Hz tremor of a hand, as a function of time.

Both are sums of sines with seeded frequencies and phases, so a pose is known for any time without a past, and the
same (seed, time) gives the same pose for ever. Physiological hand tremor lies at 8 to 12 Hz (Elble, Clin Neurophysiol 1996);
its size here is a few tenths of a percent of the picture, as a dermatoscope of 20 mm or a probe of 40 mm sees it.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from edge.frame import U8

__all__ = ["SENSOR_NOISE_LEVELS", "Pose", "Tremor", "hold", "move", "with_sensor_noise"]

TREMOR_HZ = (8.0, 12.0)
TREMOR_SINES = 5
TREMOR_SIZE = 0.0022  # of the short side: 1 mm of 450 px
DRIFT_HZ = (0.06, 0.45)
DRIFT_SINES = 4
DRIFT_SIZE = 0.022
TURN_RAD = math.radians(2.0)
ZOOM_SIZE = 0.02
REACH = 2.2  # sines of one kind rarely add up to more than this many standard deviations
SENSOR_NOISE_LEVELS = 1.5  # standard deviation, grey levels: a well lit CMOS camera


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the hand is. right, down: shift as a share of the short side; turn_rad: clockwise; zoom: 1 = as taken."""

    right: float
    down: float
    turn_rad: float
    zoom: float


@dataclass(frozen=True, slots=True)
class Tremor:
    """The sines of one hand: rows are axes (right, down, turn, zoom), columns are sines."""

    drift_hz: tuple[tuple[float, ...], ...]
    drift_phase: tuple[tuple[float, ...], ...]
    tremor_hz: tuple[tuple[float, ...], ...]
    tremor_phase: tuple[tuple[float, ...], ...]

    def pose(self, time_s: float) -> Pose:
        """The pose at a time; smooth, and bounded in practice by `REACH` standard deviations per axis."""
        slow = [_sum(hz, phase, time_s) for hz, phase in zip(self.drift_hz, self.drift_phase, strict=True)]
        fast = [_sum(hz, phase, time_s) for hz, phase in zip(self.tremor_hz, self.tremor_phase, strict=True)]
        return Pose(
            right=DRIFT_SIZE / REACH * slow[0] + TREMOR_SIZE * fast[0],
            down=DRIFT_SIZE / REACH * slow[1] + TREMOR_SIZE * fast[1],
            turn_rad=TURN_RAD / REACH * slow[2],
            zoom=1.0 + ZOOM_SIZE / REACH * slow[3],
        )


def _sum(hz: tuple[float, ...], phase: tuple[float, ...], time_s: float) -> float:
    """Sum of sines with standard deviation 1."""
    total = sum(math.sin(2 * math.pi * f * time_s + p) for f, p in zip(hz, phase, strict=True))
    return total * math.sqrt(2 / len(hz))


def hold(seed: int) -> Tremor:
    """One hand, drawn by seed (any int >= 0)."""
    rng = np.random.default_rng((seed, 0x7E3))

    def rows(axes: int, sines: int, low: float, high: float) -> tuple[tuple[float, ...], ...]:
        return tuple(tuple(float(v) for v in rng.uniform(low, high, sines)) for _ in range(axes))

    return Tremor(
        drift_hz=rows(4, DRIFT_SINES, *DRIFT_HZ),
        drift_phase=rows(4, DRIFT_SINES, 0, 2 * math.pi),
        tremor_hz=rows(2, TREMOR_SINES, *TREMOR_HZ),
        tremor_phase=rows(2, TREMOR_SINES, 0, 2 * math.pi),
    )


def move(pixels: U8, pose: Pose, *, width_px: int, height_px: int, inset: float = 1.0) -> U8:
    """The picture as the hand at `pose` sees it: (h, w[, 3]) uint8 -> (height_px, width_px[, 3]) uint8.

    The centre of the view looks at the centre of `pixels` shifted by the pose. inset > 1 looks at a part that is smaller by this
    factor, so that the hand can move without meeting the border; where it does, the picture is mirrored.
    """
    high, wide = pixels.shape[:2]
    scale = inset * pose.zoom * max(width_px / wide, height_px / high)
    cos, sin = math.cos(pose.turn_rad) / scale, math.sin(pose.turn_rad) / scale
    short = min(high, wide)
    centre_x = (wide - 1) / 2 + pose.right * short
    centre_y = (high - 1) / 2 + pose.down * short
    half_x, half_y = (width_px - 1) / 2, (height_px - 1) / 2
    matrix = np.array([[cos, -sin, centre_x - cos * half_x + sin * half_y], [sin, cos, centre_y - sin * half_x - cos * half_y]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(pixels, matrix, (width_px, height_px), flags=flags, borderMode=cv2.BORDER_REFLECT_101), np.uint8)


def with_sensor_noise(pixels: U8, noise: tuple[U8, U8], offset: int) -> U8:
    """Adds noise[0] and takes away noise[1], both (H + m, W + m[, 3]) uint8, cut out at a place that `offset` chooses."""
    high, wide = pixels.shape[:2]
    room_y, room_x = noise[0].shape[0] - high, noise[0].shape[1] - wide
    top, left = (offset * 7919) % (room_y + 1), (offset * 104729 + offset // 3) % (room_x + 1)
    cut = np.s_[top : top + high, left : left + wide]
    return np.asarray(cv2.subtract(cv2.add(pixels, noise[0][cut]), noise[1][cut]), np.uint8)
