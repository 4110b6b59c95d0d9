"""What the card says of the teachers: which network, from which file, under which terms, and what it was tuned by."""

from pathlib import Path

import msgspec

from edge.errors import InputRefused
from export.store import finished
from export.teach.table import licence_warning
from export.teach.teacher import TeacherIdentity

__all__ = ["Lineage", "read_lineage", "words_of", "write_lineage"]

NAME = "lineage.json"


class Lineage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """identity: of what was loaded. way: how it was adapted; nll: class-balanced, on the tenth kept for choices, of each way."""

    identity: TeacherIdentity
    way: str
    nll: tuple[tuple[str, float], ...]


def write_lineage(lineage: Lineage, folder: Path) -> None:
    with finished(folder / NAME) as partial:
        partial.write_bytes(msgspec.json.encode(lineage))


def read_lineage(folder: Path) -> Lineage:
    """Raises InputRefused for a record that is absent or damaged."""
    path = folder / NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=Lineage)
    except (OSError, msgspec.DecodeError) as error:
        raise InputRefused(f"{path}: no record of a teacher ({error})", do="remove its folder and run the recipe again") from error


def words_of(one: Lineage) -> tuple[str, ...]:
    """Lines of the card; what binds the student is the last of them."""
    i, tried = one.identity, ", ".join(f"{way} {nll:.3f}" for way, nll in one.nll)
    line = f"{i.name} (sha256 {i.sha256[:16]}, {i.licence}; {i.proof}), adapted by {one.way} (NLL on the kept tenth: {tried})"
    warning = licence_warning(i.name, i.licence)
    return (line, warning) if warning else (line,)
