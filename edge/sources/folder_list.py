"""Which pictures `dir:` shows, in which order: those of a folder (and below), the rows of a label table, or one file."""

import os
from dataclasses import dataclass
from pathlib import Path

from edge.errors import InputRefused, UsageError
from edge.labels import parse_where, read_labels
from edge.sources.sniff import Kind, kind_of_file
from edge.sources.uri import SourceUri

__all__ = ["Listing", "list_pictures"]

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".webp", ".tif", ".tiff", ".bmp", ".gif"})


@dataclass(frozen=True, slots=True)
class Listing:
    """paths in the order shown; warnings: what was left out, in words."""

    paths: tuple[Path, ...]
    warnings: tuple[str, ...] = ()


def list_pictures(uri: SourceUri) -> Listing:
    """Raises InputRefused when there is nothing to show, UsageError for options that do not fit."""
    target = Path(uri.target)
    try:
        is_folder, is_file = target.is_dir(), target.is_file()
    except (OSError, ValueError) as error:
        raise InputRefused(f"{target}: not a path", do="name a folder, a label table or a picture") from error
    kind = kind_of_file(target) if is_file else Kind.FOLDER
    if is_file and kind is not Kind.PICTURE:
        return _rows(uri, target)
    for option in ("where", "root"):
        if uri.get(option) is not None:
            raise UsageError(f"{option}= needs a label table", do=f"dir:labels.csv?{option}=…")
    if is_file:
        return Listing((target,))
    if not is_folder:
        raise InputRefused(f"{target}: no such folder or file", do="check the path")
    return _folder(target)


def _folder(target: Path) -> Listing:
    found: list[Path] = []
    skipped = 0
    locked: list[str] = []
    for folder, inner, names in os.walk(target, onerror=lambda error: locked.append(str(error.filename))):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder) / name
            if name.startswith("."):
                continue
            if path.suffix.lower() in SUFFIXES or _is_picture(path):
                found.append(path)
            else:
                skipped += 1
    if not found:
        reason = "cannot be read" if locked else "holds no picture"
        raise InputRefused(f"{target}: {reason}", do="JPEG, PNG, WebP, TIFF, BMP and GIF are read")
    warnings = [f"{skipped} other {'files' if skipped > 1 else 'file'} passed over"] if skipped else []
    warnings += [f"{folder}: cannot be read, passed over" for folder in locked]
    return Listing(tuple(found), tuple(warnings))


def _is_picture(path: Path) -> bool:
    """A picture under another name. What cannot be looked into counts as none."""
    try:
        return kind_of_file(path) is Kind.PICTURE
    except InputRefused:
        return False


def _rows(uri: SourceUri, target: Path) -> Listing:
    root = uri.get("root")
    table = read_labels(target, image_root=Path(root) if root else None, where=parse_where(uri.all("where")), need_label=False)
    if not table.rows:
        left = f" {table.n_chosen} of {table.n_read} rows fit the filter;" if uri.all("where") else ""
        raise InputRefused(f"{target}:{left} no picture to show", do="check where= and the image column")
    return Listing(tuple(row.image for row in table.rows), tuple(trouble.line() for trouble in table.troubles))
