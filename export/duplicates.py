"""Pairs of pictures that look the same under two groups, for a person to judge: what [data.duplicates] reads again."""

import csv
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from edge.errors import InputRefused
from export.data.alike import alike_pairs, small_copies
from export.data.table import Row, Side, read_rows, select
from export.pictures import Places, codes_of, in_domain
from export.recipe import Recipe
from export.store import finished

__all__ = ["Duplicate", "find_duplicates", "write_duplicates"]

LOOKED_AT = (Side.TRAIN, Side.CHOICE, Side.FIT, Side.CONFORMAL)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two pictures of two groups. correlation: of their small grey copies."""

    a: Row
    b: Row
    correlation: float

    @property
    def is_across(self) -> bool:
        return self.a.side is not self.b.side


def find_duplicates(recipe: Recipe, places: Places, at_least: float) -> tuple[Duplicate, ...]:
    """Closest first. Raises InputRefused for a recipe without data, and as `in_domain` does."""
    if recipe.data is None:
        raise InputRefused(f"{recipe.model.name}: its pictures are rendered, no two are alike", do="name a recipe with a label table")
    sides = in_domain(recipe, places)
    all_rows = read_rows(recipe.data, codes_of(recipe), places.data)
    rows = list(chain.from_iterable(select(all_rows, side) for side in LOOKED_AT))
    copies = np.concatenate([small_copies(sides[side].pixels) for side in LOOKED_AT])
    pairs = (Duplicate(rows[pair.a], rows[pair.b], pair.correlation) for pair in alike_pairs(copies, at_least))
    return tuple(sorted((one for one in pairs if one.a.group != one.b.group), key=lambda one: -one.correlation))


def write_duplicates(found: tuple[Duplicate, ...], out: Path) -> None:
    with finished(out) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("a", "b", "correlation", "side_a", "side_b"))
        table.writerows((one.a.name, one.b.name, f"{one.correlation:.4f}", one.a.side, one.b.side) for one in found)
