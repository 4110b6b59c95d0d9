"""Both sides of the quality gate: how many good pictures it refuses, and how many severe degradations it names rightly.

    python -m benchmarks.quality_gate [--set train|dev|report] [--every N] [--seed 1] [--data DIR] [--json FILE]

The way of a picture is the one that runs live: prepare() and assess(), a still without a past. `report` opens the report folds
(isic2018 fold 0, busbra fold 4): each opening is a line in docs/openings.md. Exit code 1 when a promise is missed.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.random import Generator
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.degrade import KINDS, sensor_noise
from benchmarks.quality_sets import DERM, US, QualitySet, pictures
from edge.bundle.manifest import InputSpec
from edge.errors import SonodermError
from edge.frame import U8
from edge.preprocess.prepare import prepare
from edge.quality import assess
from edge.reading import Reason
from edge.sources.tremor import hold, move

GOOD_LIMIT = 0.02  # of the good pictures may be refused
SPECS = {
    "isic2018": InputSpec(width_px=192, height_px=144, fit="crop", field="dermatoscope"),
    "busbra": InputSpec(width_px=208, height_px=208, fit="letterbox", field="ultrasound"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """reason: the only right answer; None: the picture is good. promise: share of right answers that must be reached."""

    name: str
    reason: Reason | None
    promise: float | None
    make: Callable[[U8, bool, Generator], U8]


@dataclass(frozen=True, slots=True)
class Row:
    """answers: (reason or "good", n), most frequent first. low, high: 95 % interval of the share that was right (Wilson)."""

    data: str
    case: str
    n: int
    right: float
    low: float
    high: float
    promise: float | None
    answers: tuple[tuple[str, int], ...]

    @property
    def missed(self) -> bool:
        return self.promise is not None and self.right < self.promise


def _held(pixels: U8, _: bool, rng: Generator) -> U8:
    """As `dir:...?motion=tremor` shows it: a hand over the picture, and the noise of a camera."""
    height, width = pixels.shape[:2]
    moved = move(pixels, hold(int(rng.integers(1_000_000))).pose(rng.uniform(0, 60)), width_px=width, height_px=height, inset=1.1)
    return sensor_noise(moved, 1.5, rng)


CASES = (
    Case("good", None, 1 - GOOD_LIMIT, lambda pixels, *_: pixels),
    Case("good, held by a hand", None, None, _held),
    *(Case(kind.name, kind.reason, kind.target, kind.apply) for kind in KINDS),
)


def wilson(right: int, n: int) -> tuple[float, float]:
    """95 % interval of a share. Wilson, JASA 1927."""
    z = 1.96
    middle = (right + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * float(np.sqrt(right * (n - right) / n + z * z / 4))
    return max(0.0, middle - half), min(1.0, middle + half)


def judge(pixels: U8, spec: InputSpec) -> Reason | None:
    prepared = prepare(pixels, spec)
    return assess(prepared.small, prepared.field)


def measure(source: QualitySet, folds: tuple[str, ...], data: Path, seed: int, every: int, console: Console) -> list[Row]:
    spec = SPECS[source.folder]
    answers: list[Counter[Reason | None]] = [Counter() for _ in CASES]
    many = list(islice(pictures(source, folds, data), 0, None, every))
    for index, pixels in enumerate(track(many, source.folder, console=console, transient=True)):
        for number, case in enumerate(CASES):
            rng = np.random.default_rng((seed, index, number))
            answers[number][judge(case.make(pixels, source.detector == "ultrasound", rng), spec)] += 1
    rows = []
    for case, found in zip(CASES, answers, strict=True):
        right = found[case.reason]
        named = tuple((str(reason or "good"), n) for reason, n in found.most_common())
        rows.append(Row(source.folder, case.name, len(many), right / len(many), *wilson(right, len(many)), case.promise, named))
    return rows


def _show(rows: list[Row], console: Console) -> None:
    table = Table("data", "case", "n", "right", "95 %", "promise", "all answers", box=None)
    for row in rows:
        interval = f"{row.low * 100:.1f}-{row.high * 100:.1f}"
        promise = "-" if row.promise is None else f"{'MISSED' if row.missed else 'kept'} ({row.promise * 100:g} %)"
        said = ", ".join(f"{reason} {n}" for reason, n in row.answers)
        table.add_row(row.data, row.case, str(row.n), f"{row.right * 100:.2f} %", interval, promise, said)
    console.print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", dest="part", choices=["train", "dev", "report"], default="dev")
    parser.add_argument("--every", type=int, default=1, help="every n-th picture only")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--json", type=Path, help="write the table here")
    arguments = parser.parse_args()
    rows: list[Row] = []
    try:
        for source in (DERM, US):
            folds = {"train": source.train_folds, "dev": source.dev_folds, "report": source.report_folds}[arguments.part]
            rows += measure(source, folds, arguments.data, arguments.seed, max(1, arguments.every), Console(stderr=True))
    except SonodermError as error:
        print(error.line(), file=sys.stderr)
        return error.exit_code
    _show(rows, Console(width=180))
    if arguments.json:
        table = [{name: getattr(row, name) for name in Row.__slots__} for row in rows]
        arguments.json.write_text(json.dumps({"v": 1, "set": arguments.part, "seed": arguments.seed, "rows": table}, indent=1) + "\n")
    return int(any(row.missed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
