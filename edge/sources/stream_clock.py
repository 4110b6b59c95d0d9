"""When was a picture of a network stream captured? From its own time stamp and the least delay seen. Pure.

A stalled stream delivers its backlog all at once; taking the time of arrival would make seconds-old pictures look new. A picture's delay
is the time of its arrival minus its time stamp; the least delay seen is the way without waiting, and what a picture has above it, it has
waited. Clocks of camera and machine differ by some 100 ppm, so the least delay may grow by a thousandth of the time that passes.
"""

from dataclasses import dataclass

__all__ = ["StreamClock"]

_DRIFT = 1e-3
_JUMP_NS = 10_000_000_000  # time stamps that leap further than this begin a new time line


@dataclass(slots=True)
class StreamClock:
    """Fed each picture once, in the order of arrival."""

    _least_ns: float | None = None
    _last_pts_ns: int | None = None
    _last_arrival_ns: int = 0

    def captured_ns(self, pts_s: float, arrived_ns: int) -> int:
        """Time stamp in seconds and time of arrival -> estimated capture time, never later than the arrival."""
        pts_ns = round(pts_s * 1e9)
        delay_ns = arrived_ns - pts_ns
        jumped = self._last_pts_ns is not None and not 0 <= pts_ns - self._last_pts_ns < _JUMP_NS
        if self._least_ns is None or jumped:
            self._least_ns = delay_ns
        else:
            self._least_ns = min(delay_ns, self._least_ns + _DRIFT * (arrived_ns - self._last_arrival_ns))
        self._last_pts_ns, self._last_arrival_ns = pts_ns, arrived_ns
        return min(arrived_ns, arrived_ns - round(delay_ns - self._least_ns))
