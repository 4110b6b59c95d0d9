"""All outlets as one: hands out views, tells which sinks are slow or dead, never waits for any of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from edge.errors import MachineLacks, SonodermError
from edge.pipeline.outlet import Outlet, OutletReport, OutletState
from edge.reading import CommandPort, Sink, View

__all__ = ["Fanout"]

OPEN_S = 10.0  # a window on a slow board; longer is a sink that will not come
CLOSE_S = 1.5


class Fanout:
    def __init__(self, sinks: Sequence[Sink], clock_ns: Callable[[], int]) -> None:
        self._outlets = tuple(Outlet(sink, clock_ns) for sink in sinks)
        self._clock_ns = clock_ns

    def start(self, commands: CommandPort) -> None:
        for outlet in self._outlets:
            outlet.start(commands)

    def wait_until_open(self) -> None:
        """At the start, a sink that cannot be opened stops the run. Raises its error, or MachineLacks for one that does not come."""
        deadline = time.monotonic() + OPEN_S
        for outlet in self._outlets:
            if not outlet.opened.wait(max(0.0, deadline - time.monotonic())):
                raise MachineLacks(
                    f"sink {outlet.sink.name} did not open within {OPEN_S:.0f} s", do="leave it out, or restart what it needs"
                )
            if outlet.error is not None:
                if isinstance(outlet.error, SonodermError):
                    raise outlet.error
                raise MachineLacks(f"sink {outlet.sink.name} cannot be opened: {outlet.error}") from outlet.error

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
