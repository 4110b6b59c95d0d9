"""What the source is doing, and what to order next: open, kill, open again after a pause. Pure; times are arguments.

A word from an opening that was given up is ignored: each opening has its number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge.errors import SonodermError
from edge.frame import SourceInfo
from edge.pipeline.health import Event, Signal, move
from edge.pipeline.meter import Pace
from edge.reading import Reason

__all__ = ["Order", "SignalWatch", "pause_ns", "silence_ns"]

MS = 1_000_000
S = 1_000_000_000
LEAST_SILENCE_NS = 180 * MS  # plus one tick and one drawing: the banner is on the screen within 250 ms
PERIODS_OF_SILENCE = 2.5
OPENING_NS = 10 * S  # a slow network camera; longer is no opening
FIRST_FRAME_NS = 3 * S  # a USB camera that sets its exposure takes up to two
HOPELESS_STALL_NS = 1 * S  # a driver that was silent for so long is killed and opened anew
PERIODS_OF_HOPE = 5.0
REPEATING_NS = 5 * S  # a grabber without input, or a scanner frozen by its user: opening anew helps only in the first case,
LONGEST_REPEATING_NS = 60 * S  # so the patience doubles each time
FIRST_PAUSE_NS = 100 * MS
LONGEST_PAUSE_NS = 500 * MS  # with opening and settling, a label is back within 2 s of the source


@dataclass(frozen=True, slots=True)
class Order:
    """For the keeper of the source. opening: number of the opening."""

    what: Literal["open", "kill"]
    opening: int


def silence_ns(period_ns: float | None, age_limit_ns: int) -> int:
    """How long nothing may come before the signal is gone: max(180 ms, 2.5 frame periods), never longer than a label lives."""
    return min(age_limit_ns, max(LEAST_SILENCE_NS, int(PERIODS_OF_SILENCE * (period_ns or 0.0))))


def pause_ns(attempt: int) -> int:
    """The pause before the attempt-th opening anew (from 0): 0.1, 0.2, 0.4, 0.5, 0.5 … s."""
    return min(LONGEST_PAUSE_NS, FIRST_PAUSE_NS << min(attempt, 8))


class SignalWatch:
    """Feeds on what the source says and on the clock; holds the signal, and why it was lost."""

    def __init__(self, age_limit_ns: int) -> None:
        self.signal = Signal.OPENING
        self.opening = 0
        self.info: SourceInfo | None = None
        self.lost_why = Reason.UNPLUGGED
        self.lost_text = ""
        self.lost_error: SonodermError | None = None
        self.losses = 0
        self.ever_opened = False
        self.pace = Pace()
        self._age_limit_ns = age_limit_ns
        self._since_ns = 0
        self._arrived_ns = 0
        self._frames = 0
        self._attempt = 0
        self._repeat_patience_ns = REPEATING_NS

    def start(self, now_ns: int) -> tuple[Order, ...]:
        self._since_ns = now_ns
        return (Order("open", self.opening),)

    def opened(self, opening: int, info: SourceInfo, now_ns: int) -> None:
        if opening == self.opening:
            self.info, self.ever_opened, self._frames = info, True, 0
            self.pace = Pace(info.fps)
            self._to(Event.OPENED, now_ns)

    def arrived(self, opening: int, captured_ns: int, dead: Reason | None, now_ns: int) -> bool:
        """A frame. True when it is a living one of the present opening."""
        if opening != self.opening:
            return False
        self._arrived_ns = now_ns
        self._frames += 1
        self.pace.feed(captured_ns)
        if dead is None:
            self._attempt = 0
            if self.signal is Signal.LIVE:
                self._repeat_patience_ns = REPEATING_NS
        self._to({None: Event.LIVING, Reason.BLACK: Event.BLACK}.get(dead, Event.REPEATED), now_ns)
        return dead is None and self.signal is Signal.LIVE

    def ended(self, opening: int, now_ns: int) -> None:
        if opening == self.opening:
            self._to(Event.ENDED, now_ns)

    def lost(self, opening: int, why: Reason, text: str, error: SonodermError | None, now_ns: int) -> tuple[Order, ...]:
        if opening != self.opening or move(self.signal, Event.LOST) is self.signal:
            return ()
        return self._lose(Event.LOST, why, text, error, now_ns)

    def overdue(self, now_ns: int) -> None:
        """The label that stands is past its age, and no newer frame came: the signal is gone, whatever the frame period says."""
        self._to(Event.SILENT, now_ns)

    def tick(self, now_ns: int) -> tuple[Order, ...]:
        """What follows from the passing of time alone."""
        in_state_ns, unheard_ns = now_ns - self._since_ns, now_ns - self._arrived_ns
        match self.signal:
            case Signal.LOST:
                if in_state_ns >= pause_ns(self._attempt):
                    self._attempt += 1
                    self.opening += 1
                    self._to(Event.REOPEN, now_ns)
                    return (Order("open", self.opening),)
            case Signal.OPENING | Signal.REOPENING:
                if in_state_ns >= OPENING_NS:
                    return self._lose(Event.GAVE_UP, Reason.STALLED, f"it did not open within {OPENING_NS // S} s", None, now_ns)
            case Signal.REOPENED:
                if in_state_ns >= FIRST_FRAME_NS:
                    return self._lose(Event.GAVE_UP, Reason.STALLED, "it opened, but no picture came", None, now_ns)
            case Signal.WAITING:
                if in_state_ns >= FIRST_FRAME_NS:
                    self._to(Event.SILENT, now_ns)
            case Signal.STALLED:
                if in_state_ns >= self._hope_ns():
                    return self._lose(Event.GAVE_UP, Reason.STALLED, "no picture came any more", None, now_ns)
            case Signal.LIVE | Signal.BLACK | Signal.REPEATING:
                if unheard_ns >= silence_ns(self.pace.period_ns(), self._age_limit_ns):
                    self._to(Event.SILENT, now_ns)
                elif self.signal is Signal.REPEATING and in_state_ns >= self._repeat_patience_ns:
                    self._repeat_patience_ns = min(LONGEST_REPEATING_NS, 2 * self._repeat_patience_ns)
                    return self._lose(Event.GAVE_UP, Reason.FROZEN_PICTURE, "it repeats one picture", None, now_ns)
            case Signal.ENDED:
                pass
        return ()

    def _hope_ns(self) -> int:
        if self._frames < 4:
            return FIRST_FRAME_NS  # its pace is not known yet
        return max(HOPELESS_STALL_NS, int(PERIODS_OF_HOPE * (self.pace.period_ns() or 0.0)))

    def _lose(self, event: Event, why: Reason, text: str, error: SonodermError | None, now_ns: int) -> tuple[Order, ...]:
        self.lost_why, self.lost_text, self.lost_error = why, text, error
        self.losses += 1
        self._to(event, now_ns)
        return (Order("kill", self.opening),)

    def _to(self, event: Event, now_ns: int) -> None:
        after = move(self.signal, event)
        if after is not self.signal:
            self.signal, self._since_ns = after, now_ns
            if after is Signal.WAITING or after is Signal.REOPENED:
                self._arrived_ns = now_ns
