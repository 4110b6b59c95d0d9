"""The sinks that can be named on the command line, as a list one can read aloud. Others add to it by entry point."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from importlib.metadata import entry_points

from edge.errors import MachineLacks, UsageError
from edge.reading import Sink

__all__ = ["SINKS", "SinkScheme", "Surroundings", "open_sink", "schemes"]


def _now() -> datetime:
    return datetime.now().astimezone()


def _nobody(_text: str) -> None:
    """No one asked to be told."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a sink may use of the program around it.

    clock_ns: monotonic. wall: the time for people, with offset. say: one line for a person (stderr), such as the page's address.
    request_stop: asks for a clean end of the run, with the reason (window closed, reader of stdout gone); thread-safe, returns at once.
    """

    clock_ns: Callable[[], int] = time.monotonic_ns
    wall: Callable[[], datetime] = _now
    say: Callable[[str], None] = _nobody
    request_stop: Callable[[str], None] = _nobody


SinkMaker = Callable[[str, Surroundings], Sink]  # what follows the colon, the surroundings


@dataclass(frozen=True, slots=True)
class SinkScheme:
    """module: has `make(target, around) -> Sink`, imported when it is asked for."""

    scheme: str
    module: str
    form: str
    what: str


SINKS = (
    SinkScheme("console", "edge.sinks.console", "console:", "the whole screen in a terminal; one line per change where there is none"),
    SinkScheme("window", "edge.sinks.window", "window:", "a window on this machine's screen"),
    SinkScheme("web", "edge.sinks.web.sink", "web:[HOST:]PORT", "a page for any browser; loopback by default, port 0 takes a free one"),
    SinkScheme("jsonl", "edge.sinks.jsonl", "jsonl:FILE", "one JSON object a line; - is stdout"),
    SinkScheme("save", "edge.sinks.save", "save:DIR", "keeps each frozen view: picture, screen and line"),
    SinkScheme("null", "edge.sinks.null", "null:", "nothing at all"),
)


def schemes() -> tuple[str, ...]:
    """Every scheme that can be opened here, our own first."""
    return tuple(dict.fromkeys([*(s.scheme for s in SINKS), *(e.name for e in entry_points(group="sonoderm.sinks"))]))


def open_sink(uri: str, around: Surroundings | None = None) -> Sink:
    """ "console:", "web:127.0.0.1:8080", "jsonl:FILE" … -> a Sink that is not open yet.

    What can be known to fail is found here, before any camera is touched: no display, a port in use, a folder that
    cannot be written. Raises UsageError (unknown scheme or form) and MachineLacks (this machine cannot show it).
    """
    around = around or Surroundings()
    scheme, colon, target = uri.partition(":")
    if not colon and scheme in schemes():
        target = ""
    known = {s.scheme: s.module for s in SINKS}
    if scheme in known:
        return _make(import_module(known[scheme]).make, target, around)
    for entry in entry_points(group="sonoderm.sinks"):
        if entry.name == scheme:
            try:
                return _make(entry.load(), target, around)
            except ImportError as gone:
                raise MachineLacks(
                    f"sink {scheme}: of {entry.value} cannot be loaded: {gone}", do="install the package that brings it"
                ) from gone
    raise UsageError(f"no sink is called {uri!r}", do="one of " + ", ".join(f"{name}:" for name in schemes()))


def _make(maker: SinkMaker, target: str, around: Surroundings) -> Sink:
    return maker(target, around)
