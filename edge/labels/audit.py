"""A table against the disk: pictures stored twice under other names, and pictures that nobody listed."""

import hashlib
from dataclasses import replace
from pathlib import Path

from edge.labels.table import LabelRow, LabelTable, Trouble, TroubleKind

__all__ = ["PICTURE_SUFFIXES", "audit", "without_copies_of_another_label"]

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".dcm"})


def audit(table: LabelTable) -> LabelTable:
    """The table with the troubles that only the disk can tell: byte-identical copies among its rows, unlisted pictures beside them."""
    copies = _copies(table.rows)
    added = []
    for kind, sets in ((TroubleKind.COPY, copies[False]), (TroubleKind.COPY_OTHER_LABEL, copies[True])):
        if sets:
            example = " = ".join(f"{row.name} ({row.label})" for row in sets[0])
            added.append(Trouble(kind, len(sets), tuple(sorted(row.row for rows in sets for row in rows)), example))
    known = {place.resolve() for place in table.listed}
    folders = {place.parent for place in table.listed}
    unlisted = sorted(
        str(place)
        for folder in folders
        if folder.is_dir()
        for place in folder.iterdir()
        if place.suffix.lower() in PICTURE_SUFFIXES and place.resolve() not in known
    )
    if unlisted:
        added.append(Trouble(TroubleKind.UNLISTED, len(unlisted), (), Path(unlisted[0]).name))
    return replace(table, troubles=(*table.troubles, *added))


def without_copies_of_another_label(table: LabelTable) -> LabelTable:
    """The table less the rows whose picture also stands under another label, byte for byte."""
    wrong = {row.row for rows in _copies(table.rows)[True] for row in rows}
    return replace(table, rows=tuple(row for row in table.rows if row.row not in wrong))


def _copies(rows: tuple[LabelRow, ...]) -> dict[bool, list[list[LabelRow]]]:
    """Sets of rows with equal bytes; True: with more than one label among them. Only files of equal size are read."""
    by_size: dict[int, list[LabelRow]] = {}
    for row in rows:
        by_size.setdefault(row.image.stat().st_size, []).append(row)
    by_content: dict[bytes, list[LabelRow]] = {}
    for same_size in by_size.values():
        for row in same_size if len(same_size) > 1 else ():
            by_content.setdefault(hashlib.sha256(row.image.read_bytes()).digest(), []).append(row)
    out: dict[bool, list[list[LabelRow]]] = {False: [], True: []}
    for same in by_content.values():
        if len(same) > 1:
            out[len({row.label for row in same}) > 1].append(same)
    return out
