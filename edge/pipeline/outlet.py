"""One sink on its own thread, with a latest-wins slot: it may be slow, hang or raise, and holds nobody but itself.

A record (a log, a keeper of frozen views, or a sink whose attribute `every_view` is true) gets a bounded buffer instead; what does not
fit is counted, and seen in the gaps of `View.seq`. A view whose label has died while waiting is never handed over.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from edge.errors import SonodermError
from edge.pipeline.meter import AgeHistogram
from edge.reading import CommandPort, Sink, State, View

__all__ = ["Outlet", "OutletReport", "OutletState", "is_stale"]

SLOW_NS = 500_000_000  # in one `show`
EVERY_VIEW_KEPT = 256
RECORDS = ("jsonl:", "save:")  # by scheme: these speak to no screen, and must not miss a change


class OutletState(StrEnum):
    OPENING = "opening"
    RUNNING = "running"
    SLOW = "slow"
    DEAD = "dead"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class OutletReport:
    """name; state at the end; views shown; skipped: replaced by newer ones before the sink was free; slow: shows past SLOW_NS.

    p50, p99: age of READY labels when `show` had returned. stale: labels past their age limit that `show` was given: must be 0.
    """

    name: str
    state: OutletState
    shown: int
    skipped: int
    slow: int
    stale: int
    ages: AgeHistogram
    error: str | None = None


def is_stale(view: View, now_ns: int) -> bool:
    """True once a live label is past its age."""
    reading = view.reading
    return reading.state is State.READY and (reading.captured_ns is None or now_ns - reading.captured_ns > view.age_limit_ns)


class Outlet:
    def __init__(self, sink: Sink, clock_ns: Callable[[], int]) -> None:
        self.sink, self._clock_ns = sink, clock_ns
        self._changed = threading.Condition()
        every_view = getattr(sink, "every_view", sink.name.startswith(RECORDS))
        self._waiting: deque[View] = deque(maxlen=EVERY_VIEW_KEPT if every_view else 1)
        self._closing = False
        self._showing_since_ns: int | None = None
        self._state = OutletState.OPENING
        self._shown = self._skipped = self._slow = self._stale = 0
        self._ages = AgeHistogram()
        self.error: BaseException | None = None
        self.was_open = False
        self._thread = threading.Thread(target=self._run, name=f"sink {sink.name}", daemon=True)

    def start(self, commands: CommandPort) -> None:
        self._commands = commands
        self._thread.start()

    def offer(self, view: View) -> None:
        """Never waits."""
        with self._changed:
            if self._closing or self._state is OutletState.DEAD:
                return
            if len(self._waiting) == self._waiting.maxlen:
                self._skipped += 1
            self._waiting.append(view)
            self._changed.notify()

    def state(self, now_ns: int) -> OutletState:
        """As seen from outside: slow while one `show` takes longer than SLOW_NS."""
        since_ns = self._showing_since_ns
        if self._state is OutletState.RUNNING and since_ns is not None and now_ns - since_ns > SLOW_NS:
            return OutletState.SLOW
        return self._state

    def close(self, timeout_s: float) -> None:
        """What waits is still shown; a sink that does not come back is left behind (its thread is a daemon)."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout_s)

    def report(self, now_ns: int) -> OutletReport:
        said = None if self.error is None else f"{type(self.error).__name__}: {self.error}"
        return OutletReport(self.sink.name, self.state(now_ns), self._shown, self._skipped, self._slow, self._stale, self._ages, said)

    def _run(self) -> None:
        try:
            self.sink.open(self._commands)
            self._state = OutletState.RUNNING
            self.was_open = True
            while (view := self._next()) is not None:
                self._show(view)
            self.sink.close()
            self._state = OutletState.CLOSED
        except SonodermError as error:
            self._die(error)
        except Exception as error:  # noqa: BLE001 - a sink is a guest: whatever it raises, the others go on and the screen says so
            self._die(error)

    def _die(self, error: BaseException) -> None:
        self.error, self._state = error, OutletState.DEAD
        self._showing_since_ns = None

    def _next(self) -> View | None:
        with self._changed:
            while True:
                while self._waiting:
                    view = self._waiting.popleft()
                    if not is_stale(view, self._clock_ns()):
                        return view
                    self._skipped += 1
                if self._closing:
                    return None
                self._changed.wait()

    def _show(self, view: View) -> None:
        began_ns = self._clock_ns()
        self._showing_since_ns = began_ns
        self._stale += is_stale(view, began_ns)
        self.sink.show(view)
        done_ns = self._clock_ns()
        self._showing_since_ns = None
        self._shown += 1
        self._slow += done_ns - began_ns > SLOW_NS
        if view.reading.state is State.READY and view.reading.captured_ns is not None:
            self._ages.feed(done_ns - view.reading.captured_ns)
