"""The sinks of the demo: one that watches with a clock, one that can be told to never return, and a page that outlives a run."""

import threading
from collections.abc import Callable

from edge.reading import Command, CommandPort, Sink, View

__all__ = ["KeptOpen", "ProbeSink", "StuckSink"]


class ProbeSink:
    """A screen with a stopwatch: tells `seen(view, now_ns)` when it has drawn."""

    name = "stopwatch"

    def __init__(self, seen: Callable[[View, int], None], clock_ns: Callable[[], int]) -> None:
        self._seen, self._clock_ns = seen, clock_ns

    def open(self, commands: CommandPort) -> None:
        """It only looks."""

    def show(self, view: View) -> None:
        self._seen(view, self._clock_ns())

    def close(self) -> None:
        """Nothing is held."""


class StuckSink:
    """Draws nothing, at once; or, while it is stuck, never returns from drawing."""

    name = "second screen"

    def __init__(self) -> None:
        self._free = threading.Event()
        self._free.set()

    def stick(self) -> None:
        self._free.clear()

    def release(self) -> None:
        self._free.set()

    def open(self, commands: CommandPort) -> None:
        """It only draws."""

    def show(self, view: View) -> None:  # noqa: ARG002
        self._free.wait()

    def close(self) -> None:
        """Nothing is held."""


class KeptOpen:
    """A sink that stays while one run ends and the next begins. Its commands go to the run of the moment."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.name = sink.name
        self._commands: CommandPort | None = None
        self._is_open = False

    def open(self, commands: CommandPort) -> None:
        self._commands = commands
        if not self._is_open:
            self._is_open = True
            self._sink.open(self._pass_on)

    def _pass_on(self, command: Command) -> None:
        if self._commands is not None:
            self._commands(command)

    def show(self, view: View) -> None:
        self._sink.show(view)

    def close(self) -> None:
        """Between two runs nothing is closed: `end` does that."""

    def end(self) -> None:
        self._sink.close()
