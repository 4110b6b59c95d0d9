"""FROZEN: the view that the clinician holds. It lies over everything but FAULT, and stays when the probe is put down or unplugged."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from edge.reading import Reading, Reason, State, View

__all__ = ["freeze", "with_live_line"]

NS_PER_S = 1_000_000_000


def freeze(view: View, now_ns: int, wall_s: float) -> View | None:
    """The view as it stands now, kept: picture, label and its own time. None where there is no picture to keep.

    wall_s: wall clock (Unix seconds) at now_ns; the frozen time is that of the picture, not of the press.
    """
    reading = view.reading
    if view.pixels is None or reading.captured_ns is None or reading.state is State.FROZEN:
        return None
    taken_s = wall_s - (now_ns - reading.captured_ns) / NS_PER_S
    at = datetime.fromtimestamp(taken_s).astimezone().isoformat(timespec="milliseconds")
    frozen = replace(reading, state=State.FROZEN, frozen_at=at, do="space goes on", live_state=reading.state, live_reason=reading.reason)
    return replace(view, reading=frozen)


def with_live_line(frozen: View, live: State, reason: Reason | None) -> Reading:
    """The frozen reading with what the probe would show now as its second line."""
    return replace(frozen.reading, live_state=live, live_reason=reason)
