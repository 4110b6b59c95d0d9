"""What happens to a live picture besides its motion: focus hunting, gain changes, loss of contact. A function of (seed, time)."""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from edge.sources.tremor import Pose, Tremor, hold

__all__ = ["Hand", "Moment", "at", "steady", "take"]

QUIET_S = 5.0  # nothing happens at first: a device must be able to show a label
SLOT_S = 7.0  # at most one mishap in each


class _Mishap(Enum):
    NONE = 0
    FOCUS = 1
    GAIN = 2
    CONTACT = 3


@dataclass(frozen=True, slots=True)
class Moment:
    """The state of hand and device at one time.

    defocus: standard deviation of the blur as a share of the short side. gain: factor on the light or echo.
    contact: share of the width that still touches (1 = all). from_right: the side from which contact is lost.
    """

    pose: Pose
    defocus: float = 0.0
    gain: float = 1.0
    contact: float = 1.0
    from_right: bool = False


@dataclass(frozen=True, slots=True)
class Hand:
    """seed draws the mishaps; tremor is the hand's motion."""

    seed: int
    tremor: Tremor


def take(seed: int) -> Hand:
    """A hand, drawn by seed."""
    return Hand(seed, hold(seed))


def steady(hand: Hand, time_s: float) -> Moment:
    """The hand at a time, moving, but without mishap."""
    return Moment(hand.tremor.pose(time_s))


def at(hand: Hand, time_s: float) -> Moment:
    """The hand at a time. Mishaps last 0.8 to 2.2 s, and come in about three of four slots of 7 s."""
    pose = hand.tremor.pose(time_s)
    breath = 1.0 + 0.03 * math.sin(2 * math.pi * 0.23 * time_s)
    if time_s < QUIET_S:
        return Moment(pose, gain=breath)
    slot = int((time_s - QUIET_S) // SLOT_S)
    rng = np.random.default_rng((hand.seed, 0xA11, slot))
    kind = _Mishap(int(rng.choice(4, p=(0.28, 0.24, 0.24, 0.24))))
    length_s = float(rng.uniform(0.8, 2.2))
    start_s = QUIET_S + slot * SLOT_S + float(rng.uniform(0.5, SLOT_S - length_s - 0.2))
    size = float(rng.uniform(0.6, 1.0))
    other = bool(rng.integers(2))
    bump = _bump((time_s - start_s) / length_s)
    if kind is _Mishap.FOCUS:  # hunting: overshoots, comes back, overshoots less
        hunt = bump * abs(math.cos(2 * math.pi * 1.3 * (time_s - start_s)))
        return Moment(pose, defocus=0.03 * size * hunt, gain=breath)
    if kind is _Mishap.GAIN:
        stops = (1.6 if other else -2.2) * size * bump
        return Moment(pose, gain=breath * 2.0**stops)
    if kind is _Mishap.CONTACT:
        return Moment(pose, gain=breath, contact=1.0 - 0.9 * size * bump, from_right=other)
    return Moment(pose, gain=breath)


def _bump(share: float) -> float:
    """0 outside 0..1, rises and falls within a quarter of the time, 1 between."""
    if not 0.0 < share < 1.0:
        return 0.0
    edge = min(1.0, 4 * share, 4 * (1 - share))
    return edge * edge * (3 - 2 * edge)
