"""What a report is made of. Whatever was not measured is None, and the page says so."""

from dataclasses import dataclass
from pathlib import Path

from edge.bench.accuracy import Case
from edge.errors import UsageError
from export.data.subgroups import Subgroups
from export.gate.figures import PairFigures

__all__ = ["OPEN_SIDES", "Curve", "CurvePoint", "Layer", "Looked", "Mistake", "PairFacts", "Report", "Timed"]

OPEN_SIDES = ("choice", "dev")  # every other side is opened for reports alone, and each opening is written down


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """After one epoch. loss: mean of training; balanced_accuracy (0..1): on the tenth of train that is kept for choices."""

    epoch: int
    loss: float
    balanced_accuracy: float


@dataclass(frozen=True, slots=True)
class Curve:
    """One training. name: its folder below the run."""

    name: str
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True, slots=True)
class PairFacts:
    """A (form, engine) of the manifest. isa: where it was proven. figures: of the gate, None where they are not at hand."""

    form: str
    engine: str
    gate: str
    isa: tuple[str, ...] = ()
    figures: PairFigures | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """Pictures that were looked at. side: choice or dev; another side needs the note of its opening. Raises UsageError without.

    how: form, engine and threads that answered.
    """

    side: str
    how: str
    cases: tuple[Case, ...]
    opening: str = ""

    def __post_init__(self) -> None:
        if self.side not in OPEN_SIDES and not self.opening.strip():
            raise UsageError(
                f"figures of '{self.side}' need the note of its opening",
                do=f"write the opening down (docs/openings.md), or report {' or '.join(OPEN_SIDES)}",
            )


@dataclass(frozen=True, slots=True)
class Layer:
    """effect: mean KL in nats from FP32 to the graph with this layer alone in INT8."""

    layer: str
    effect: float


@dataclass(frozen=True, slots=True)
class Timed:
    """One point of speed against accuracy. side, n: what balanced_accuracy (0..1) was measured on."""

    name: str
    latency_ms: float
    balanced_accuracy: float
    side: str
    n: int


@dataclass(frozen=True, slots=True)
class Mistake:
    """A picture that got another label. picture: the file; frame: of a cine or a clip, -1 where it is one picture.

    confidence (0..1): of the label that it got; state: what was shown.
    """

    picture: Path
    truth: str
    said: str
    confidence: float
    state: str
    frame: int = -1


@dataclass(frozen=True, slots=True)
class Report:
    """codes: the model's labels in order. counts: pictures of each, by side of the split. made_at: ISO 8601, UTC. notes: warnings."""

    name: str
    version: str
    digest: str
    intended_use: str
    made_at: str
    codes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    curves: tuple[Curve, ...] = ()
    counts: tuple[tuple[str, tuple[int, ...]], ...] = ()
    pairs: tuple[PairFacts, ...] = ()
    looked: tuple[Looked, ...] = ()
    subgroups: tuple[Subgroups, ...] = ()  # of looked[0]
    layers: tuple[Layer, ...] | None = None
    timed: tuple[Timed, ...] | None = None
    card: str = ""
