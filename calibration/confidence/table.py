"""A label table and a model as the commands of this package take them: options, troubles said once, the rows that count."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from calibration.confidence.ask import Answers, ask
from calibration.confidence.cases import CONFORMAL, FIT, halves
from edge.cli.output import Progress, say
from edge.errors import InputRefused, UsageError
from edge.labels import LabelRow, parse_where, read_labels, require_clean
from edge.model import Model

__all__ = [
    "GroupOption",
    "Half",
    "HalfOption",
    "ImageRootOption",
    "JsonOption",
    "LabelsArgument",
    "SeedOption",
    "Table",
    "WhereOption",
    "drawn_rows",
    "look_at",
    "read_table",
    "require_known",
]

LabelsArgument = Annotated[Path, typer.Argument(metavar="LABELS.csv", help="A table with the columns image and label.")]
GroupOption = Annotated[
    str | None, typer.Option("--group", metavar="COLUMN", help="Whose picture it is (lesion, patient): the unit of every interval.")
]
WhereOption = Annotated[
    list[str] | None, typer.Option("--where", metavar="COLUMN=VALUE", help="Only such rows. Repeat: columns AND, values of one column OR.")
]
ImageRootOption = Annotated[Path | None, typer.Option("--image-root", metavar="DIR", help="Where the image column starts.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Of the cut of dev into halves, as in the recipe's [data].")]
JsonOption = Annotated[bool, typer.Option("--json", help="The result as one JSON object.")]


class Half(StrEnum):
    """Of the table, cut by the name of each group: fit and conformal never share a lesion or patient."""

    FIT = "fit"
    CONFORMAL = "conformal"
    ALL = "all"


HalfOption = Annotated[Half, typer.Option("--half", help="Which half of the table: dev is cut once, by lesion or patient and seed.")]


@dataclass(frozen=True, slots=True)
class Table:
    """rows: those that count. group: the column, None where every picture is a case of its own."""

    path: Path
    rows: tuple[LabelRow, ...]
    group: str | None


def read_table(path: Path, *, image_root: Path | None, where: Sequence[str], group: str | None, half: Half, seed: int) -> Table:
    """Raises InputRefused for a table that cannot be used (a missing picture, two labels for one), UsageError for a wrong option."""
    table = read_labels(path, image_root=image_root, where=parse_where(where), group=group)
    require_clean(table)
    for trouble in table.troubles:
        say(f"{path.name}: {trouble.line()}")
    if group is None:
        say("no --group given: every picture counts as a case of its own, which is too sure where one patient has several")
        if half is not Half.ALL:
            raise UsageError(f"the {half} half is cut by lesion or patient", do="give --group COLUMN, or --half all")
        return Table(path, table.rows, None)
    rows = tuple(replace(row, group=row.group or f"row {row.row}") for row in table.rows)
    if half is not Half.ALL:
        wanted = FIT if half is Half.FIT else CONFORMAL
        side = halves([row.group or "" for row in rows], seed)
        rows = tuple(row for row, at in zip(rows, side, strict=True) if at == wanted)
        if not rows:
            raise InputRefused(f"{path.name}: the {half} half is empty", do="check --where and --group, or use --half all")
    return Table(path, rows, group)


def drawn_rows(rows: tuple[LabelRow, ...], most: int, seed: int) -> tuple[LabelRow, ...]:
    """At most `most` of them, drawn by seed, in their order."""
    if len(rows) <= most:
        return rows
    return tuple(rows[i] for i in np.sort(np.random.default_rng(seed).choice(len(rows), most, replace=False)))


def require_known(table: Table, model: Model) -> None:
    """Raises InputRefused for a label that the model does not have."""
    codes, name = model.codes, model.manifest.name
    strange = Counter(row.label for row in table.rows if row.label not in codes)
    if strange:
        row = next(row.row for row in table.rows if row.label in strange)
        named = ", ".join(f"'{label}' ({n})" for label, n in strange.most_common(6))
        raise InputRefused(
            f"{table.path.name}, row {row}: {name} has no label {named}; it has {', '.join(codes)}", do="leave such rows out with --where"
        )


def look_at(table: Table, models: Sequence[Model], *, camera: str = "") -> tuple[Answers, ...]:
    """Every picture through every model. Raises InputRefused for a label that the model does not have, and for a picture it cannot read."""
    require_known(table, models[0])
    with Progress("looking", len(table.rows)) as progress:
        found = ask(models, table.rows, progress.advance, camera=camera)
    if refused := found[0].refused:
        for line in refused:
            say(f"{table.path.name}, {line}")
        raise InputRefused(f"{table.path.name}: {len(refused)} pictures could not be read", do="mend them or take them out of the table")
    return found
