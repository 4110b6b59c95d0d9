"""What a row names as pixels: a picture, a DICOM object, or one frame of a cine or a clip."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from edge.errors import InputRefused
from edge.frame import U8, Source
from edge.sources.clip import ClipSource
from edge.sources.dicom import DicomSource
from edge.sources.picture import read_picture
from edge.sources.sniff import Kind, kind_of_file

__all__ = ["Shot", "open_moving", "read_shot", "read_shots"]


@dataclass(frozen=True, slots=True, order=True)
class Shot:
    """frame: counted from 0, of a file with several; -1: the file is one picture."""

    file: Path
    frame: int = -1

    def __str__(self) -> str:
        return str(self.file) if self.frame < 0 else f"{self.file} frame {self.frame}"


def open_moving(file: Path) -> Source | None:
    """The DICOM object or clip in a file, None when it is a picture. Raises InputRefused."""
    kind = kind_of_file(file)
    if kind is Kind.PICTURE:
        return None
    return DicomSource(file, f"dicom:{file}") if kind is Kind.DICOM else ClipSource(file, f"file:{file}")


def read_shots(shots: Sequence[Shot]) -> Iterator[tuple[int, U8]]:
    """(place in `shots`, (h, w, 3) uint8 RGB), file by file: a clip is decoded once, however many of its frames are asked for.

    Raises InputRefused, naming the file and the frame.
    """
    order = sorted(range(len(shots)), key=lambda i: shots[i])
    for file, places in groupby(order, key=lambda i: shots[i].file):
        yield from _of_file(file, [(i, shots[i].frame) for i in places])


def read_shot(shot: Shot) -> U8:
    """One of them."""
    return next(read_shots([shot]))[1]


def _of_file(file: Path, wanted: list[tuple[int, int]]) -> Iterator[tuple[int, U8]]:
    """wanted: (place, frame), by frame."""
    source = open_moving(file)
    if source is None:
        if wanted[-1][1] > 0:
            raise InputRefused(f"{file}: frame {wanted[-1][1]} of a single picture", do="leave the column frame empty there")
        picture = read_picture(file)
        yield from ((place, picture) for place, _ in wanted)
        return
    with source:
        if wanted[0][1] < 0 and source.info.frames != 1:
            raise InputRefused(f"{file}: holds many frames, and the row names none", do="give the column frame, counted from 0")
        left = list(wanted)
        for at in source:
            while left and max(0, left[0][1]) == at.index:
                yield left.pop(0)[0], at.pixels
            if not left:
                return
    raise InputRefused(f"{file}: has no frame {left[0][1]}", do="count frames from 0")
