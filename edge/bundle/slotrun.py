"""run.json beside the slot record: what `run` says of itself to the process that answers the technician. It outlives no boot."""

import os
from pathlib import Path
from typing import Final, Literal

import msgspec

__all__ = ["RUN", "RunState", "TrialPhase", "is_alive", "read_run", "write_run"]

RUN: Final = "run.json"
DEAD_NS: Final = 5_000_000_000  # written every second; a machine under load may miss a few


TrialPhase = Literal["checking", "living", "waiting for the tool"]


class RunState(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """digest, version: of the model that runs, None in rescue. trial: None, or how far it is. waiting: a model waits to be taken.

    in_examination: a living picture is judged, so that no model is swapped now. profile: name of the applied device profile.
    trouble: one line for people.
    heartbeat_ns: CLOCK_MONOTONIC, the same for all processes of one boot. at: wall clock, ISO 8601, for people.
    """

    schema: Literal[1] = 1
    pid: int
    digest: str | None
    version: str | None
    trial: TrialPhase | None
    waiting: bool
    in_examination: bool
    profile: str | None = None
    trouble: str | None
    heartbeat_ns: int
    at: str


def write_run(folder: Path, state: RunState) -> None:
    """Whole or not, and not synced: it speaks of a process, which no power cut survives. Raises OSError."""
    draft = folder / f"{RUN}.new"
    draft.write_bytes(msgspec.json.encode(state))
    os.replace(draft, folder / RUN)


def read_run(folder: Path) -> RunState | None:
    """None when there is none, or one that cannot be read (a power cut may have emptied it)."""
    try:
        return msgspec.json.decode((folder / RUN).read_bytes(), type=RunState)
    except (OSError, msgspec.DecodeError):
        return None


def is_alive(state: RunState | None, now_ns: int) -> bool:
    """now_ns: CLOCK_MONOTONIC. A heartbeat from before the last boot lies in the future, or is old."""
    return state is not None and 0 <= now_ns - state.heartbeat_ns <= DEAD_NS
