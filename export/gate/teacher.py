"""The student beside its teacher on dev: the same pictures, each as it comes, neither calibrated."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as fn

from edge.frame import F32, U8
from export.data.table import Side
from export.distil.ask import Witness
from export.distil.machines import fabric_here
from export.distil.members import member_recipe, train_members
from export.distil.recall import Recalled
from export.gate.paired import Comparison, compare
from export.pictures import Places, Sided, in_domain
from export.recipe import Recipe

__all__ = ["AgainstTeacher", "against_teacher"]

I64 = NDArray[np.int64]
BATCH = 32


@dataclass(frozen=True, slots=True)
class AgainstTeacher:
    """form, engine: of the student. comparison: of its labels with the teacher's. flipped: who saw the mirror image too."""

    form: str
    engine: str
    flipped: bool
    comparison: Comparison


def _probabilities(network: Witness, pixels: U8, flip: bool) -> F32:
    """(n, k) of (n, h, w, 3) uint8, mean with the mirror image when `flip`."""
    network.eval()
    out = []
    with torch.inference_mode():
        for start in range(0, len(pixels), BATCH):
            batch = np.asarray(pixels[start : start + BATCH])
            views = [batch, np.ascontiguousarray(batch[:, :, ::-1])] if flip else [batch]
            found = [fn.softmax(network.answer(torch.from_numpy(np.array(view)))[0].float(), 1).numpy() for view in views]
            out.append(np.mean(found, axis=0))
    return np.concatenate(out).astype(np.float32)


def _one(network: Witness | Recalled, fit: Sided, conformal: Sided, flip: bool) -> F32:
    if isinstance(network, Recalled):
        return np.exp(network.answers((*fit.names, *conformal.names), 1).log_p[:, 0])
    return _probabilities(network, np.concatenate([np.asarray(side.pixels) for side in (fit, conformal)]), flip)


def against_teacher(recipe: Recipe, places: Places, pair: tuple[str, str], said: I64) -> AgainstTeacher | None:
    """said: (n,) what the student of `pair` says of fit, then conformal, by its largest logit. None when the recipe names no teacher.

    The members are trained by then; what stands in their folders is opened again.
    """
    if recipe.teacher is None:
        return None
    flip, words = recipe.augment.flip_x, []
    for one in train_members(recipe, places, lambda _member, _epoch: None, fabric_here()):
        sides = in_domain(member_recipe(recipe, one.member), places)
        words.append(_one(one.network, sides[Side.FIT], sides[Side.CONFORMAL], flip))
    teacher = np.mean(words, axis=0).argmax(1)
    labels = np.concatenate([sides[side].labels for side in (Side.FIT, Side.CONFORMAL)])
    groups = [*sides[Side.FIT].groups, *sides[Side.CONFORMAL].groups]
    found = compare(teacher, said, labels, groups, tuple(label.code for label in recipe.labels))
    return AgainstTeacher(*pair, flip, found)
