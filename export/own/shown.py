"""`--pictures DIR`: the owner's pictures as tensors, half of them to measure with and half to prove with."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.bundle.manifest import InputSpec
from edge.errors import InputRefused
from edge.preprocess.prepare import prepare
from export.data.folder import Found, shots_of_folder
from export.data.shots import read_shots
from export.pictures import Sided

__all__ = ["FEWEST", "Shown", "read_shown"]

FEWEST = 60  # of either half: below, neither ranges nor a scope threshold mean anything


@dataclass(frozen=True, slots=True)
class Shown:
    """measure: for ranges, rounding and the bank. prove: for the gate and the scope threshold. labelled: the folders are the classes."""

    measure: Sided
    prove: Sided
    labelled: bool


def read_shown(folder: Path, codes: tuple[str, ...], spec: InputSpec) -> Shown:
    """Every picture, DICOM object and clip of a folder. With a folder of each class in it, named by its code, they count as labelled.

    No group stands in both halves. Raises InputRefused: no such folder, an unreadable picture, too few of them.
    """
    if not folder.is_dir():
        raise InputRefused(f"{folder} is no folder", do="name the folder of your pictures with --pictures")
    found = [*shots_of_folder(folder)]
    named = {one.label for one in found}
    labelled = bool(found) and named <= set(codes)
    if not labelled and named & set(codes):
        extra = ", ".join(sorted(name or "pictures beside the folders" for name in named - set(codes)))
        raise InputRefused(f"{folder}: some folders are classes, and these are not: {extra}", do="name every folder by a label's code")
    if labelled:
        found = [*shots_of_folder(folder, depth=1)]
    measure = [one for one in found if _first_half(one.group)]
    prove = [one for one in found if not _first_half(one.group)]
    if min(len(measure), len(prove)) < FEWEST:
        raise InputRefused(
            f"{folder} holds {len(found)} pictures, {len(measure)} and {len(prove)} after the cut by patient; each half needs {FEWEST}",
            do="show more pictures, or leave --pictures out: the bundle is then in float and without a scope check",
        )
    return Shown(_tensors(measure, codes, spec, labelled), _tensors(prove, codes, spec, labelled), labelled)


def _first_half(group: str) -> bool:
    return sha256(group.encode()).digest()[0] % 2 == 0


def _tensors(found: list[Found], codes: tuple[str, ...], spec: InputSpec, labelled: bool) -> Sided:
    pixels = np.empty((len(found), spec.height_px, spec.width_px, 3), np.uint8)
    for i, picture in read_shots([one.shot for one in found]):
        pixels[i] = prepare(picture, spec).tensor
    labels: NDArray[np.int64] = np.array([codes.index(one.label) if labelled else 0 for one in found], np.int64)
    return Sided(pixels, labels, [one.group for one in found])
