"""The report that `sonoderm export run` leaves in its folder: of the bundle that it has just signed, with all that the run measured."""

import hashlib
from pathlib import Path

from edge.bundle.open import verify_bundle
from edge.bundle.trust import Trust
from export.pictures import Places
from export.recipe import Recipe
from export.report.command import Extras, Progress, make_report
from export.work import LATENCY, SENSITIVITY

__all__ = ["report_of_run"]


def report_of_run(recipe: Recipe, image: bytes, places: Places, made_at: str, progress: Progress) -> Path | None:
    """image: the signed bundle. Returns the report's file in the run's folder; None for a recipe of rendered pictures, which has no dev."""
    if recipe.data is None:
        return None
    folder = places.runs / recipe.model.name
    opened = verify_bundle(image, Trust(pinned=frozenset([hashlib.sha256(image).hexdigest()])), origin="the new bundle")
    sensitivity, latency = (file if file.is_file() else None for file in (folder / SENSITIVITY, folder / LATENCY))
    out = folder / "report.html"
    make_report(recipe, opened, places, Extras((), sensitivity, latency), out, made_at, progress)
    return out
