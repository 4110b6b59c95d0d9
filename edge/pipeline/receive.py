"""The one receiving thread: source -> liveness -> mailbox, every frame into the ledger, every word to the conductor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, assert_never

from edge.frame import Frame
from edge.pipeline import events as ev
from edge.pipeline.desk import Desk
from edge.pipeline.ledger import Cause
from edge.pipeline.mailbox import Letter
from edge.reading import Reason
from edge.sources.events import Arrived, Ended, Event, Failed, Lost, Opened, Skipped

__all__ = ["LiveSource", "Liveness", "MakeLiveness", "receive"]

WAIT_S = 0.1


class LiveSource(Protocol):
    """As `edge.sources.live.LiveSource`: comes back by itself after Lost; Ended and Failed are its last words.

    restart: end the present capture process and open anew; from any thread.
    """

    @property
    def is_over(self) -> bool: ...
    def start(self) -> None: ...
    def next_event(self, timeout_s: float) -> Event | None: ...
    def restart(self) -> None: ...
    def kill(self) -> None: ...
    def close(self) -> None: ...


class Liveness(Protocol):
    """Is this a new, living picture? A reason when it is black or repeats."""

    def feed(self, frame: Frame) -> Reason | None: ...


MakeLiveness = Callable[[float | None], Liveness]  # given the nominal frames per second; a new one for each opening


def receive(source: LiveSource, make_liveness: MakeLiveness, desk: Desk) -> None:
    """Runs until the source is over, then gives it back. The source was started already."""
    opening, liveness = 0, make_liveness(None)
    try:
        while not source.is_over:
            event = source.next_event(WAIT_S)
            match event:
                case None:
                    continue
                case Opened():
                    opening, liveness = opening + 1, make_liveness(event.info.fps)
                    _give_up_unread(desk)
                    desk.tell(ev.SourceOpened(opening, event.info))
                case Arrived():
                    _take(event.frame, opening, liveness.feed(event.frame), desk)
                case Skipped():
                    desk.ledger.skip(event.cause, event.count)
                case Lost():
                    _give_up_unread(desk)
                    desk.tell(ev.SourceLost(event.reason, event.text))
                case Ended():
                    desk.tell(ev.SourceEnded())
                case Failed():
                    desk.tell(ev.SourceEnded(event.error))
                case _:
                    assert_never(event)
    finally:
        source.close()


def _take(frame: Frame, opening: int, dead: Reason | None, desk: Desk) -> None:
    desk.ledger.capture()
    if dead is not None:
        desk.ledger.drop(Cause.BLACK if dead is Reason.BLACK else Cause.REPEATED)
    elif desk.clock_ns() - frame.captured_ns > desk.age_limit_ns:  # a source that delivers the past: nothing living came
        desk.ledger.drop(Cause.OLD)
        return
    elif desk.mailbox.put(Letter(frame, opening)) is not None:
        desk.ledger.drop(desk.unread)
    desk.tell(ev.Arrived(opening, frame, dead))


def _give_up_unread(desk: Desk) -> None:
    if desk.mailbox.empty() is not None:
        desk.ledger.drop(Cause.SOURCE_LOST)
