"""What lies on the disk about a run: its curves, its label table's columns, what was measured elsewhere."""

import json
from pathlib import Path
from typing import TypeVar

import msgspec

from edge.errors import InputRefused
from export.data.table import Row, Side, select
from export.report.facts import Curve, CurvePoint, Layer, Timed

__all__ = ["counts_of", "read_curves", "read_latency", "read_layers"]

T = TypeVar("T")


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
