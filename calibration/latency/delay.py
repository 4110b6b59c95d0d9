"""From when the target changed and what was shown when, to how long it took. Pure; times in ns of one monotonic clock.

The target changes at moments that no frame period divides, so that the waiting for the next exposure is met at every phase, and a delay
longer than one change cannot pass for a shorter one: changes of the picture that do not answer the target's one by one are refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.errors import InputRefused

__all__ = ["Delays", "Shown", "Toggle", "measure"]

F32 = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
BRIGHTEST_CELLS = 0.04  # of the picture: those that blink most
SMALLEST_STEP = 12.0  # levels: a target that changes less is not in the picture
FEWEST = 5
MISSED_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Toggle:
    """The target was told to be on or off."""

    at_ns: int
    is_on: bool


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A view as a sink got it. cells: (n,) float32 grey levels of a small copy of its picture. captured_ns: of that picture."""

    at_ns: int
    captured_ns: int | None
    cells: F32


@dataclass(frozen=True, slots=True)
class Delays:
    """ms, one for each answered toggle: until the view was shown, and until the capture stamp of its picture. step: levels."""

    label_ms: tuple[float, ...]
    stamp_ms: tuple[float, ...]
    frame_ms: float
    missed: int
    step: float


def measure(toggles: Sequence[Toggle], shown: Sequence[Shown]) -> Delays:
    """Raises InputRefused where the target is not to be seen, or its changes are not answered one by one."""
    if len(shown) < 2 * FEWEST or len(toggles) < FEWEST:
        raise InputRefused(f"{len(shown)} views and {len(toggles)} changes are too few to measure with", do="let it run longer")
    cells = np.stack([view.cells for view in shown])
    spread = cells.std(axis=0)
    count = max(1, round(BRIGHTEST_CELLS * spread.size))
    levels = cells[:, np.argsort(spread)[-count:]].mean(axis=1)
    low, high = (float(np.percentile(levels, share)) for share in (10, 90))
    if high - low < SMALLEST_STEP:
        raise InputRefused(
            f"the target is not to be seen: the picture changes by {high - low:.0f} levels",
            do="let it fill more of the picture, in less light",
        )
    is_on = levels > (low + high) / 2
    label, stamp, missed = [], [], 0
    for at, toggle in enumerate(toggles):
        until = toggles[at + 1].at_ns if at + 1 < len(toggles) else shown[-1].at_ns + 1
        answer = _first(shown, is_on, toggle, until)
        if answer is None:
            missed += 1
            continue
        label.append((answer.at_ns - toggle.at_ns) / 1e6)
        if answer.captured_ns is not None:
            stamp.append((answer.captured_ns - toggle.at_ns) / 1e6)
    if missed > MISSED_SHARE * len(toggles) or len(label) < FEWEST:
        raise InputRefused(
            f"{missed} of {len(toggles)} changes were not answered in time: the delay is longer than they are apart, or views are lost",
            do="give --hold-ms a longer time",
        )
    captured = [view.captured_ns for view in shown if view.captured_ns is not None]
    frame_ms = float(np.median(np.diff(np.unique(captured)))) / 1e6 if len(captured) > 2 else float("nan")
    return Delays(tuple(label), tuple(stamp), frame_ms, missed, high - low)


def _first(shown: Sequence[Shown], is_on: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], toggle: Toggle, until_ns: int) -> Shown | None:
    """The first view after the toggle that shows it. A view that shows it at once, with none before that does not, answers nothing."""
    before = False
    for view, on in zip(shown, is_on, strict=True):
        if view.at_ns <= toggle.at_ns:
            before = bool(on) != toggle.is_on
        elif view.at_ns >= until_ns:
            return None
        elif bool(on) != toggle.is_on:
            before = True
        elif before:
            return view
    return None
