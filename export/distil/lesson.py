"""The batches of one epoch: which pictures, how they are changed, what is to be learned from them.

Every draw hangs on (seed, epoch, place in the epoch) alone, so that a resumed run and N processes see what one run sees.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as fn

from edge.frame import U8
from edge.preprocess.fit import resize
from export.data.table import UNLABELLED
from export.distil.artefacts import worn
from export.distil.augment import augment_with_mask
from export.recipe import Recipe

__all__ = ["Batch", "Pictures", "Taught", "batches", "crop", "order_of"]

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """pixels: (n, h, w, 3) uint8, model size. labels: (n,) int64. masks: (n, h, w) uint8, 255 on the lesion, where there are any."""

    pixels: U8
    labels: I64
    masks: U8 | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """What the teacher said of K fixed crops of each picture: logits (n, K, k) and embedding (n, K, d), float32.

    It saw each crop and its mirror image, so that both may be shown to the student.
    """

    logits: NDArray[np.float32]
    embedding: NDArray[np.float32]

    @property
    def crops(self) -> int:
        return int(self.logits.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    x: Tensor  # uint8 (n, h, w, 3)
    y: Tensor  # int64 (n,)
    other: Tensor  # int64 (n,): labels of what was mixed in
    share: float  # of x in the mix; 1: not mixed
    mask: Tensor | None  # float (n, 1, h/16, w/16), share of lesion
    taught: tuple[Tensor, Tensor] | None  # the teacher's logits and embedding

    def to(self, device: torch.device) -> "Batch":
        mask = None if self.mask is None else self.mask.to(device)
        taught = None if self.taught is None else (self.taught[0].to(device), self.taught[1].to(device))
        return Batch(self.x.to(device), self.y.to(device), self.other.to(device), self.share, mask, taught)


def order_of(labels: I64, power: float, seed: int, epoch: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Indices of one epoch and the log prior of the classes under this sampling (for the logit adjustment).

    Frames without a label are drawn as often as there are of them; the prior is that of the labelled ones.
    """
    rng, known = np.random.default_rng((seed, epoch)), labels != UNLABELLED
    count = np.bincount(labels[known]).astype(float)
    own = count[labels[known]] ** -power
    own /= own.sum()
    prior = np.bincount(labels[known], weights=own)
    weight = np.full(len(labels), 1 / len(labels))
    weight[known] = own * known.mean()
    return rng.choice(len(labels), len(labels), p=weight), np.log(prior)


def crop(pictures: Pictures, i: int, number: int, recipe: Recipe) -> tuple[U8, U8 | None]:
    """The number-th fixed crop of picture i, the same for teacher and student: (h, w, 3) and its mask, at the size of `pictures`."""
    rng = np.random.default_rng((recipe.train.seed, number, i))
    return _changed(pictures, i, recipe, rng)


def _changed(pictures: Pictures, i: int, recipe: Recipe, rng: np.random.Generator) -> tuple[U8, U8 | None]:
    mask = None if pictures.masks is None or not recipe.train.mask_weight else pictures.masks[i]
    return augment_with_mask(np.asarray(pictures.pixels[i]), mask, recipe.augment, rng, reflect=recipe.input.fit == "crop")


def _shown(pictures: Pictures, i: int, recipe: Recipe, epoch: int, place: int, taught: Taught | None) -> tuple[U8, U8 | None]:
    if taught is None:
        return _changed(pictures, i, recipe, np.random.default_rng((recipe.train.seed, epoch, place)))
    picture, mask = crop(pictures, i, epoch % taught.crops, recipe)
    if (epoch // taught.crops) % 2 == 1 and recipe.augment.flip_x:
        picture, mask = picture[:, ::-1], None if mask is None else mask[:, ::-1]
    picture = resize(np.ascontiguousarray(picture), recipe.input.width_px, recipe.input.height_px)
    if recipe.distil.artefacts:  # after all geometry and on this copy alone: the teacher's word is about the clean crop
        picture = worn(picture, recipe.distil.artefacts, (recipe.train.seed, epoch, place))
    return picture, None if mask is None else resize(np.ascontiguousarray(mask), recipe.input.width_px, recipe.input.height_px)


def batches(
    pictures: Pictures, recipe: Recipe, epoch: int, *, mixed: int, taught: Taught | None = None, rank: int = 0, world: int = 1
) -> Iterator[tuple[Batch, NDArray[np.float64]]]:
    """One epoch, this process's share of every batch, each with the log prior. mixed: batches that may be mixed up.

    taught: show the crops that the teacher saw; pictures are then of the teacher's size and are shrunk to the recipe's.
    """
    how = recipe.train
    order, log_prior = order_of(pictures.labels, how.sampler_power, how.seed, epoch)
    for number, start in enumerate(range(0, len(order) - how.batch + 1, how.batch)):
        places = range(start, start + how.batch)
        rng = np.random.default_rng((how.seed, epoch, number, 1))
        share = float(rng.beta(how.mixup, how.mixup)) if how.mixup and number < mixed and taught is None else 1.0
        share = max(share, 1 - share)
        shown = [_shown(pictures, int(order[place]), recipe, epoch, place, taught) for place in places]
        yield _batch(shown, pictures, order[start : start + how.batch], epoch, share, taught, slice(rank, None, world)), log_prior


def _batch(
    shown: list[tuple[U8, U8 | None]],
    pictures: Pictures,
    chosen: NDArray[np.intp],
    epoch: int,
    share: float,
    taught: Taught | None,
    own: slice,
) -> Batch:
    x, y = np.stack([picture for picture, _ in shown]), torch.from_numpy(pictures.labels[chosen])
    masks, mask, other = [m for _, m in shown if m is not None], None, y
    if masks:
        full = torch.from_numpy(np.stack(masks)).float()[:, None] / 255
        mask = fn.adaptive_avg_pool2d(full, (-(-x.shape[1] // 16), -(-x.shape[2] // 16)))
    if share < 1:
        x = np.asarray(np.rint(share * x + (1 - share) * x[::-1]), np.uint8)
        other = y.flip(0)
        mask = None if mask is None else share * mask + (1 - share) * mask.flip(0)
    said = None
    if taught is not None:
        number = epoch % taught.crops
        said = (torch.from_numpy(taught.logits[chosen, number][own]), torch.from_numpy(taught.embedding[chosen, number][own]))
    return Batch(torch.from_numpy(x[own]), y[own], other[own], share, None if mask is None else mask[own], said)
