"""The frames of the gate: all of `dev`, and as many seeded augmentations of it as are needed to reach the number."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.frame import U8
from export.distil.augment import augment
from export.gate.paired import MIN_FRAMES
from export.pictures import Sided
from export.recipe import Augment

__all__ = ["GateFrames", "gate_frames"]


@dataclass(frozen=True, slots=True, eq=False)
class GateFrames:
    """pixels (n, h, w, 3) uint8, labels (n,), groups. The first `fit` are that half of dev, the first `dev` all of it."""

    pixels: U8
    labels: NDArray[np.int64]
    groups: list[str]
    fit: int
    dev: int


def gate_frames(fit: Sided, conformal: Sided, how: Augment, *, reflect: bool, frames: int = MIN_FRAMES, seed: int = 1) -> GateFrames:
    """Pictures as they are, then whole rounds of augmentations of every picture until there are `frames`.

    reflect: as in training. An augmented frame keeps its label and its lesion or patient.
    """
    own = np.concatenate([np.asarray(side.pixels) for side in (fit, conformal)])
    labels = np.concatenate([fit.labels, conformal.labels])
    rounds = max(1, -(-frames // max(1, len(own))))
    rng = np.random.default_rng(seed)
    out = [own, *(np.stack([augment(picture, how, rng, reflect=reflect) for picture in own]) for _ in range(rounds - 1))]
    groups = [*fit.groups, *conformal.groups]
    return GateFrames(np.concatenate(out), np.tile(labels, rounds), groups * rounds, len(fit.labels), len(own))
