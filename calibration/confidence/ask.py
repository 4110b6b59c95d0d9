"""The engine that will run, asked about every picture of a label table. Never another form of the model, and never torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from calibration.confidence.cases import F64, Bool, Cases, cases_of
from edge.backends.session import RawOutput
from edge.classify import scores_of
from edge.cli.inputs import open_file
from edge.errors import InputRefused
from edge.frame import Frame
from edge.labels import LabelRow
from edge.model import Model
from edge.preprocess.prepare import Prepared, prepare
from edge.quality import assess_still

__all__ = ["Answers", "ask"]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What one model said of the pictures that could be read. distances: (n,) of scope, nan without one. poor: (n,) refused by quality.

    rows: of the table, in the order of the cases. refused: a line for each picture that could not be read.
    """

    cases: Cases
    distances: F64
    poor: Bool
    rows: tuple[LabelRow, ...]
    refused: tuple[str, ...]


def ask(models: Sequence[Model], rows: Sequence[LabelRow], advance: Callable[[], None], *, camera: str = "") -> tuple[Answers, ...]:
    """One Answers for each of `models`, which are forms of one model: a picture is read and prepared once. Labels must be the model's.

    camera: as the profile names it, whose corrections are applied; "" looks at pictures as `classify` does. advance: called after each.
    """
    first, codes = models[0], models[0].codes
    raw: list[list[RawOutput]] = [[] for _ in models]
    poor, kept, refused = [], [], []
    for row in rows:
        try:
            prepared = _prepared(row, first, camera)
        except InputRefused as error:
            refused.append(f"row {row.row}: {error.line()}")
        else:
            kept.append(row)
            poor.append(assess_still(prepared.small, prepared.field) is not None)
            for said, model in zip(raw, models, strict=True):
                said.append(model.session.run(prepared.tensor))
        advance()
    labels = np.array([codes.index(row.label) for row in kept], np.int64)
    groups = [row.group if row.group is not None else f"row {row.row}" for row in kept]
    found = []
    for said, model in zip(raw, models, strict=True):
        scores = np.array([scores_of(one, model.manifest.outputs) for one in said]).reshape(len(kept), len(codes))
        distances = np.array([model.judge(one).scope_distance for one in said], np.float64)
        found.append(Answers(cases_of(scores, labels, groups), distances, np.array(poor, np.bool_), tuple(kept), tuple(refused)))
    return tuple(found)


def _prepared(row: LabelRow, model: Model, camera: str) -> Prepared:
    with open_file(row.image) as source:
        frames = list(islice(source, 2))
    if len(frames) != 1:
        raise InputRefused(f"{row.name} is a clip, and single pictures are calibrated", do="give stills, or calibrate the settled reading")
    pixels = frames[0].pixels
    return model.prepare(Frame(pixels, 0, 0, camera)) if camera else prepare(pixels, model.manifest.input)
