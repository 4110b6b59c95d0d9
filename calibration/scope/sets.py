"""Which pictures are shown to which model: its own dev, the other modality's, drawn ones, and those that are for the report alone."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from calibration.confidence.table import drawn_rows
from calibration.scope.compare import Kind
from calibration.scope.rendered import KINDS, doppler, drawn, generator, phantom
from edge.bundle.manifest import Manifest
from edge.cli.inputs import open_file
from edge.errors import InputRefused, UsageError
from edge.frame import U8
from edge.labels import LabelRow, parse_where, read_labels, require_clean
from edge.sources.phantom_still import LABELS, render_still

__all__ = ["OWN_PHANTOMS", "PictureSet", "Shown", "listed", "outside_of", "own_of", "report_only"]

OWN_PHANTOMS = 200
OWN_PHANTOM_SEED = 7_200_000
CLIP_STEP = 10  # frames of a clip are alike: every tenth


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """pixels: (h, w, 3) uint8 RGB. group: lesion, patient, clip or drawing: the unit of every interval."""

    pixels: U8
    group: str


@dataclass(frozen=True, slots=True, eq=False)
class PictureSet:
    """pictures: makes them one by one, each time anew. n: how many, None where only reading tells. belongs: not to be refused."""

    name: str
    kind: Kind
    pictures: Callable[[], Iterator[Shown]]
    n: int | None = None
    belongs: bool = False


@dataclass(frozen=True, slots=True)
class _Dev:
    """Where the dev side of a modality lies in DATA (design §9)."""

    name: str
    table: str
    where: tuple[str, ...]
    group: str
    report: str
    report_where: tuple[str, ...]


DEV = {
    "dermoscopy": _Dev("isic2018 dev", "isic2018/labels.csv", ("split=train", "fold=1"), "lesion_id", "isic2018 val", ("split=val",)),
    "ultrasound": _Dev("busbra dev", "busbra/labels.csv", ("fold=5",), "patient", "busbra fold 4", ("fold=4",)),
}


def listed(table: Path, where: Sequence[str], group: str | None, most: int, seed: int) -> tuple[LabelRow, ...]:
    """Rows of a label table, at most `most` of them, drawn by seed. Raises what `read_labels` and `require_clean` raise."""
    found = read_labels(table, where=parse_where(where), group=group, need_label=False)
    require_clean(found)
    if not found.rows:
        raise InputRefused(f"{table}: no row has {' and '.join(where)}", do="check --data")
    return drawn_rows(found.rows, most, seed)


def of_rows(name: str, kind: Kind, rows: Sequence[LabelRow], *, belongs: bool = False) -> PictureSet:
    """A set of the first frame of each row's file."""
    return PictureSet(name, kind, lambda: (Shown(_first(row.image), row.group or f"row {row.row}") for row in rows), len(rows), belongs)


def _first(path: Path) -> U8:
    with open_file(path) as source:
        for frame in source:
            return frame.pixels
    raise InputRefused(f"{path} holds no picture", do="take it out of the table")


def own_of(manifest: Manifest, data: Path | None, most: int, seed: int) -> PictureSet:
    """The dev side of the model's own pictures. Raises UsageError where DATA has none for it."""
    if manifest.rendered_only:
        n = min(most, OWN_PHANTOMS)
        return PictureSet(
            "rendered phantoms", Kind.OWN, lambda: (Shown(_own_phantom(i), f"drawing {i}") for i in range(n)), n, belongs=True
        )
    dev = DEV.get(manifest.modality)
    if dev is None or data is None or not (data / dev.table).is_file():
        lacking = f"{dev.table} is not in --data" if dev else f"nothing in --data is of modality '{manifest.modality}'"
        raise UsageError(f"{manifest.name}: {lacking}", do="give the model's own dev: --own LABELS.csv --group COLUMN")
    return of_rows(dev.name, Kind.OWN, listed(data / dev.table, dev.where, dev.group, most, seed), belongs=True)


def _own_phantom(i: int) -> U8:
    return render_still(LABELS[i % len(LABELS)], OWN_PHANTOM_SEED + i)


def outside_of(
    manifest: Manifest, data: Path | None, most: int, n_rendered: int, seed: int
) -> tuple[tuple[PictureSet, ...], tuple[str, ...]]:
    """Sets that may choose a method, and a line for each that is lacking. Doppler color is drawn over ultrasound dev pictures."""
    sets, lacking = [], []
    for modality, dev in DEV.items():
        is_there = data is not None and (data / dev.table).is_file()
        if not is_there:
            lacking.append(f"{dev.name} is not in --data: not measured")
        elif modality != manifest.modality and data is not None:
            sets.append(of_rows(dev.name, Kind.DEV, listed(data / dev.table, dev.where, dev.group, most, seed)))
        if is_there and modality == "ultrasound" and n_rendered and data is not None:
            sets.append(_doppler(listed(data / dev.table, dev.where, dev.group, n_rendered, seed)))
    if n_rendered and not manifest.rendered_only:
        sets.append(_drawn("phantoms", phantom, n_rendered))
    for kind, _ in KINDS if n_rendered else ():
        sets.append(_drawn(kind, lambda i, kind=kind: drawn(kind, i), n_rendered))  # type: ignore[misc]
    return tuple(sets), tuple(lacking)


def _drawn(name: str, paint: Callable[[int], U8], n: int) -> PictureSet:
    return PictureSet(name, Kind.RENDERED, lambda: (Shown(paint(i), f"drawing {i}") for i in range(n)), n)


def _doppler(rows: tuple[LabelRow, ...]) -> PictureSet:
    def pictures() -> Iterator[Shown]:
        for i, row in enumerate(rows):
            yield Shown(doppler(_first(row.image), generator("doppler", i)), row.group or f"row {row.row}")

    return PictureSet("Doppler color over busbra dev", Kind.RENDERED, pictures, len(rows))


def report_only(manifest: Manifest, data: Path, most: int, seed: int) -> tuple[tuple[PictureSet, ...], tuple[str, ...]]:
    """Sets that are opened for a report and never to choose anything (design §9), and a line for each that DATA lacks."""
    wanted: list[tuple[str, str, tuple[str, ...], str | None, bool]] = []
    for modality, dev in DEV.items():
        wanted.append((dev.report, dev.table, dev.report_where, dev.group, modality == manifest.modality))
    breast = manifest.modality == "ultrasound"
    wanted += [
        ("busi lesions", "busi/labels.csv", ("label=benign", "label=malignant"), "cluster", breast),
        ("busi normal", "busi/labels.csv", ("label=normal",), "cluster", False),
        ("other_us: lung", "other_us/labels.csv", ("label=lung",), "group", False),
        ("natural", "natural/labels.csv", (), None, False),
    ]
    sets, lacking = [], []
    for name, table, where, group, belongs in wanted:
        if (data / table).is_file():
            sets.append(of_rows(name, Kind.REPORT, listed(data / table, where, group, most, seed), belongs=belongs))
        else:
            lacking.append(f"{name} is not in --data: not measured")
    if (data / "other_us/labels.csv").is_file():
        rows = read_labels(data / "other_us/labels.csv", group="group").rows
        sets.append(of_rows("other_us: all else", Kind.REPORT, drawn_rows(tuple(r for r in rows if r.label != "lung"), most, seed)))
    for name, column, group in (("covid_blues", "clip", "patient"), ("dicom", "file", "file")):
        table_path = data / name / "labels.csv"
        if table_path.is_file():
            sets.append(PictureSet(f"{name}, every {CLIP_STEP}th frame", Kind.REPORT, _frames(table_path, column, group, most)))
        else:
            lacking.append(f"{name} is not in --data: not measured")
    return tuple(sets), tuple(lacking)


def _frames(table: Path, column: str, group: str, most: int) -> Callable[[], Iterator[Shown]]:
    """Frames of the clips or files that a table lists, at most `most`; what cannot be read (a test file made to fail) is left out."""

    def pictures() -> Iterator[Shown]:
        n = 0
        with table.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            for pixels in _every_tenth(table.parent / row[column]):
                if n == most:
                    return
                n += 1
                yield Shown(pixels, row[group])

    return pictures


def _every_tenth(path: Path) -> Iterator[U8]:
    try:
        with open_file(path) as source:
            yield from (frame.pixels for frame in source if frame.index % CLIP_STEP == 0)
    except InputRefused:
        return
