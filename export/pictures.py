"""The pictures of a recipe as tensors, by side of the split: from data sets, or rendered."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from edge.frame import U8
from edge.preprocess.fit import fit
from edge.preprocess.prepare import prepare
from edge.sources.picture import read_picture
from export.data.alike import refuse_alike
from export.data.cache import cached
from export.data.counts import refuse_unteachable, words_of_counts
from export.data.rendered import phantoms
from export.data.shots import read_shot
from export.data.subgroups import Subgroups, subgroups_of
from export.data.table import Row, Side, read_rows, select, split
from export.data.unlabelled import unlabelled_rows
from export.recipe import Recipe
from export.scope.blur import blurred
from export.scope.flow import overlaid, tinted
from export.scope.negatives import bend, render

__all__ = [
    "BLUR_SEED",
    "Places",
    "Sided",
    "codes_of",
    "counted",
    "dev_subgroups",
    "in_domain",
    "negatives_of",
    "own_again",
    "train_masks",
    "with_unlabelled",
]

PHANTOM_SEED, RENDER_SEED, FLOW_SEED, TINT_SEED, BLUR_SEED = 11, 1, 21, 22, 5
RENDERED = {Side.TRAIN: (1200, 1), Side.CHOICE: (160, 2), Side.FIT: (240, 3), Side.CONFORMAL: (240, 4)}


@dataclass(frozen=True, slots=True)
class Places:
    """data: folder of the data sets. runs: where checkpoints and caches are kept."""

    data: Path
    runs: Path

    @property
    def cache(self) -> Path:
        return self.runs / "cache"


@dataclass(frozen=True, slots=True, eq=False)
class Sided:
    """pixels (n, h, w, 3) uint8 tensors of one side, labels (n,), groups: lesion or patient of each, names: as the label table has them."""

    pixels: U8
    labels: NDArray[np.int64]
    groups: list[str]
    names: tuple[str, ...] = ()

    def first(self, n: int) -> "Sided":
        return Sided(self.pixels[:n], self.labels[:n], self.groups[:n])


def _of_rows(rows: tuple[Row, ...], recipe: Recipe, cache: Path) -> Sided:
    spec = recipe.input
    shots = [row.shot for row in rows]
    shape = (spec.height_px, spec.width_px)
    pixels = cached(shots, shape, f"prepare:{spec!r}", lambda p: prepare(p, spec).tensor, cache)
    return Sided(pixels, np.array([row.label for row in rows], np.int64), [row.group for row in rows], tuple(row.name for row in rows))


def in_domain(recipe: Recipe, places: Places) -> dict[Side, Sided]:
    """Train, choice, fit and conformal. Sets that are opened for reports alone are not touched here.

    Raises InputRefused for data that cannot be learned from, and for pictures of train that are alike to pictures of dev.
    """
    if recipe.data is None:
        return {
            side: Sided(*phantoms(n, seed, recipe.input, places.cache), [f"{seed}:{i}" for i in range(n)])
            for side, (n, seed) in RENDERED.items()
        }
    rows = read_rows(recipe.data, codes_of(recipe), places.data)
    refuse_unteachable(rows, codes_of(recipe), recipe.train.batch)
    sides = {side: _of_rows(select(rows, side), recipe, places.cache) for side in RENDERED}
    if recipe.data.duplicates and recipe.data.duplicates.alike_at is not None:
        names = {side: [str(row.shot) for row in select(rows, side)] for side in RENDERED}
        refuse_alike({side: some.pixels for side, some in sides.items()}, names, recipe.data.duplicates.alike_at)
    return sides


def codes_of(recipe: Recipe) -> tuple[str, ...]:
    return tuple(label.code for label in recipe.labels)


def with_unlabelled(recipe: Recipe, places: Places) -> Sided | None:
    """The train side, then the frames that the teacher alone speaks of (label UNLABELLED); None when the recipe names none."""
    if recipe.data is None or not recipe.data.unlabelled:
        return None
    rows = read_rows(recipe.data, codes_of(recipe), places.data)
    return _of_rows(select(rows, Side.TRAIN) + unlabelled_rows(recipe.data, rows, places.data), recipe, places.cache)


def counted(recipe: Recipe, places: Places) -> tuple[str, ...]:
    """Lines on how many pictures of each class and subgroup stand where, and on what the duplicates changed."""
    if recipe.data is None:
        return ()
    cut = split(recipe.data, codes_of(recipe), places.data)
    subgroups = subgroups_of(places.data / recipe.data.labels, cut.rows)
    lines = words_of_counts(cut.rows, codes_of(recipe), subgroups)
    free = unlabelled_rows(recipe.data, cut.rows, places.data)
    told = (
        [f"{cut.joined} groups stand in a cluster with others, {cut.set_aside} pictures are set aside"]
        if cut.joined or cut.set_aside
        else []
    )
    return (*lines, *told, *([f"without label: {len(free)} frames of {len({row.group for row in free})} groups"] if free else []))


def dev_subgroups(recipe: Recipe, places: Places) -> tuple[Subgroups, ...]:
    """Usual subgroups of the rows of fit, then conformal, as `in_domain` orders them; none for rendered pictures."""
    if recipe.data is None:
        return ()
    rows = read_rows(recipe.data, codes_of(recipe), places.data)
    return subgroups_of(places.data / recipe.data.labels, [*select(rows, Side.FIT), *select(rows, Side.CONFORMAL)])


def train_masks(recipe: Recipe, places: Places) -> U8 | None:
    """Lesion masks (n, h, w) uint8 of the train pictures, laid like their tensors; None when the recipe names none."""
    if recipe.data is None or not recipe.data.masks:
        return None
    rows = select(read_rows(recipe.data, codes_of(recipe), places.data), Side.TRAIN)
    spec = structs.replace(recipe.input, pad=0, grey=False)
    out = []
    for row in rows:
        field = prepare(read_shot(row.shot), recipe.input).field
        mask = read_picture(places.data / recipe.data.masks.format(stem=row.image.stem))
        out.append(fit(field.crop(mask), spec)[..., 0])
    return np.stack(out)


def _bent(own: Sided, recipe: Recipe) -> U8:
    rng = np.random.default_rng(RENDER_SEED)
    chosen = rng.choice(len(own.pixels), recipe.scope.bent, replace=recipe.scope.bent > len(own.pixels))
    return np.stack([prepare(bend(np.asarray(own.pixels[i]), rng), recipe.input).tensor for i in chosen])


def own_again(recipe: Recipe, own: Sided) -> U8:
    """Train pictures once more, blurred and tinted: (n, h, w, 3) uint8 that are no strangers to the scope gate."""
    tint = tinted(own.pixels, recipe.scope.tinted, TINT_SEED)
    return np.concatenate([blurred(own.pixels, recipe.scope.blurred, BLUR_SEED), tint])


def negatives_of(recipe: Recipe, own: Sided, others: tuple[Recipe, ...], places: Places) -> U8:
    """What is foreign, sharp and blurred: (n, h, w, 3) uint8. Train pictures of other models' data sets through this recipe's own
    preprocessing, its own ones changed beyond what it is made for, and rendered ones.
    """
    found = []
    for other in others:
        if other.data is None or other.model.name not in recipe.scope.foreign_from or not recipe.scope.foreign:
            continue
        rows = select(read_rows(other.data, codes_of(other), places.data), Side.TRAIN)
        rng = np.random.default_rng(other.data.seed)
        few = tuple(rows[i] for i in np.sort(rng.choice(len(rows), min(recipe.scope.foreign, len(rows)), replace=False)))
        found.append(_of_rows(few, recipe, places.cache).pixels)
    if recipe.scope.bent:
        found.append(_bent(own, recipe))
    if recipe.scope.overlaid:
        found.append(overlaid(own.pixels, recipe.scope.overlaid, FLOW_SEED))
    if recipe.scope.phantoms:
        found.append(phantoms(recipe.scope.phantoms, PHANTOM_SEED, recipe.input, places.cache)[0])
    found.append(render(recipe.scope.rendered, RENDER_SEED, recipe.input.height_px, recipe.input.width_px))
    sharp = np.concatenate(found)
    return np.concatenate([sharp, blurred(sharp, recipe.scope.blurred, BLUR_SEED)])
