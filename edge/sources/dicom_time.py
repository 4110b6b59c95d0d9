"""When is each frame of a cine shown? Pure.

Order of belief: FrameTime, FrameTimeVector, RecommendedDisplayFrameRate, CineRate, a default. A value that is missing, empty, zero,
negative or not finite is passed over; which one was used is said.
"""

import math
from dataclasses import dataclass
from itertools import accumulate

__all__ = ["DEFAULT_FPS", "CineTags", "Timing", "time_frames"]

DEFAULT_FPS = 25.0
FASTEST_FPS = 1000.0
SLOWEST_FPS = 1 / 60


@dataclass(frozen=True, slots=True)
class CineTags:
    """What the file says; None or () where it says nothing that is a number. frame_time_ms: (0018,1063), vector_ms: (0018,1065)."""

    frame_time_ms: float | None = None
    vector_ms: tuple[float, ...] = ()
    display_fps: float | None = None
    cine_fps: float | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """times_s: when each frame is shown, from 0, never falling. fps: mean. used: what the times come from, in words."""

    times_s: tuple[float, ...]
    fps: float
    used: str
    guessed: bool = False


def time_frames(tags: CineTags, frames: int) -> Timing:
    """The times of `frames` frames (at least 1)."""
    if tags.frame_time_ms is not None and _is_rate(1000 / tags.frame_time_ms if tags.frame_time_ms else 0):
        return _even(frames, 1000 / tags.frame_time_ms, f"FrameTime {tags.frame_time_ms:g} ms")
    vector = _by_vector(tags.vector_ms, frames)
    if vector is not None:
        return vector
    if tags.display_fps is not None and _is_rate(tags.display_fps):
        return _even(frames, tags.display_fps, f"RecommendedDisplayFrameRate {tags.display_fps:g}")
    if tags.cine_fps is not None and _is_rate(tags.cine_fps):
        return _even(frames, tags.cine_fps, f"CineRate {tags.cine_fps:g}")
    return _even(frames, DEFAULT_FPS, f"no frame time in the file: {DEFAULT_FPS:g} frames a second are assumed", guessed=True)


def _is_rate(fps: float) -> bool:
    return math.isfinite(fps) and SLOWEST_FPS <= fps <= FASTEST_FPS


def _even(frames: int, fps: float, used: str, *, guessed: bool = False) -> Timing:
    return Timing(tuple(index / fps for index in range(frames)), fps, used, guessed)


def _by_vector(vector_ms: tuple[float, ...], frames: int) -> Timing | None:
    """The vector holds the time since the frame before; its first entry is 0 (C.7.6.5.1.2)."""
    if len(vector_ms) < frames or frames < 2:
        return None
    steps = vector_ms[:frames]
    if not all(math.isfinite(step) and step >= 0 for step in steps) or sum(steps[1:]) <= 0:
        return None
    times = tuple(at / 1000 for at in accumulate((0.0, *steps[1:])))
    fps = (frames - 1) / times[-1]
    return Timing(times, fps, f"FrameTimeVector of {frames} entries") if _is_rate(fps) else None
