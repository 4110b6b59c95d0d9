"""A sink that shows nothing: for measurements and for `--sink null:`."""

from edge.errors import UsageError
from edge.reading import CommandPort, Sink, View
from edge.sinks.table import Surroundings

__all__ = ["NullSink", "make"]


class NullSink:
    name = "null:"

    def open(self, commands: CommandPort) -> None:
        """Nothing travels up from here."""

    def show(self, view: View) -> None:
        """Nothing is shown."""

    def close(self) -> None:
        """Nothing is held."""


def make(target: str, _around: Surroundings) -> Sink:
    if target:
        raise UsageError(f"null: takes nothing after the colon, not {target!r}")
    return NullSink()
