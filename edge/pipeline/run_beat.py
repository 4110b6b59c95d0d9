"""The heartbeat of a run on a slots folder: run.json once a second, and at once when it says something new."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from edge.bundle.slotrun import RunState, write_run

__all__ = ["RunBeat"]

BEAT_NS: Final = 1_000_000_000


class RunBeat:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: RunState | None = None

    def feed(self, state: RunState) -> None:
        """state.heartbeat_ns is now. Raises OSError."""
        last = self._last
        if last is not None and state.heartbeat_ns - last.heartbeat_ns < BEAT_NS and _at_the_same_time(last, state) == state:
            return
        self._last = state
        write_run(self._folder, state)


def _at_the_same_time(last: RunState, state: RunState) -> RunState:
    return msgspec.structs.replace(last, heartbeat_ns=state.heartbeat_ns, at=state.at)
