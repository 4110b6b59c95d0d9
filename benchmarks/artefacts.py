"""What a hair, a ruler, a measuring cross changes in a model's answers: every picture of a set, every artefact alone, seeded.

    python -m benchmarks.artefacts MODEL [--data DIR] [--set NAME] [--where split=val] [--severity 2] [--form u8s8] [--json FILE]
    python -m benchmarks.artefacts MODEL --sheet FILE.png

The artefact is painted on the source picture, before anything is prepared, so that field detection and the quality gate see it;
the model is asked whatever its state. Severity 1, 2, 3 is a strength of 1/3, 2/3, 1. Calipers and words are pasted on benign and
malignant alike. Without --where the dev fold is read; anything else is a report set, and each opening is a line in
docs/openings.md. Exit code 1 when a promise is missed: at severity 2 each artefact flips at most 6 % of the labels and
moves the AUC by at most 2 points. --sheet only draws a rendered phantom under each artefact; no data is opened.
"""

import argparse
import json
import sys
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

import edge
from benchmarks.artefacts_change import Answers, Change, Truth, change, mean_change
from benchmarks.artefacts_sheet import draw_sheet
from edge.bench.accuracy import Figure
from edge.bundle.open import resolve_model
from edge.bundle.trust import load_trust
from edge.errors import InputRefused, SonodermError, UsageError
from edge.labels import LabelRow, Where, parse_where, read_labels, require_clean
from edge.reading import Reading, State
from edge.sources.picture import read_picture
from export.distil.artefacts import Kind, artefacts_of, painted

FLIPS_LIMIT, AUC_LIMIT = 0.06, 0.02  # at severity 2
ALL = "mean of all"


@dataclass(frozen=True, slots=True)
class Set:
    """dev: rows that may be looked at while something is chosen. always: rows that a figure may be made of at all."""

    table: str
    kind: Kind
    group: str
    dev: Where
    always: Where = ()


SETS = {
    "isic2018": Set("isic2018/labels.csv", "skin", "lesion_id", (("fold", "1"),)),
    "busbra": Set("busbra/labels.csv", "ultrasound", "patient", (("fold", "5"),)),
    "busi": Set("busi/labels.csv", "ultrasound", "cluster", (), (("cluster_label_conflict", "0"),)),
}
SET_OF: dict[Kind, str] = {"skin": "isic2018", "ultrasound": "busbra"}
KIND_OF: dict[str, Kind] = {"dermoscopy": "skin", "ultrasound": "ultrasound"}


@dataclass(frozen=True, slots=True)
class Row:
    artefact: str
    change: Change

    @property
    def missed(self) -> bool:
        flips, auc = self.change.flips.value, self.change.auc.value
        return (flips or 0.0) > FLIPS_LIMIT or abs(auc or 0.0) > AUC_LIMIT


def _answers(readings: Sequence[Reading]) -> Answers:
    return Answers(np.array([[p for _, p in each.probabilities] for each in readings]), tuple(each.state for each in readings))


def measure(model: edge.Model, rows: Sequence[LabelRow], kind: Kind, strength: float, seed: int, console: Console) -> list[Row]:
    """rows: at least one. The mean over all artefacts comes last."""
    artefacts = artefacts_of(kind)
    clean: list[Reading] = []
    under: list[list[Reading]] = [[] for _ in artefacts]
    for row in track(rows, model.identity.name, console=console, transient=True):
        pixels, at = read_picture(row.image), (seed, zlib.crc32(row.name.encode()))
        clean.append(model.classify(pixels))
        for readings, artefact in zip(under, artefacts, strict=True):
            readings.append(model.classify(painted(pixels, kind, artefact, strength, at)))
    if clean[0].state is State.FAULT:
        raise InputRefused(f"{model.identity.name}: {clean[0].reason}", do=clean[0].do or "sonoderm check")
    groups = [row.group or f"row {row.row}" for row in rows]
    truth = Truth(
        np.array([model.codes.index(row.label) for row in rows], np.int64),
        np.unique(groups, return_inverse=True)[1].astype(np.int64),
        len(model.codes),
    )
    first, others = _answers(clean), [_answers(readings) for readings in under]
    out = [Row(artefact.name, change(truth, first, other)) for artefact, other in zip(artefacts, others, strict=True)]
    return [*out, Row(ALL, mean_change(truth, first, others))]


def _rows(name: str, data: Path, where: Sequence[str], every: int, codes: Sequence[str]) -> tuple[list[LabelRow], Where]:
    """Rows whose label the model has: a normal breast is no case of benign or malignant."""
    chosen = SETS[name]
    keep = parse_where(where) or chosen.dev
    table = read_labels(data / chosen.table, where=(*keep, *chosen.always), group=chosen.group)
    require_clean(table)
    rows = [row for row in table.rows if row.label in codes][::every]
    if not rows:
        raise InputRefused(f"{table.path}: no row has a label of the model: {', '.join(codes)}", do="choose another --set")
    if keep != chosen.dev or not keep:
        print("a report set is opened: add a line to docs/openings.md", file=sys.stderr)
    return rows, keep


def _percent(figure: Figure, *, signed: bool = False) -> str:
    if figure.value is None:
        return "-"
    sign = "+" if signed else ""
    low_high = "" if figure.ci95 is None else f" ({figure.ci95[0] * 100:{sign}.1f} to {figure.ci95[1] * 100:{sign}.1f})"
    return f"{figure.value * 100:{sign}.1f}{low_high}"


def _show(rows: Sequence[Row], promised: bool, console: Console) -> None:
    table = Table(
        "artefact", "label flips %", "shown labels that flip %", "AUC, pp", "balanced accuracy, pp", "turn POOR", "turn OUT", "", box=None
    )
    for row in rows:
        it = row.change
        figures = (_percent(it.flips), _percent(it.shown_flips), _percent(it.auc, signed=True), _percent(it.balanced_accuracy, signed=True))
        table.add_row(row.artefact, *figures, str(it.poor), str(it.out_of_scope), "MISSED" if promised and row.missed else "")
    console.print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument(
        "--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data", help="folder of the data sets"
    )
    parser.add_argument("--set", choices=sorted(SETS), help="by default the set that the model's modality was trained on")
    parser.add_argument("--where", action="append", default=[], metavar="COLUMN=VALUE", help="rows of the set; by default the dev fold")
    parser.add_argument("--severity", type=int, choices=(1, 2, 3), default=2)
    parser.add_argument("--engine")
    parser.add_argument("--form")
    parser.add_argument("--every", type=int, default=1, help="every n-th picture only")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the table here")
    parser.add_argument("--sheet", type=Path, metavar="FILE.png", help="draw a phantom under each artefact here, and measure nothing")
    return parser


def run(given: argparse.Namespace, console: Console) -> int:
    trust = load_trust(None)
    bundle = resolve_model(given.model, trust)
    if bundle.manifest.modality not in KIND_OF:
        raise UsageError(f"{bundle.manifest.name} is for {bundle.manifest.modality} pictures", do="name a model for skin or ultrasound")
    kind, strength = KIND_OF[bundle.manifest.modality], given.severity / 3
    if given.sheet:
        draw_sheet(kind, strength, given.seed, given.sheet)
        return 0
    name = given.set or SET_OF[kind]
    if SETS[name].kind != kind:
        raise UsageError(f"{name} has no pictures for {bundle.manifest.name}", do=f"--set {SET_OF[kind]}")
    codes = [label.code for label in bundle.manifest.labels]
    pictures, where = _rows(name, given.data, given.where, max(1, given.every), codes)
    with edge.open_model(bundle, trust, engine=given.engine, form=given.form) as model:
        rows, identity = measure(model, pictures, kind, strength, given.seed, console), model.identity
    groups = len({row.group or f"row {row.row}" for row in pictures})
    what = f"{name} {' '.join(f'{column}={value}' for column, value in where)}".strip()
    head = f"{identity.name} {identity.version} ({identity.form} on {identity.engine}), {what}: {len(pictures)} pictures, "
    print(f"{head}{groups} groups by {SETS[name].group}, severity {given.severity}, seed {given.seed}")
    promised = given.severity == 2
    _show(rows, promised, Console(width=180))
    if given.json:
        about = {"v": 1, "model": asdict(identity), "set": what, "n": len(pictures), "n_groups": groups, "group": SETS[name].group}
        result = about | {"severity": given.severity, "seed": given.seed, "rows": [asdict(row) for row in rows]}
        given.json.write_text(json.dumps(result, indent=1) + "\n")
    return int(promised and any(row.missed for row in rows))


def main(words: Sequence[str] | None = None) -> int:
    """words: of the command line, by default this process's own."""
    try:
        return run(_parser().parse_args(words), Console(stderr=True))
    except SonodermError as error:
        print(error.line(), file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
