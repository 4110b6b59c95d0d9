"""What the technician is told of `run`, from the run.json that it keeps beside the slot record."""

from pathlib import Path

from edge.bundle.slotrun import is_alive, read_run
from firmware_bridge.wire.own import RunState

__all__ = ["run_of"]


def run_of(folder: Path, now_ns: int) -> RunState | None:
    """now_ns: CLOCK_MONOTONIC. None: no `run` is alive on these slots."""
    said = read_run(folder)
    if said is None or not is_alive(said, now_ns):
        return None
    return RunState(
        examination=said.in_examination,
        checked=said.trial in ("living", "waiting for the tool"),
        awaits_yes=said.trial == "waiting for the tool",
        profile=said.profile,
        trouble=said.trouble,
    )
