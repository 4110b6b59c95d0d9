"""A source as the live path needs it: it comes back by itself. The pipeline's receiving thread reads this and nothing below it.

    with LiveSource("camera:0") as source:
        source.start()
        while not source.is_over:
            match source.next_event(timeout_s=0.02): …

Events are those of `events`, with one difference to a single life: `Lost` is not the last one. After it the source reconnects to the
same device (by identity), and `Opened` says that it is back. `Ended` and `Failed` are the last ones; a source that cannot be reached
at the first attempt is `Failed(SourceUnreachable)`. A driver that hangs (`reconnect.Patience`) is ended and replaced.

Threads: as IsolatedSource; `restart` and `kill` may be called from any thread.
"""

import time
from types import TracebackType
from typing import Self

from edge.reading import Reason
from edge.sources import reconnect
from edge.sources.events import Arrived, Ended, Event, Failed, Lost, Opened, Skipped
from edge.sources.isolate import IsolatedSource
from edge.sources.lost import SourceLost
from edge.sources.reconnect import Life, Patience
from edge.sources.uri import SourceUri, parse_uri

__all__ = ["LiveSource"]


class LiveSource:
    """Lives of one source, one after the other."""

    def __init__(self, uri: str | SourceUri, *, patience: Patience | None = None) -> None:
        """Raises as `parse_uri`."""
        self._uri = parse_uri(uri) if isinstance(uri, str) else uri
        self._patience = patience or Patience()
        self._current: IsolatedSource | None = None
        self._life = Life(started_ns=0)
        self._was_open = self._is_over = False
        self._failures = self._attempts = 0
        self._restart_ns = 0

    @property
    def is_over(self) -> bool:
        """True after Ended, Failed or kill."""
        return self._is_over

    @property
    def is_open(self) -> bool:
        """True while the source is open, as far as known; False while it is being opened or waited for."""
        return self._current is not None and self._life.opened_ns is not None

    @property
    def pid(self) -> int | None:
        """The capture process of this moment."""
        return self._current.pid if self._current else None

    def start(self) -> None:
        """Open for the first time; returns at once."""
        self._begin(time.monotonic_ns())

    def next_event(self, timeout_s: float) -> Event | None:
        """The next event; None when nothing happened within timeout_s, or nothing will (`is_over`)."""
        deadline = time.monotonic() + timeout_s
        while not self._is_over:
            event = self._step(max(0.0, deadline - time.monotonic()))
            if event is not None or time.monotonic() >= deadline:
                return event
        return None

    def restart(self) -> None:
        """End the present capture process and open anew; `Opened` follows. From any thread; for a source that lives and shows nothing."""
        current = self._current
        if current is not None:
            current.kill(grace_s=0)

    def kill(self) -> None:
        """End it now. From any thread."""
        self._is_over = True
        current = self._current
        if current is not None:
            current.kill()

    def close(self) -> None:
        """Kill, and give back everything. From the receiving thread."""
        self._is_over = True
        if self._current is not None:
            self._current.close()
            self._current = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _step(self, timeout_s: float) -> Event | None:
        now_ns = time.monotonic_ns()
        if self._current is None:
            wait_ns = self._restart_ns - now_ns
            if wait_ns > 0:
                time.sleep(min(timeout_s, wait_ns / 1e9))
                return None
            self._begin(now_ns)
        assert self._current is not None
        event = self._current.next_event(min(timeout_s, 0.1))  # look up often enough to notice a hung driver
        now_ns = time.monotonic_ns()
        if event is None:
            if self._current.is_over:  # ended by `restart`
                self._drop()
                return None
            if self._current.attempts != self._attempts:  # it waits for a device that is away: that is its task, and no fault
                self._attempts = self._current.attempts
                self._life = Life(started_ns=now_ns)
            if reconnect.is_hung(self._life, now_ns, self._patience):
                return self._over(Lost(Reason.STALLED, f"{self._uri}: nothing arrives, the driver was ended"), now_ns)
            return None
        return self._note(event, now_ns)

    def _note(self, event: Event, now_ns: int) -> Event:
        match event:
            case Opened(info):
                self._was_open = True
                self._life = self._life.opened(now_ns, info.fps)
                assert self._current is not None
                self._uri = self._current.reopen_uri
            case Arrived() | Skipped():
                self._life = self._life.arrived(now_ns)
            case Lost():
                return self._over(event, now_ns)
            case Ended() | Failed():
                self._is_over = True
        return event

    def _over(self, lost: Lost, now_ns: int) -> Event:
        """One life is over: forget it, and set the time of the next."""
        self._drop()
        if not self._was_open:
            self._is_over = True
            return Failed(SourceLost(lost.text, reason=lost.reason, do="check that nothing else uses the device, then start again"))
        self._failures = 1 if self._life.settled(now_ns) else self._failures + 1
        self._patience = self._patience.learned(self._life)
        self._restart_ns = reconnect.restart_ns(self._life, self._failures, now_ns)
        return lost

    def _drop(self) -> None:
        """Nothing of this life is needed any more."""
        current, self._current = self._current, None
        if current is not None:
            current.kill(grace_s=0)
            current.close()

    def _begin(self, now_ns: int) -> None:
        self._current = IsolatedSource(self._uri, is_patient=self._was_open)
        self._life, self._attempts = Life(started_ns=now_ns), 0
        self._current.start()
