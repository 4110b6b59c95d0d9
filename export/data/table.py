"""Rows of a label table, cut into train, choice, dev and report by group, so that no lesion or patient stands on two sides.

Groups that share a picture, or that the recipe's [data.duplicates] joins, are one group.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from calibration.confidence.cases import CONFORMAL, bucket
from edge.errors import InputRefused
from edge.labels.text import read_cells
from export.data.clusters import Clusters
from export.data.folder import rows_of_folder
from export.data.shots import Shot
from export.recipe import Data, Duplicates

__all__ = ["UNLABELLED", "Cells", "Row", "Side", "Split", "read_cells_of", "read_rows", "select", "split"]

CHOICE_SHARE = 10  # one group in ten of train is kept for choices
UNLABELLED = -100  # label of a frame that only the teacher speaks of; what torch's cross_entropy leaves out


class Side(StrEnum):
    TRAIN = "train"
    CHOICE = "choice"
    FIT = "fit"  # half of dev: temperature, bias, scope threshold
    CONFORMAL = "conformal"  # the other half of dev: prediction sets
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Row:
    """image: absolute path. label: index into the recipe's labels. group: lesion or patient, or the cluster of several.

    frame: of a DICOM cine or a clip, from 0; -1: the file is one picture. name: of the file, as the table writes it.
    """

    image: Path
    label: int
    group: str
    side: Side
    frame: int = -1
    name: str = ""

    @property
    def shot(self) -> Shot:
        return Shot(self.image, self.frame)


@dataclass(frozen=True, slots=True)
class Split:
    """joined: groups that stand in a cluster with others. set_aside: rows left out, since their cluster is on a more guarded side."""

    rows: tuple[Row, ...]
    joined: int
    set_aside: int


Cells = tuple[int, dict[str, str]]  # line of the file, cell by column


def read_cells_of(path: Path, wanted: Iterable[str]) -> list[Cells]:
    """The rows of a CSV that has these columns. Raises InputRefused for what is no such table."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputRefused(f"{path}: {error.strerror}", do="name the folder of the data sets with --data") from error
    wanted = tuple(wanted)
    (_, heading), *rows = read_cells(data, str(path), wanted[0])
    missing = [name for name in wanted if name not in heading]
    if missing:
        raise InputRefused(f"{path}: no column {', '.join(missing)}", do="name the columns in the recipe's [data]")
    for number, row in rows:
        if len(row) > len(heading) and any(row[len(heading) :]):
            raise InputRefused(f"{path}, row {number}: {len(row)} cells under {len(heading)} headings", do="quote the cell with the comma")
    return [(number, dict(zip(heading, [*row, *[""] * len(heading)], strict=False))) for number, row in rows]


def frame_of(cells: dict[str, str], path: Path, number: int) -> int:
    """The cell `frame` as a number from 0, -1 where there is none. Raises InputRefused."""
    cell = cells.get("frame", "")
    if cell and not cell.isdecimal():
        raise InputRefused(f"{path}, row {number}: frame {cell!r} is no number", do="count frames from 0, or leave the cell empty")
    return int(cell) if cell else -1


GUARD = {Side.REPORT: 2, Side.FIT: 1, Side.CONFORMAL: 1, Side.CHOICE: 0, Side.TRAIN: 0}


def _side(fold: str, group: str, data: Data) -> Side | None:
    if fold in data.train_folds:
        return Side.CHOICE if bucket(group, data.seed, CHOICE_SHARE) == 0 else Side.TRAIN
    if fold in data.dev_folds:
        return Side.CONFORMAL if bucket(group, data.seed, 2) == CONFORMAL else Side.FIT
    return Side.REPORT if fold in data.report_folds else None


@dataclass(frozen=True, slots=True)
class _Raw:
    """A row before its side is known."""

    number: int
    name: str
    shot: Shot
    label: str
    group: str
    fold: str
    cluster: str


def _raw_rows(data: Data, duplicates: Duplicates, path: Path) -> list[_Raw]:
    if path.is_dir():
        found = enumerate(rows_of_folder(path), start=1)
        return [_Raw(i, f.shot.file.relative_to(path).as_posix(), f.shot, f.label, f.group, f.fold, "") for i, f in found]
    wanted = ["image", data.label_column, data.group_column, data.fold_column, *([duplicates.column] if duplicates.column else [])]
    out = []
    for number, cells in read_cells_of(path, wanted):
        shot = Shot(path.parent / cells["image"], frame_of(cells, path, number))
        cluster = cells.get(duplicates.column, "") if duplicates.column else ""
        row = _Raw(number, cells["image"], shot, cells[data.label_column], cells[data.group_column], cells[data.fold_column], cluster)
        if not row.group:
            raise InputRefused(f"{path}, row {number}: no {data.group_column}", do="say whose picture it is, or nothing guards the split")
        out.append(row)
    return out


def _clusters(raw: list[_Raw], duplicates: Duplicates, root: Path) -> Clusters:
    clusters, alike = Clusters(), defaultdict[tuple[str, object], set[str]](set)
    for row in raw:
        alike["the same file", row.shot].add(row.group)
        if row.cluster:
            alike["cluster", row.cluster].add(row.group)
    for groups in alike.values():
        clusters.join(groups)
    if duplicates.pairs:
        group_of = {row.name: row.group for row in raw}
        for number, cells in read_cells_of(root / duplicates.pairs, ("a", "b")):
            unknown = [name for name in (cells["a"], cells["b"]) if name not in group_of]
            if unknown:
                raise InputRefused(f"{root / duplicates.pairs}, row {number}: no picture {unknown[0]}", do="name pictures as the labels do")
            clusters.join((group_of[cells["a"]], group_of[cells["b"]]))
    return clusters


def split(data: Data, codes: tuple[str, ...], root: Path) -> Split:
    """All rows that have a side. Raises InputRefused for a table, picture or label that cannot be used, and for a leak."""
    path, duplicates = root / data.labels, data.duplicates or Duplicates()
    raw = _raw_rows(data, duplicates, path)
    clusters, rows, names = _clusters(raw, duplicates, root), [], defaultdict[str, set[str]](set)
    labels: dict[Shot, str] = {}
    for one in raw:
        group = clusters.root(one.group)
        side = _side(one.fold, group, data)
        if side is None:
            continue
        if one.label not in codes:
            raise InputRefused(f"{path}, row {one.number}: label {one.label!r} is not in the recipe", do="add it to [[labels]]")
        if labels.setdefault(one.shot, one.label) != one.label:
            raise InputRefused(f"{path}, row {one.number}: {one.name} is {one.label} and {labels[one.shot]}", do="keep the right row")
        names[group].add(one.group)
        rows.append(Row(one.shot.file, codes.index(one.label), group, side, one.shot.frame, one.name))
    kept = _on_one_side(rows, names, duplicates, path)
    gone = [row.image for row in kept if not row.image.is_file()]
    if gone:
        raise InputRefused(f"{path}: {len(gone)} pictures are not there, first {gone[0].name}", do="complete the data set")
    return Split(tuple(kept), sum(len(members) for members in names.values() if len(members) > 1), len(rows) - len(kept))


def read_rows(data: Data, codes: tuple[str, ...], root: Path) -> tuple[Row, ...]:
    """The rows of `split`."""
    return split(data, codes, root).rows


def _on_one_side(rows: list[Row], names: dict[str, set[str]], duplicates: Duplicates, path: Path) -> list[Row]:
    """Raises InputRefused for a group on two sides, unless its rows on the less guarded ones are to be set aside."""
    sides = defaultdict[str, set[Side]](set)
    for row in rows:
        sides[row.group].add(row.side)
    leaks = sorted(group for group, where in sides.items() if len(where) > 1)
    if leaks and duplicates.across == "refuse":
        first = " = ".join(sorted(names[leaks[0]])[:3])
        raise InputRefused(
            f"{path}: {len(leaks)} groups stand on two sides of the split, first {first}",
            do='split by group, or set data.duplicates.across to "set aside"',
        )
    guard = {group: max(GUARD[side] for side in where) for group, where in sides.items()}
    return [row for row in rows if GUARD[row.side] == guard[row.group]]


def select(rows: tuple[Row, ...], *sides: Side) -> tuple[Row, ...]:
    return tuple(row for row in rows if row.side in sides)
