"""Rows of a label table, cut into train, choice, dev and report by group, so that no lesion or patient stands on two sides."""

import csv
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from edge.errors import InputRefused
from export.recipe import Data

__all__ = ["Row", "Side", "read_rows", "select"]

CHOICE_SHARE = 10  # one group in ten of train is kept for choices


class Side(StrEnum):
    TRAIN = "train"
    CHOICE = "choice"
    FIT = "fit"  # half of dev: temperature, bias, scope threshold
    CONFORMAL = "conformal"  # the other half of dev: prediction sets
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Row:
    """image: absolute path. label: index into the recipe's labels. group: lesion or patient."""

    image: Path
    label: int
    group: str
    side: Side


def _bucket(group: str, seed: int, buckets: int) -> int:
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % buckets


def _side(row: dict[str, str], data: Data) -> Side | None:
    fold, group = row[data.fold_column], row[data.group_column]
    if fold in data.train_folds:
        return Side.CHOICE if _bucket(group, data.seed, CHOICE_SHARE) == 0 else Side.TRAIN
    if fold in data.dev_folds:
        return Side.CONFORMAL if _bucket(group, data.seed, 2) else Side.FIT
    return Side.REPORT if fold in data.report_folds else None


def read_rows(data: Data, codes: tuple[str, ...], root: Path) -> tuple[Row, ...]:
    """All rows that have a side. Raises InputRefused for a missing table, column, picture, an unknown label or a group on two sides."""
    path = root / data.labels
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            wanted = ("image", data.label_column, data.group_column, data.fold_column)
            missing = [name for name in wanted if name not in (reader.fieldnames or ())]
            if missing:
                raise InputRefused(f"{path}: no column {', '.join(missing)}", do="name the columns in the recipe's [data]")
            raw = list(reader)
    except OSError as error:
        raise InputRefused(f"{path}: {error.strerror}", do="name the folder of the data sets with --data") from error
    rows = []
    for number, row in enumerate(raw, start=2):
        side = _side(row, data)
        if side is None:
            continue
        if row[data.label_column] not in codes:
            raise InputRefused(f"{path}, row {number}: label {row[data.label_column]!r} is not in the recipe", do="add it to [[labels]]")
        rows.append(Row(path.parent / row["image"], codes.index(row[data.label_column]), row[data.group_column], side))
    _refuse_leaks(rows, path)
    gone = [row.image for row in rows if not row.image.is_file()]
    if gone:
        raise InputRefused(f"{path}: {len(gone)} pictures are not there, first {gone[0].name}", do="complete the data set")
    return tuple(rows)


def _refuse_leaks(rows: list[Row], path: Path) -> None:
    sides: dict[str, set[Side]] = {}
    for row in rows:
        sides.setdefault(row.group, set()).add(row.side)
    leaks = sorted(group for group, where in sides.items() if len(where) > 1)
    if leaks:
        raise InputRefused(f"{path}: {len(leaks)} groups stand on two sides of the split, first {leaks[0]}", do="split by group")


def select(rows: tuple[Row, ...], *sides: Side) -> tuple[Row, ...]:
    return tuple(row for row in rows if row.side in sides)
