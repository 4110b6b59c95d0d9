"""Which subgroup each row of a label table belongs to: age band, sex, site, device, as far as the table says."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.errors import UsageError
from export.data.table import Row, read_cells_of

__all__ = ["FEWEST_OF_SUBGROUP", "USUAL_SUBGROUPS", "Subgroups", "subgroups_of"]

USUAL_SUBGROUPS = ("age", "sex", "localization", "site", "device", "birads")
FEWEST_OF_SUBGROUP = 30  # below, nothing is reported: one patient more or less would turn the figure around
AGES = (40, 60)  # bands: below, between, from


@dataclass(frozen=True, slots=True)
class Subgroups:
    """values: of `column`, one for each row that was asked about, '' where the table gives none."""

    column: str
    values: tuple[str, ...]


def subgroups_of(table: Path, rows: Sequence[Row], columns: Sequence[str] = ()) -> tuple[Subgroups, ...]:
    """Values of the columns for each row; without columns, the usual ones that the table has. Ages become three bands.

    Raises UsageError for a column that the table lacks.
    """
    if table.is_dir():  # a folder of classes has no further columns
        return ()
    cells = {table.parent / line["image"]: line for _, line in read_cells_of(table, ("image",))}
    there = tuple(next(iter(cells.values()), {}))
    for column in columns:
        if column not in there:
            raise UsageError(f"{table.name} has no column '{column}'", do=f"choose of: {', '.join(there)}")
    chosen = columns or [column for column in USUAL_SUBGROUPS if column in there]
    return tuple(Subgroups(c, tuple(_value(c, (cells[row.image][c] or "").strip()) for row in rows)) for c in chosen)


def _value(column: str, cell: str) -> str:
    if column != "age" or not cell:
        return cell
    try:
        age = float(cell)
    except ValueError:
        return cell
    young, old = AGES
    return f"below {young}" if age < young else f"{young} to {old - 1}" if age < old else f"{old} and above"
