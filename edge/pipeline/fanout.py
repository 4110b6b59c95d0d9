"""All outlets as one: hands out views, tells which sinks are slow or dead, never waits for any of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from edge.errors import MachineLacks, SonodermError
from edge.pipeline.outlet import Outlet, OutletReport, OutletState
from edge.reading import CommandPort, Sink, View

__all__ = ["Fanout"]

NS_PER_S = 1_000_000_000
OPEN_NS = 10 * NS_PER_S  # a window on a slow board; longer is a sink that will not come
CLOSE_S = 1.5


class Fanout:
    def __init__(self, sinks: Sequence[Sink], clock_ns: Callable[[], int]) -> None:
        self._outlets = tuple(Outlet(sink, clock_ns) for sink in sinks)
        self._clock_ns = clock_ns
        self._started_ns = clock_ns()

    def start(self, commands: CommandPort) -> None:
        self._started_ns = self._clock_ns()
        for outlet in self._outlets:
            outlet.start(commands)

    def failure_to_open(self, now_ns: int) -> BaseException | None:
        """At the start, a sink that cannot be opened stops the run: its error, or MachineLacks for one that does not come."""
        for outlet in self._outlets:
            if not outlet.was_open and outlet.error is not None:
                error = outlet.error
                return error if isinstance(error, SonodermError) else MachineLacks(f"sink {outlet.sink.name} cannot be opened: {error}")
            if not outlet.was_open and now_ns - self._started_ns > OPEN_NS:
                return MachineLacks(f"sink {outlet.sink.name} did not open within {OPEN_NS // NS_PER_S} s", do="leave it out")
        return None

    def offer(self, view: View) -> None:
        for outlet in self._outlets:
            outlet.offer(view)

    def troubles(self, now_ns: int) -> tuple[str, ...]:
        """One short note for each sink that is slow or dead."""
        states = ((outlet.sink.name, outlet.state(now_ns)) for outlet in self._outlets)
        return tuple(f"sink {name} is {state.value}" for name, state in states if state in (OutletState.SLOW, OutletState.DEAD))

    def are_all_dead(self) -> bool:
        now_ns = self._clock_ns()
        return bool(self._outlets) and all(outlet.state(now_ns) is OutletState.DEAD for outlet in self._outlets)

    def first_error(self) -> BaseException | None:
        return next((outlet.error for outlet in self._outlets if outlet.error is not None), None)

    def close(self) -> None:
        """All in all at most CLOSE_S."""
        deadline = time.monotonic() + CLOSE_S
        for outlet in self._outlets:
            outlet.close(max(0.05, deadline - time.monotonic()))

    def reports(self) -> tuple[OutletReport, ...]:
        now_ns = self._clock_ns()
        return tuple(outlet.report(now_ns) for outlet in self._outlets)
