"""The frames of the gate: all of `dev`, and as many seeded augmentations of it as are needed to reach the number."""

import numpy as np

from edge.frame import U8
from export.distil.augment import augment
from export.gate.paired import MIN_FRAMES
from export.pictures import Sided
from export.recipe import Augment

__all__ = ["gate_frames"]


def gate_frames(dev: tuple[Sided, ...], how: Augment, *, reflect: bool, frames: int = MIN_FRAMES, seed: int = 1) -> Sided:
    """Pictures as they are, then whole rounds of augmentations of every picture until there are `frames`.

    reflect: as in training. An augmented frame keeps its label and its lesion or patient.
    """
    pixels: list[U8] = [np.asarray(side.pixels) for side in dev]
    own = np.concatenate(pixels)
    labels = np.concatenate([side.labels for side in dev])
    groups = [group for side in dev for group in side.groups]
    rounds = max(1, -(-frames // max(1, len(own))))
    rng = np.random.default_rng(seed)
    out = [own, *(np.stack([augment(picture, how, rng, reflect=reflect) for picture in own]) for _ in range(rounds - 1))]
    return Sided(np.concatenate(out), np.tile(labels, rounds), groups * rounds)
