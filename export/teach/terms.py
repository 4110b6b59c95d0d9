"""Under which terms a recipe's teachers stand: said before any work is done, and refused where the student is to be sold."""

from pathlib import Path

from edge.errors import InputRefused, UsageError
from export.recipe import Adapted, Recipe
from export.teach.table import ADAPTERS, licence_warning

__all__ = ["licence_of", "name_of", "terms_of"]


def name_of(member: Adapted) -> str:
    """How lines and cards call it: adapter and file."""
    return f"{member.adapter}:{Path(member.file).name}"


def licence_of(member: Adapted) -> str:
    """As the recipe states it, else as the adapter's row does. Raises UsageError for an unknown adapter."""
    row = next((a for a in ADAPTERS if a.name == member.adapter), None)
    if row is None:
        raise UsageError(f"no teacher adapter {member.adapter!r}", do=f"there are {', '.join(a.name for a in ADAPTERS)}")
    return str(member.options.get("licence", row.licence))


def terms_of(recipe: Recipe, *, commercial: bool) -> tuple[str, ...]:
    """A line for each teacher whose terms bind the student; no file is opened.

    Raises InputRefused under `commercial` for a teacher, or for data, that forbid a commercial student.
    """
    if commercial and {"NC", "ND"} & set(recipe.model.licence.upper().split("-")):
        raise InputRefused(
            f"{recipe.model.name}: its data make its weights {recipe.model.licence}, whatever the teacher",
            do="train on data that allow commerce, or leave --commercial out",
        )
    members = recipe.teacher.members if recipe.teacher else ()
    found = [licence_warning(name_of(m), licence_of(m), commercial=commercial) for m in members if isinstance(m, Adapted)]
    return tuple(line for line in found if line is not None)
