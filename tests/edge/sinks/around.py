"""A clock that a test moves, and surroundings that remember what a sink told the program."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from edge.sinks.table import Surroundings


@dataclass
class Around:
    """now_ns is what every sink takes for the time; said and stops are what it told the program."""

    now_ns: int = 1_030_000_000
    said: list[str] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)

    @property
    def world(self) -> Surroundings:
        wall = datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)
        return Surroundings(clock_ns=lambda: self.now_ns, wall=lambda: wall, say=self.said.append, request_stop=self.stops.append)
