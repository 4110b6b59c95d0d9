"""When is a recorded picture due? Plays clips, cines and stills at their own pace. Pure: time is an argument.

A picture is delivered at its own time, never early. One that is late by more than a frame is passed over, so that play keeps up
with the clock; but never more than a few in a row: a machine too slow to decode in real time still shows pictures, and play is
slowed down to what it can do. A picture that stands for longer than a fifth of a second (stills, slow cines) is delivered
again at 10 fps and marked as a still, so that its repetition is not taken for a frozen driver.
"""

from dataclasses import dataclass

__all__ = ["STILL_AFTER_NS", "STILL_PERIOD_NS", "Pacer", "repeats"]

STILL_AFTER_NS = 200_000_000  # slower than 5 fps
STILL_PERIOD_NS = 100_000_000
_MAX_PASSED_OVER = 4
_FALLBACK_PERIOD_NS = 40_000_000


@dataclass(slots=True)
class Pacer:
    """Maps the times of a clip to the clock. The first picture asked about is due at once."""

    _offset_ns: int | None = None
    _last_ns: int | None = None  # clip time of the picture before
    _passed_over: int = 0

    def due_ns(self, time_s: float, now_ns: int) -> int | None:
        """When to deliver the picture of that clip time (in the past: at once); None: pass it over, a newer one is due already."""
        clip_ns = round(time_s * 1e9)
        if self._offset_ns is None or (self._last_ns is not None and clip_ns < self._last_ns):
            self._offset_ns = now_ns - clip_ns  # the start, or a source that began anew
        period_ns = clip_ns - self._last_ns if self._last_ns is not None and clip_ns > self._last_ns else _FALLBACK_PERIOD_NS
        self._last_ns = clip_ns
        due_ns = clip_ns + self._offset_ns
        if now_ns - due_ns <= period_ns:
            self._passed_over = 0
            return due_ns
        if self._passed_over < _MAX_PASSED_OVER:
            self._passed_over += 1
            return None
        self._passed_over = 0
        self._offset_ns = now_ns - clip_ns
        return now_ns


def repeats(due_ns: int, until_ns: int) -> tuple[int, ...]:
    """When a picture that stands from due_ns until until_ns is delivered again; () when it does not stand long enough."""
    if until_ns - due_ns <= STILL_AFTER_NS:
        return ()
    return tuple(range(due_ns + STILL_PERIOD_NS, until_ns - STILL_PERIOD_NS // 2, STILL_PERIOD_NS))
