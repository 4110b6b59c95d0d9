"""Stills, held by a trembling hand, through quality gate, model and aggregation: the last settled reading of each, with its label.

Frames carry their own times and none is dropped, so that a clip is judged as live but as fast as the machine can. One picture is one case:
the thirty readings of a second are one statement about one lesion (their effective number at a correlation of 0.9 is little above one).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from calibration.confidence.cases import Cases, cases_of
from edge.errors import InputRefused
from edge.frame import Frame
from edge.labels import LabelRow
from edge.model import Model
from edge.pipeline.iterate import run
from edge.reading import Reading, State
from edge.sources.table import open_source

__all__ = ["SECONDS", "Settled", "settle", "watch"]

SECONDS, FPS = 1.5, 15.0
NS_PER_S = 1e9
SMALLEST = 1e-12
SPEAKS = frozenset({State.READY, State.UNSURE})


@dataclass(frozen=True, slots=True)
class Settled:
    """cases: scores are the averaged log-odds (log of the settled probabilities). states: of the last reading of every picture, in order.

    rows: those with a settled reading, in the order of the cases; the others never settled (poor image, out of scope).
    """

    cases: Cases
    rows: tuple[LabelRow, ...]
    states: tuple[State, ...]


def _clocked(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Frames at the times that they show, not at those when they were drawn."""
    for frame in frames:
        yield replace(frame, captured_ns=round((frame.time_s or 0.0) * NS_PER_S))


def watch(model: Model, picture: Path, *, seconds: float = SECONDS, fps: float = FPS, seed: int = 1) -> tuple[Reading, ...]:
    """Every reading of one picture in motion, in order. Raises InputRefused for what is no picture."""
    from urllib.parse import quote

    with open_source(f"dir:{quote(str(picture))}?motion=tremor&seed={seed}&hold={seconds:g}&fps={fps:g}") as source:
        return tuple(run(_clocked(iter(source)), model))


def settle(model: Model, rows: Sequence[LabelRow], advance: Callable[[], None], *, seconds: float = SECONDS, fps: float = FPS) -> Settled:
    """Labels must be the model's. Raises InputRefused where no picture ever settled."""
    scores, kept, states = [], [], []
    for number, row in enumerate(rows):
        readings = watch(model, row.image, seconds=seconds, fps=fps, seed=number + 1)
        spoken = [reading for reading in readings if reading.state in SPEAKS and reading.probabilities]
        states.append(readings[-1].state)
        if spoken:
            scores.append([np.log(max(p, SMALLEST)) for _, p in spoken[-1].probabilities])
            kept.append(row)
        advance()
    if not kept:
        raise InputRefused(
            f"none of {len(rows)} pictures gave a settled reading", do="look at one with: sonoderm run 'dir:PICTURE?motion=tremor'"
        )
    labels = np.array([model.codes.index(row.label) for row in kept], np.int64)
    groups = [row.group if row.group is not None else f"row {row.row}" for row in kept]
    return Settled(cases_of(np.array(scores), labels, groups), tuple(kept), tuple(states))
