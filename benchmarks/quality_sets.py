"""The pictures on which the quality gate is tuned and reported: which folds may be looked at for what."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.errors import InputRefused
from edge.frame import U8
from edge.preprocess.field import Detector
from edge.sources.picture import read_picture

__all__ = ["DERM", "US", "QualitySet", "pictures"]


@dataclass(frozen=True, slots=True)
class QualitySet:
    """train: to fit on. dev: to check choices on. report: opened for the report alone."""

    folder: str
    detector: Detector
    train_folds: tuple[str, ...]
    dev_folds: tuple[str, ...]
    report_folds: tuple[str, ...]


DERM = QualitySet("isic2018", "dermatoscope", ("2", "3", "4"), ("1",), ("0",))
US = QualitySet("busbra", "ultrasound", ("1", "2", "3"), ("5",), ("4",))


def pictures(source: QualitySet, folds: tuple[str, ...], data: Path) -> Iterator[U8]:
    """(h, w, 3) uint8 RGB, in the order of labels.csv. Raises InputRefused when the data set is not there."""
    folder = data / source.folder
    try:
        with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["fold"] in folds]
    except OSError as error:
        raise InputRefused(f"{folder}: {error.strerror}", do="name the folder of the data sets with --data") from error
    for row in rows:
        yield read_picture(folder / row["image"])
