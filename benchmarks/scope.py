"""How often a model says READY on pictures that are none of its business, and on its own: one row per set, n stated.

    python benchmarks/scope.py derm7 --data ../shared/data
    python benchmarks/scope.py breast-us --data ../shared/data --json

The sets named "report" are opened here and nowhere else (docs/openings.md). Rendered rows use seeds that export never uses.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import edge
from edge.frame import U8
from edge.sources.phantom_still import LABELS, render_still
from edge.sources.picture import read_picture
from edge.sources.table import open_source

SEED = 900_000
N_RENDERED = 60
N_OTHER_MODALITY = 365


@dataclass(frozen=True, slots=True)
class Row:
    set: str
    n: int
    ready: float
    states: dict[str, int]


def _listed(table: Path, keep: dict[str, str]) -> Iterator[U8]:
    with table.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if all(row[column] == value for column, value in keep.items()):
                yield read_picture(table.parent / row["image"])


def _sampled(pictures: Iterator[U8], every: int) -> Iterator[U8]:
    return (picture for i, picture in enumerate(pictures) if i % every == 0)


def _phantoms() -> Iterator[U8]:
    for i in range(N_RENDERED):
        yield render_still(LABELS[i % len(LABELS)], SEED + i)


def _noise() -> Iterator[U8]:
    for i in range(N_RENDERED):
        rng = np.random.default_rng(SEED + i)
        if i % 3 == 0:
            yield rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)
        elif i % 3 == 1:
            grey = np.clip(rng.normal(120, 50, (480, 640, 1)), 0, 255).astype(np.uint8)
            yield np.repeat(grey, 3, 2)
        else:
            level = int(rng.integers(30, 220))
            yield np.clip(level + rng.normal(0, 4, (480, 640, 3)), 0, 255).astype(np.uint8)


def _frames(folder: Path, pattern: str, every: int) -> Iterator[U8]:
    for path in sorted(folder.glob(pattern)):
        with open_source(str(path)) as source:
            for frame in source:
                if frame.index % every == 0:
                    yield frame.pixels


def sets_for(model: str, data: Path) -> Iterator[tuple[str, Iterator[U8]]]:
    val = _listed(data / "isic2018/labels.csv", {"split": "val"})
    fold4 = _listed(data / "busbra/labels.csv", {"fold": "4"})
    if model == "derm7":
        yield "own: isic2018 val (report)", val
        yield "other modality: busbra fold 4 (report)", fold4
    else:
        yield "own: busbra fold 4 (report)", fold4
        yield "other modality: isic2018 val, every 5th (report)", _sampled(val, 5)
        yield "BUSI lesions (report)", (p for label in ("benign", "malignant") for p in _listed(data / "busi/labels.csv", {"label": label}))
        yield "BUSI normal (report)", _listed(data / "busi/labels.csv", {"label": "normal"})
    yield "rendered phantoms", _phantoms()
    yield "natural photographs and screens (report)", _listed(data / "natural/labels.csv", {})
    yield "noise", _noise()
    yield "other ultrasound (report)", _listed(data / "other_us/labels.csv", {})
    yield "covid_blues clips, every 10th frame (report)", _frames(data / "covid_blues/clips", "*.mp4", 10)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--engine")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    model = edge.open_model(options.model, engine=options.engine)
    rows = []
    for name, pictures in sets_for(options.model, options.data):
        states = Counter(str(model.classify(picture).state) for picture in pictures)
        n = sum(states.values())
        rows.append(Row(name, n, states["READY"] / max(1, n), dict(states.most_common())))
        print(f"{name:50} n {n:5}  READY {rows[-1].ready:6.1%}  {rows[-1].states}", file=sys.stderr)
    if options.json:
        print(json.dumps({"model": options.model, "engine": model.identity.engine, "rows": [asdict(row) for row in rows]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
