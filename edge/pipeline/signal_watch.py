"""What the source is doing, from what it says and from its silence. Pure; times are arguments.

The source opens itself anew after a loss (`edge.sources`); each opening has its number, and a frame of an older one is ignored.
One thing it cannot know: that a picture repeats for so long that only a new opening may help. `tick` says so.
"""

from __future__ import annotations

from edge.frame import SourceInfo
from edge.pipeline.health import Event, Signal, move
from edge.pipeline.meter import Pace
from edge.reading import Reason
from edge.sources.liveness import silence_limit_ns

__all__ = ["SignalWatch"]

S = 1_000_000_000
FIRST_FRAME_NS = 3 * S  # a USB camera that sets its exposure takes up to two
REPEATING_NS = 5 * S  # a grabber without input, or a scanner frozen by its user: opening anew helps only in the first case,
LONGEST_REPEATING_NS = 60 * S  # so the patience doubles each time


class SignalWatch:
    """Holds the signal, and why it was lost. opening: number of the present opening, 0 before the first."""

    def __init__(self, age_limit_ns: int) -> None:
        self.signal = Signal.OPENING
        self.opening = 0
        self.info: SourceInfo | None = None
        self.lost_why = Reason.UNPLUGGED
        self.losses = 0
        self.pace = Pace()
        self._age_limit_ns = age_limit_ns
        self._since_ns = 0
        self._arrived_ns = 0
        self._repeat_patience_ns = REPEATING_NS

    def opened(self, opening: int, info: SourceInfo, now_ns: int) -> None:
        self.opening, self.info, self.pace = opening, info, Pace(info.fps)
        self._to(Event.OPENED, now_ns)
        self._since_ns = self._arrived_ns = now_ns

    def arrived(self, opening: int, captured_ns: int, dead: Reason | None, now_ns: int) -> bool:
        """A frame. True when it is a living one of the present opening."""
        if opening != self.opening:
            return False
        self._arrived_ns = now_ns
        self.pace.feed(captured_ns)
        if dead is None and self.signal is Signal.LIVE:
            self._repeat_patience_ns = REPEATING_NS
        self._to(Event.LIVING if dead is None else Event.BLACK if dead is Reason.BLACK else Event.REPEATED, now_ns)
        return dead is None and self.signal is Signal.LIVE

    def lost(self, why: Reason, now_ns: int) -> None:
        self.lost_why = why
        self.losses += self.signal is not Signal.LOST
        self._to(Event.LOST, now_ns)

    def ended(self, now_ns: int) -> None:
        self._to(Event.ENDED, now_ns)

    def overdue(self, now_ns: int) -> None:
        """The label that stands is past its age, and no newer frame came: the signal is gone, whatever the frame period says."""
        self._to(Event.SILENT, now_ns)

    def tick(self, now_ns: int) -> bool:
        """What follows from the passing of time alone. True: only a new opening may help, order it."""
        if self.signal is Signal.WAITING and now_ns - self._since_ns >= FIRST_FRAME_NS:
            self._to(Event.SILENT, now_ns)
        if self.signal not in (Signal.LIVE, Signal.BLACK, Signal.REPEATING):
            return False
        if now_ns - self._arrived_ns >= silence_limit_ns(round(self.pace.period_ns() or 0), self._age_limit_ns):
            self._to(Event.SILENT, now_ns)
        elif self.signal is Signal.REPEATING and now_ns - self._since_ns >= self._repeat_patience_ns:
            self._repeat_patience_ns = min(LONGEST_REPEATING_NS, 2 * self._repeat_patience_ns)
            self._since_ns = now_ns
            return True
        return False

    def _to(self, event: Event, now_ns: int) -> None:
        after = move(self.signal, event)
        if after is not self.signal:
            self.signal, self._since_ns = after, now_ns
