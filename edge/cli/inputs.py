"""What a command line names, as a list of files in order: pictures, clips, DICOM, the files of a folder, the rows of a table."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from edge.errors import InputRefused, UsageError
from edge.frame import Source
from edge.sources.folder_list import list_pictures
from edge.sources.regular import require_file
from edge.sources.table import open_source
from edge.sources.uri import parse_uri

__all__ = ["Item", "Items", "expand", "open_file"]

LIVE = ("camera", "url", "phantom")
PICTURES = (".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".jp2", ".ppm", ".pgm")
MOVING = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mjpeg", ".mjpg", ".mpg", ".mpeg", ".wmv", ".ts")
DICOM = (".dcm", ".dicom", ".ima", "")  # DICOM files often have no extension, or a part of their UID
KNOWN = frozenset(PICTURES + MOVING + DICOM)


@dataclass(frozen=True, slots=True)
class Item:
    """One file. name: as the person wrote or would write it."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Items:
    """files in order; left_out: files of folders that are no pictures, clips or DICOM."""

    files: tuple[Item, ...]
    left_out: int


def expand(texts: list[str]) -> Items:
    """Arguments -> files. A folder gives what lies in it and below, by name. Raises UsageError for a live source or an empty folder."""
    files: list[Item] = []
    left_out = 0
    for text in texts:
        scheme, target = _scheme_of(text)
        if scheme in LIVE:
            raise UsageError(f"'{text}' is live: it has no end that could be classified", do=f"sonoderm run {text} --model MODEL")
        if not target:
            raise UsageError(f"'{text}' is an empty name", do="name a picture, a clip, a DICOM file or a folder; . is the current folder")
        path = Path(target)
        if scheme == "dir":
            found = _pictures_of(text)
        elif os.path.isdir(path):
            found, passed = _files_below(path)
            left_out += passed
            if not found:
                raise InputRefused(f"{path} holds no picture, clip or DICOM file", do="give the folder that holds them")
        else:
            found = [Item(path, target)]
        files.extend(found)
    return Items(tuple(files), left_out)


def open_file(path: Path) -> Source:
    """A file as a source, read in this process: every frame, in order. A context manager.

    Raises InputRefused: at once, or after the good frames of a damaged file; MachineLacks for want of a decoder.
    """
    require_file(path, do="give a picture, a clip, a DICOM file or a folder of them")
    return open_source(str(path))


def _scheme_of(text: str) -> tuple[str, str]:
    """(scheme, target); the scheme is '' for a bare path, and for a file whose name only looks like an address."""
    match = re.match(r"(camera|url|phantom|file|dicom|dir):(.*)", text, re.DOTALL)
    if match is None or os.path.exists(text):
        return "", text
    return match[1], match[2]


def _pictures_of(text: str) -> list[Item]:
    """The pictures of a `dir:` source, each once."""
    uri = parse_uri(text)
    if uri.get("motion") not in {None, "none"}:
        raise UsageError("classify looks at each picture once, without motion", do=f"sonoderm run '{text}' --model MODEL")
    return [Item(path, str(path)) for path in list_pictures(uri).paths]


def _files_below(top: Path) -> tuple[list[Item], int]:
    """(what to read, by name; how many files are none by theirs). What cannot be looked into stays, so that it gets its own refusal."""
    chosen: list[Path] = []
    left_out = 0
    for folder, inner, names in os.walk(top, onerror=lambda error: chosen.append(Path(error.filename))):
        inner[:] = [name for name in inner if not name.startswith(".")]
        for place in (Path(folder) / name for name in names if not name.startswith(".")):
            if not _may_be_file(place):
                continue
            if _looks_readable(place):
                chosen.append(place)
            else:
                left_out += 1
    return [Item(place, str(place)) for place in sorted(chosen)], left_out


def _may_be_file(place: Path) -> bool:
    try:
        return place.is_file()
    except OSError:  # no permission to look: refused by name when its turn comes
        return True


def _looks_readable(place: Path) -> bool:
    """By name, so that a README beside pictures is no damaged picture; a name that promises a picture is held to it."""
    return place.suffix.lower() in KNOWN or place.suffix[1:].isdigit()
