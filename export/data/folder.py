"""A folder as a data set: a folder of each class, and in it pictures, DICOM objects and clips, in any depth.

Whose picture it is: of a DICOM object its Patient ID (as a digest: the number itself is never kept or printed), else the folder that
the file lies in when that is no class, else the file. Of a cine or a clip a few frames are taken, evenly spaced.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

from edge.errors import InputRefused
from edge.sources.sniff import Kind, kind_of_file
from export.data.shots import Shot, open_moving

__all__ = ["Found", "rows_of_folder", "shots_of_folder"]

FRAMES_OF_A_CLIP = 8  # neighbours say nearly the same
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Found:
    """label: the class's folder, '' for what lies beside them. fold: "0" to "4", by group."""

    shot: Shot
    label: str
    group: str

    @property
    def fold(self) -> str:
        return str(int.from_bytes(hashlib.sha256(self.group.encode()).digest()[:4], "big") % FOLDS)


def _files(root: Path) -> Iterator[Path]:
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        yield from (Path(folder) / name for name in sorted(names) if not name.startswith("."))


def _patient(file: Path) -> str | None:
    try:
        patient = str(pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["PatientID"]).get("PatientID", "")).strip()
    except (InvalidDicomError, OSError, ValueError) as error:
        raise InputRefused(f"{file}: DICOM that cannot be read ({error})", do="export it again") from error
    return f"patient {hashlib.sha256(patient.encode()).hexdigest()[:12]}" if patient else None


def _frames(file: Path) -> list[int]:
    source = open_moving(file)
    if source is None:
        return [-1]
    with source:
        n = source.info.frames or 1
    few = min(n, FRAMES_OF_A_CLIP)
    return [int((i + 0.5) * n / few) for i in range(few)]


def shots_of_folder(root: Path, depth: int = 0) -> Iterator[Found]:
    """All that can be read, in the order of their names. depth: folders below the root that say nothing of whose picture it is."""
    for file in _files(root):
        kind = kind_of_file(file)
        if kind is Kind.TABLE or (kind is Kind.OTHER and file.suffix.lower() in {".txt", ".md", ".json", ".toml", ".pdf"}):
            continue  # what people keep beside pictures
        inside = file.relative_to(root)
        label = inside.parts[0] if len(inside.parts) > 1 else ""
        place = inside.parent if len(inside.parts) > depth + 1 else inside
        group = (_patient(file) if kind is Kind.DICOM else None) or place.as_posix()
        yield from (Found(Shot(file, frame), label, group) for frame in _frames(file))


def rows_of_folder(root: Path) -> tuple[Found, ...]:
    """What lies in the folders of the classes. Raises InputRefused for a file that is no picture, and when there is none."""
    found = tuple(one for one in shots_of_folder(root, depth=1) if one.label)
    if not found:
        raise InputRefused(f"{root}: no folder of a class with pictures in it", do="one folder for each label, named by its code")
    return found
