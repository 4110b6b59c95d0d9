"""A label table: `image` and `label`, further columns kept for groups and subgroups; and what is wrong with it, with row numbers.

Nothing is silently left out: a row that is not used stands in a `Trouble`, and `require_clean` stops on those that would
make figures wrong unless the caller allowed them by name. Row numbers are lines of the file (the heading is line 1).
"""

import os
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from edge.bundle.onefile import read_once
from edge.errors import InputRefused, MachineLacks, UsageError
from edge.labels.text import MAX_TABLE_B, read_cells

__all__ = ["LabelRow", "LabelTable", "Trouble", "TroubleKind", "Where", "parse_where", "read_labels", "require_clean"]

Where = tuple[tuple[str, str], ...]  # (column, value); columns are joined by AND, several values of one column by OR


class TroubleKind(StrEnum):
    """What can be wrong with a table. The first three stop an evaluation unless they are allowed by name."""

    CONFLICT = "one image under several labels"
    MISSING = "image file not there"
    AMBIGUOUS = "name without extension fits several files"
    DUPLICATE = "image listed twice with the same label, counted once"
    COPY = "byte-identical copies under other names"
    COPY_OTHER_LABEL = "byte-identical copies under another label"
    UNLISTED = "pictures in the listed folders that the table does not name"
    NO_GROUP = "no group given, counted as a group of its own"


STOPPING = (TroubleKind.CONFLICT, TroubleKind.MISSING, TroubleKind.AMBIGUOUS)


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One picture with its label. row: line in the file. name: the image as written. group: None when the table gives none."""

    image: Path
    label: str
    group: str | None
    extras: tuple[tuple[str, str], ...]
    row: int
    name: str

    def extra(self, column: str) -> str:
        """The cell of a further column. Raises KeyError for a column that the table does not have."""
        return dict(self.extras)[column]


@dataclass(frozen=True, slots=True)
class Trouble:
    """n cases of one kind. rows: lines of the file (empty where a trouble has none). example: the first case, for people."""

    kind: TroubleKind
    n: int
    rows: tuple[int, ...]
    example: str

    def line(self) -> str:
        rows = ", ".join(map(str, self.rows[:12])) + (", …" if len(self.rows) > 12 else "")
        return f"{self.n} x {self.kind.value}: {self.example}" + (f" (rows {rows})" if rows else "")


@dataclass(frozen=True, slots=True)
class LabelTable:
    """rows: usable ones, in the order of the file, each image once. listed: every image that the file names, filtered or not."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[LabelRow, ...]
    troubles: tuple[Trouble, ...]
    listed: frozenset[Path]
    n_read: int  # rows of the file, the heading left out, before `where`
    n_chosen: int  # rows that `where` left

    def labels(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row.label for row in self.rows))


def parse_where(texts: Iterable[str]) -> Where:
    """('split=val', …) -> ((column, value), …). Raises UsageError for a text without '=' or without a column."""
    pairs = []
    for text in texts:
        column, equals, value = text.partition("=")
        if not equals or not column.strip():
            raise UsageError(f"'{text}' is no filter", do="write COLUMN=VALUE, such as split=val")
        pairs.append((column.strip(), value.strip()))
    return tuple(pairs)


def read_labels(
    path: Path, *, image_root: Path | None = None, where: Where = (), group: str | None = None, need_label: bool = True
) -> LabelTable:
    """Reads a table. Images are found from `image_root`, by default the folder of the table; absolute names and '..' are followed.

    where: see `Where`. group: the column whose value says whose picture it is. need_label: False for tables that only list pictures
    (the label is then ''). A name without extension is resolved to the one picture that has it.
    Raises InputRefused for a table that cannot be read, UsageError for a column of `where` or `group` that it does not have.
    """
    cells = read_cells(_bytes_of(path), path.name, "image")
    _, heading = next(cells)
    columns = tuple(heading)
    _check_heading(path.name, columns, need_label)
    for what, column in [*(("--where", column) for column, _ in where), *([("--group", group)] if group else [])]:
        if column not in columns:
            raise UsageError(f"{path.name} has no column '{column}' ({what})", do=f"choose one of: {', '.join(filter(None, columns))}")
    root = image_root if image_root is not None else path.parent
    if not os.path.isdir(root):  # unlike Path.is_dir, False where a name is too long
        raise UsageError(f"{root} is no folder", do="give the folder that the image column starts from: --image-root DIR")
    wanted: dict[str, set[str]] = {}
    for column, value in where:
        wanted.setdefault(column, set()).add(value)
    found = _Found()
    chosen: list[LabelRow] = []
    listed: set[Path] = set()
    n_read = 0
    for number, row in cells:
        n_read += 1
        if len(row) > len(columns) and any(row[len(columns) :]):
            raise InputRefused(
                f"{path.name}, line {number} has {len(row)} cells under {len(columns)} headings",
                do="quote the cell that holds the delimiter",
            )
        given = dict(zip(columns, [*row, *[""] * len(columns)], strict=False))
        name = given["image"]
        if not name:
            raise InputRefused(f"{path.name}, line {number} names no image", do="fill the column image, or delete the row")
        place, trouble = _resolve(root, name)
        listed.add(place)
        if not all(given[column] in values for column, values in wanted.items()):
            continue
        label = given.get("label", "")
        if need_label and not label:
            raise InputRefused(
                f"{path.name}, line {number} gives no label for {name}", do="fill the column label, or leave such rows out with --where"
            )
        extras = tuple((column, cell) for column, cell in given.items() if column not in {"image", "label"} and column)
        record = LabelRow(place, label, (given[group] or None) if group else None, extras, number, name)
        if group and record.group is None:
            found.add(TroubleKind.NO_GROUP, number, name)
        chosen.append(record)
        if trouble is not None:
            found.add(trouble, number, name)
    rows = tuple(_each_once(chosen, found))
    return LabelTable(path, columns, rows, found.troubles(), frozenset(listed), n_read, len(chosen))


def require_clean(table: LabelTable, allowed: Collection[TroubleKind] = ()) -> None:
    """Raises InputRefused on the first trouble that would make figures wrong and is not in `allowed`; and on a table without rows."""
    do = {
        TroubleKind.CONFLICT: "decide which label is right, or leave these images out: --exclude-conflicts",
        TroubleKind.MISSING: "check --image-root, or go on without them: --allow-missing",
        TroubleKind.AMBIGUOUS: "write the extension into the table, or go on without them: --allow-missing",
    }
    for kind in STOPPING:
        for trouble in table.troubles:
            if trouble.kind is kind and kind not in allowed:
                raise InputRefused(f"{table.path.name}: {trouble.line()}", do=do[kind])
    if not table.rows:
        why = "no row is left by --where" if table.n_read and not table.n_chosen else "no usable row"
        raise InputRefused(f"{table.path.name}: {why} ({table.n_read} rows read)", do="check the filter and the table")


class _Found:
    """Collects troubles by kind while a table is read."""

    def __init__(self) -> None:
        self._rows: dict[TroubleKind, list[int]] = {}
        self._cases: dict[TroubleKind, list[str]] = {}

    def add(self, kind: TroubleKind, row: int | Iterable[int], example: str) -> None:
        self._rows.setdefault(kind, []).extend([row] if isinstance(row, int) else row)
        self._cases.setdefault(kind, []).append(example)

    def troubles(self) -> tuple[Trouble, ...]:
        return tuple(
            Trouble(kind, len(self._cases[kind]), tuple(sorted(set(self._rows[kind]))), self._cases[kind][0])
            for kind in TroubleKind
            if kind in self._cases
        )


def _bytes_of(path: Path) -> bytes:
    """Never waits on a pipe and never reads a device."""
    if os.path.isdir(path):
        raise InputRefused(f"{path} is a folder, not a table", do="give the CSV file in it")
    try:
        data = read_once(path, MAX_TABLE_B)
    except MachineLacks as error:
        raise InputRefused(f"{path} cannot be read ({error.what})", do="check the path and its permissions") from error
    if len(data) > MAX_TABLE_B:
        raise InputRefused(f"{path.name} is larger than a label table can be ({MAX_TABLE_B // 2**20} MB)", do="give the CSV file")
    return data


def _check_heading(name: str, columns: tuple[str, ...], need_label: bool) -> None:
    named = [column for column in columns if column]
    for column in ("image", "label") if need_label else ("image",):
        if column not in columns:
            near = next((other for other in named if other.casefold() == column), None)
            hint = f"rename '{near}' to '{column}'" if near else f"name one of these columns '{column}': {', '.join(named[:12])}"
            raise InputRefused(f"{name} has no column '{column}'", do=hint)
    twice = next((column for column in named if columns.count(column) > 1), None)
    if twice:
        raise InputRefused(f"{name} has two columns '{twice}'", do="rename one of them")


def _resolve(root: Path, name: str) -> tuple[Path, TroubleKind | None]:
    """The file behind a name: as written, in the other Unicode form (macOS writes decomposed names), or with the one extension it has."""
    if "\0" in name:
        return root / name.replace("\0", "\ufffd"), TroubleKind.MISSING
    for form in (name, unicodedata.normalize("NFD", name)):
        place = root / form
        try:
            if place.is_file():
                return place, None
            if not place.suffix and place.parent.is_dir():
                fits = [other for other in _files_of_stem(place)]
                if len(fits) == 1:
                    return fits[0], None
                if fits:
                    return place, TroubleKind.AMBIGUOUS
        except OSError:  # a name longer than the file system takes: not there
            break
    return root / name, TroubleKind.MISSING


def _files_of_stem(place: Path) -> list[Path]:
    literal = "".join(f"[{c}]" if c in "*?[" else c for c in place.name)
    return sorted(other for other in place.parent.glob(f"{literal}.*") if other.stem == place.name and other.is_file())


def _each_once(chosen: list[LabelRow], found: _Found) -> Iterable[LabelRow]:
    """Rows in order, each image once; images under several labels and images that are not there are left out and reported."""
    by_image: dict[Path, list[LabelRow]] = {}
    for row in chosen:
        by_image.setdefault(Path(os.path.realpath(row.image)), []).append(row)
    for rows in by_image.values():
        labels = sorted({row.label for row in rows})
        if len(labels) > 1:
            found.add(TroubleKind.CONFLICT, [row.row for row in rows], f"{rows[0].name} is {' and '.join(labels)}")
            continue
        if len(rows) > 1:
            found.add(TroubleKind.DUPLICATE, [row.row for row in rows], rows[0].name)
        if os.path.isfile(rows[0].image):  # unlike Path.is_file, False where a name is too long or may not be looked at
            yield rows[0]
