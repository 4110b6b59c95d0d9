"""What lies on the disk about a run: its curves, its label table's columns, what was measured elsewhere."""

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from edge.errors import InputRefused, UsageError
from export.card import PairFigures
from export.data.table import Row, Side, select
from export.report.facts import Curve, CurvePoint, Layer, Subgroups, Timed

__all__ = ["USUAL_SUBGROUPS", "counts_of", "figures_of_card", "read_curves", "read_latency", "read_layers", "subgroups_of"]

USUAL_SUBGROUPS = ("age", "sex", "localization", "site", "device", "birads")
T = TypeVar("T")
AGES = (40, 60)  # bands: below, between, from
CARD_ROW = re.compile(r"^\| (\S+) \| (\S+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \(([\d.]+)\) \| ([\d.]+) \|$", re.MULTILINE)


class _Point(msgspec.Struct):
    epoch: int
    loss: float
    balanced_accuracy: float


class _Effect(msgspec.Struct):
    layer: str
    kl: float


class _Latency(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    latency_ms: float
    balanced_accuracy: float
    side: str
    n: int


def read_curves(run: Path) -> tuple[Curve, ...]:
    """Every curve.jsonl below a run's folder. A last line that a kill cut off is left out, any other damage raises InputRefused."""
    return tuple(_curve(path, run) for path in sorted(run.rglob("curve.jsonl")))


def _curve(path: Path, run: Path) -> Curve:
    lines = path.read_bytes().splitlines(keepends=True)
    points: dict[int, CurvePoint] = {}
    for number, line in enumerate(lines, start=1):
        try:
            found = msgspec.json.decode(line, type=_Point)
        except msgspec.DecodeError as error:
            if number == len(lines) and not line.endswith(b"\n"):
                break
            raise InputRefused(f"{path}, line {number}: {error}", do="move the file away, or train again") from error
        points[found.epoch] = CurvePoint(found.epoch, found.loss, found.balanced_accuracy)  # a resumed epoch counts once, as it ended
    name = path.parent.relative_to(run).as_posix()
    return Curve("student" if name == "." else name, tuple(points[epoch] for epoch in sorted(points)))


def counts_of(rows: tuple[Row, ...], k: int) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Pictures of each of k classes, by side."""
    return tuple((str(side), tuple(sum(row.label == c for row in select(rows, side)) for c in range(k))) for side in Side)


def figures_of_card(card: str) -> tuple[PairFigures, ...]:
    """The gate's table of a card that `export.card` wrote; nothing of a card by another hand."""
    return tuple(PairFigures(f, e, int(n), *map(float, values)) for f, e, n, *values in CARD_ROW.findall(card))


def subgroups_of(table: Path, rows: Sequence[Row], columns: Sequence[str]) -> tuple[Subgroups, ...]:
    """Values of the columns for each row; without columns, the usual ones that the table has. Ages become three bands."""
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        there = reader.fieldnames or ()
        cells = {table.parent / line["image"]: line for line in reader}
    for column in columns:
        if column not in there:
            raise UsageError(f"{table.name} has no column '{column}'", do=f"choose of: {', '.join(there)}")
    chosen = columns or [column for column in USUAL_SUBGROUPS if column in there]
    return tuple(Subgroups(c, tuple(_value(c, (cells[row.image][c] or "").strip()) for row in rows)) for c in chosen)


def _value(column: str, cell: str) -> str:
    if column != "age" or not cell:
        return cell
    try:
        age = float(cell)
    except ValueError:
        return cell
    young, old = AGES
    return f"below {young}" if age < young else f"{young} to {old - 1}" if age < old else f"{old} and above"


def read_layers(path: Path) -> tuple[Layer, ...]:
    """The file that the sensitivity scan writes: a list of objects with `layer` and `kl`, nats."""
    return tuple(Layer(effect.layer, effect.kl) for effect in _read(path, list[_Effect]))


def read_latency(path: Path) -> tuple[Timed, ...]:
    """A list of {name, latency_ms, balanced_accuracy, side, n}."""
    return tuple(Timed(t.name, t.latency_ms, t.balanced_accuracy, t.side, t.n) for t in _read(path, list[_Latency]))


def _read(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.convert(json.loads(path.read_bytes()), kind)
    except OSError as error:
        raise InputRefused(f"{path}: {error.strerror}", do="name the file, or leave the option out") from error
    except (ValueError, RecursionError) as error:
        raise InputRefused(f"{path}: {error}", do="see docs/export-report.md for its form") from error
