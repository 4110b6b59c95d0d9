"""When was a picture of a network stream captured? From its own time stamp and the least delay seen. Pure.

A stalled stream delivers its backlog all at once; taking the time of arrival would make seconds-old pictures look new. A picture's delay
is the time of its arrival minus its time stamp; the least delay seen is the way without waiting, and what a picture has above it, it has
waited. Clocks of camera and machine differ by some 100 ppm, so the least delay may grow by a thousandth of the time that passes.

Some cameras write time stamps of a rate that they do not keep (25 a second on paper, 15 in fact): then the delay grows without end although
the reader waits for each picture. After two seconds of that the time stamps are not believed any more, and the time of arrival counts.
"""

from dataclasses import dataclass

__all__ = ["OLD_NS", "StreamClock"]

OLD_NS = 150_000_000  # a picture of a live stream that waited longer is old: a newer one is there already
_DRIFT = 1e-3
_JUMP_NS = 10_000_000_000  # time stamps that leap further than this begin a new time line
_DOUBT_NS = 2_000_000_000


@dataclass(slots=True)
class StreamClock:
    """Fed each picture once, in the order of arrival."""

    keeps_time: bool = True
    _least_ns: float | None = None
    _last_pts_ns: int | None = None
    _last_arrival_ns: int = 0
    _late_since_ns: int | None = None

    def captured_ns(self, pts_s: float, arrived_ns: int, *, waited: bool) -> int:
        """Time stamp in seconds and time of arrival -> estimated capture time, never later than the arrival.

        waited: the reader had to wait for this picture, so that nothing lay in any buffer before it came.
        """
        if not self.keeps_time:
            return arrived_ns
        pts_ns = round(pts_s * 1e9)
        delay_ns = arrived_ns - pts_ns
        jumped = self._last_pts_ns is not None and not 0 <= pts_ns - self._last_pts_ns < _JUMP_NS
        if self._least_ns is None or jumped:
            self._least_ns = delay_ns
        else:
            self._least_ns = min(delay_ns, self._least_ns + _DRIFT * (arrived_ns - self._last_arrival_ns))
        self._last_pts_ns, self._last_arrival_ns = pts_ns, arrived_ns
        age_ns = max(0, round(delay_ns - self._least_ns))
        self._doubt(age_ns, arrived_ns, waited)
        return arrived_ns - age_ns if self.keeps_time else arrived_ns

    def _doubt(self, age_ns: int, arrived_ns: int, waited: bool) -> None:
        if age_ns <= OLD_NS or not waited:
            self._late_since_ns = None
        elif self._late_since_ns is None:
            self._late_since_ns = arrived_ns
        elif arrived_ns - self._late_since_ns >= _DOUBT_NS:
            self.keeps_time = False
