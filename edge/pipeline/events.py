"""Everything that the conductor hears, and everything that it answers. Frozen values: threads share nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edge.errors import SonodermError
from edge.frame import Frame, SourceInfo
from edge.pipeline.options import LiveLook, Speaker
from edge.reading import Command, Reason, View

__all__ = [
    "Action",
    "Arrived",
    "Commanded",
    "Event",
    "Finish",
    "LookBegan",
    "Looked",
    "ModelFailed",
    "ModelNews",
    "ModelOpened",
    "ModelStep",
    "Noted",
    "Restart",
    "Say",
    "Show",
    "SourceEnded",
    "SourceLost",
    "SourceOpened",
    "Stop",
    "Stopped",
    "Swap",
]


@dataclass(frozen=True, slots=True)
class SourceOpened:
    opening: int
    info: SourceInfo


@dataclass(frozen=True, slots=True, eq=False)
class Arrived:
    """A frame came. dead: black, or a repeated picture (it was dropped and is not inferred)."""

    opening: int
    frame: Frame
    dead: Reason | None


@dataclass(frozen=True, slots=True)
class SourceLost:
    """It is gone, and tries to come back by itself."""

    why: Reason
    text: str


@dataclass(frozen=True, slots=True)
class SourceEnded:
    """Its last word. error: why it makes no sense to go on; None at the honest end of a clip."""

    error: SonodermError | None = None


@dataclass(frozen=True, slots=True)
class ModelStep:
    step: Reason


@dataclass(frozen=True, slots=True)
class ModelOpened:
    """model: counts the models of this run, from 1; a word of one that was given up changes nothing. The same below."""

    speaker: Speaker
    model: int = 1


@dataclass(frozen=True, slots=True)
class ModelFailed:
    """opening: it never ran; its error ends the run, unless it is a fault of the engine, which the screen says."""

    error: SonodermError
    opening: bool
    model: int = 1


@dataclass(frozen=True, slots=True)
class ModelNews:
    """Of the keeper, while `model` runs. waits: another one is to be taken at the next good moment. notes: what every view must say."""

    waits: bool
    notes: tuple[str, ...] = ()
    model: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class LookBegan:
    """cut: this frame shows another scene than the one looked at before."""

    opening: int
    frame: Frame
    cut: bool
    model: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    opening: int
    frame: Frame
    look: LiveLook
    cut: bool
    took_ns: int
    model: int = 1


@dataclass(frozen=True, slots=True)
class Commanded:
    """wall_s: wall clock (Unix seconds) at the press, for the frozen view's time."""

    command: Command
    wall_s: float


@dataclass(frozen=True, slots=True)
class Noted:
    """What every view's detail line must say of this run: a sink that is slow or dead."""

    notes: tuple[str, ...]


class Stop(StrEnum):
    """Why a run ended."""

    ENDED = "the source ended"
    SECONDS = "its time was up"
    ASKED = "asked to stop"
    INTERRUPTED = "interrupted"
    LOST = "the source was lost"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Stopped:
    why: Stop


Event = (
    SourceOpened
    | Arrived
    | SourceLost
    | SourceEnded
    | ModelStep
    | ModelOpened
    | ModelFailed
    | ModelNews
    | LookBegan
    | Looked
    | Commanded
    | Noted
    | Stopped
)


@dataclass(frozen=True, slots=True, eq=False)
class Show:
    view: View


@dataclass(frozen=True, slots=True)
class Restart:
    """For the source: end the capture process and open anew."""


@dataclass(frozen=True, slots=True)
class Swap:
    """For the inference thread: give the present model up and open what is to run now."""


@dataclass(frozen=True, slots=True)
class Say:
    """One line for people and the log."""

    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    why: Stop
    error: SonodermError | None = None


Action = Show | Say | Finish | Restart | Swap
