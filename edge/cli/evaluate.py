"""`sonoderm evaluate`: what a model is worth on a label table, through the same code that runs live."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import cv2
import numpy as np
import typer

from edge.bench.accuracy import Case, measure
from edge.cli.engine_options import EngineOption, FormOption, ModelOption, ThreadsOption
from edge.cli.evaluation import Evaluation, as_json_object, as_text
from edge.cli.inputs import open_file
from edge.cli.opened import opened_model
from edge.cli.output import Progress, print_json, say
from edge.cli.trust_option import TrustOption
from edge.errors import InputRefused
from edge.frame import U8
from edge.labels import (
    LabelRow,
    LabelTable,
    TroubleKind,
    audit,
    parse_where,
    read_labels,
    require_clean,
    without_copies_of_another_label,
)
from edge.model import Model
from edge.reading import Reading, State

__all__ = ["app"]

T = TypeVar("T")

app = typer.Typer(rich_markup_mode=None)


class UnknownLabels(StrEnum):
    STOP = "stop"
    OUT_OF_SCOPE = "out-of-scope"


@app.command()
def evaluate(
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS.csv", help="A table with the columns image and label; further ones are kept for groups.")
    ],
    *,
    model: ModelOption,
    image_root: Annotated[
        Path | None, typer.Option("--image-root", metavar="DIR", help="Where the image column starts; by default the table's folder.")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option("--group", metavar="COLUMN", help="Whose picture it is (lesion, patient, clip): the unit of every interval."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="COLUMN=VALUE", help="Only such rows. Repeat: columns AND, values of one column OR."),
    ] = None,
    long_side: Annotated[
        int | None, typer.Option("--long-side", metavar="PX", min=16, help="Shrink pictures to this long side first.")
    ] = None,
    unknown: Annotated[
        UnknownLabels, typer.Option("--unknown", help="Rows whose label the model does not have: stop, or count as cases to be refused.")
    ] = UnknownLabels.STOP,
    exclude_conflicts: Annotated[
        bool, typer.Option("--exclude-conflicts", help="Leave out images that stand under several labels.")
    ] = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Go on without images that are missing or cannot be read.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON object.")] = False,
    trust: TrustOption = None,
    engine: EngineOption = None,
    form: FormOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Measure a model on a label table: forced and selective, with 95 % intervals by group.

    Troubles of the table are counted with their row numbers before any figure. Exit code 3 when pictures were missing or refused,
    unless --allow-missing.
    """
    table = audit(read_labels(labels, image_root=image_root, where=parse_where(where or []), group=group))
    _say_troubles(table, exclude_conflicts, allow_missing)
    if exclude_conflicts:
        table = without_copies_of_another_label(table)
    with opened_model(model, trust, engine, form, threads) as opened:
        if unknown is UnknownLabels.STOP:
            _require_known(table, opened)
        if group is None:
            say("no --group given: intervals take every picture as independent, which is too narrow where one patient has several")
        cases, refused = _look_at_all(table, opened, long_side)
        identity, codes = opened.identity, opened.codes
    if not cases:
        raise InputRefused(f"{labels.name}: none of {len(table.rows)} pictures could be read", do="see the lines above")
    result = Evaluation(identity, table, group, long_side, measure(cases, codes), tuple(refused))
    if as_json:
        print_json(as_json_object(result))
    else:
        print(as_text(result))
    if refused and not allow_missing:
        raise InputRefused(
            f"{labels.name}: {len(refused)} pictures could not be read and are in no figure", do="mend them, or --allow-missing"
        )


def _say_troubles(table: LabelTable, exclude_conflicts: bool, allow_missing: bool) -> None:
    """Every trouble once: those that do not stop us as talk, then the first that does as the error. Raises InputRefused."""
    allowed = {TroubleKind.CONFLICT} if exclude_conflicts else set()
    stop: InputRefused | None = None
    try:
        require_clean(table, allowed | ({TroubleKind.MISSING, TroubleKind.AMBIGUOUS} if allow_missing else set()))
    except InputRefused as error:
        stop = error
    for trouble in table.troubles:
        line = f"{table.path.name}: {trouble.line()}"
        if stop is None or stop.what != line:
            say(line)
    if stop is not None:
        raise stop


def _require_known(table: LabelTable, model: Model) -> None:
    strange = Counter(row.label for row in table.rows if row.label not in model.codes)
    if strange:
        rows = [row.row for row in table.rows if row.label in strange]
        names = ", ".join(f"'{label}' ({n})" for label, n in strange.most_common(6))
        raise InputRefused(
            f"{table.path.name}, row {rows[0]}: {model.identity.name} has no label {names}; it has {', '.join(model.codes)}",
            do="leave such rows out with --where, or count them as cases to be refused: --unknown out-of-scope",
        )


def _look_at_all(table: LabelTable, model: Model, long_side: int | None) -> tuple[list[Case], list[str]]:
    cases, refused = [], []
    with Progress("evaluating", len(table.rows)) as progress:
        for row in table.rows:
            try:
                cases.append(_look_at(row, model, long_side))
            except InputRefused as error:
                refused.append(f"row {row.row}: {error.line()}")
                say(f"{table.path.name}, {refused[-1]}")
            progress.advance()
    return cases, refused


def _look_at(row: LabelRow, model: Model, long_side: int | None) -> Case:
    """A row as one case. A clip is one case too: the mean of its probabilities, the state and label that most of its frames have."""
    with open_file(row.image) as source:
        readings = [model.classify(_shrunk(frame.pixels, long_side)) for frame in source]
    if not readings:
        raise InputRefused(f"{row.name} has no picture in it", do="check the file")
    state = _most([reading.state for reading in readings], list(State))
    shown = [reading.label for reading in readings if reading.state is State.READY and reading.label is not None]
    label = _most(shown, sorted(set(shown))) if state is State.READY else None
    return Case(
        row.label, row.group if row.group is not None else f"row {row.row}", _mean_probabilities(readings, len(model.codes)), state, label
    )


def _mean_probabilities(readings: list[Reading], k: int) -> tuple[float, ...]:
    """Mean over the frames on which the model ran; equal shares when it ran on none, which no label is right about by more than chance."""
    given = [[p for _, p in reading.probabilities] for reading in readings if reading.probabilities]
    mean = np.mean(given, axis=0) if given else np.full(k, 1.0 / k)
    return tuple(float(p) for p in mean)


def _most(found: list[T], order: Iterable[T]) -> T:
    """The most frequent; of equally frequent ones the first in `order`."""
    counts = Counter(found)
    return max(order, key=lambda value: counts[value])


def _shrunk(pixels: U8, long_side: int | None) -> U8:
    height, width = pixels.shape[:2]
    if long_side is None or max(height, width) <= long_side:
        return pixels
    scale = long_side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
