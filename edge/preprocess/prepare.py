"""The whole way of a picture to the model's tensor: mask, field of view, crop, resize, colour.

One function, for live and still, for training and golden frames.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from edge.bundle.manifest import InputSpec
from edge.frame import U8
from edge.preprocess.color import correct_color
from edge.preprocess.field import Field, FieldKind
from edge.preprocess.fit import fit
from edge.preprocess.follow import FieldMemory, follow
from edge.preprocess.small import small_grey
from edge.profile import Corrections

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """tensor: (spec.height_px, spec.width_px, 3) uint8 RGB. small: grey copy of the field, (h', w') uint8, long side 160.

    memory: hand it to the next call of the same stream, so that the field holds still. corrected: the corrections were
    applied; False when there were none or they are for pictures of another size, which the caller must say aloud.
    """

    tensor: U8
    field: Field
    small: U8
    memory: FieldMemory | None
    corrected: bool


def prepare(
    pixels: U8,
    spec: InputSpec,
    corrections: Corrections | None = None,
    memory: FieldMemory | None = None,
    captured_ns: int = 0,
) -> Prepared:
    """(h, w, 3) uint8 RGB, any size from 1x1 -> Prepared. Without `memory` the field is found anew: what a still needs.

    corrections: those of this picture's size (`edge.profile` chose them); a scan region takes the place of field detection.
    """
    height, width = pixels.shape[:2]
    if corrections is not None and corrections.size != (width, height):
        corrections = None  # a camera that came back in another resolution: its numbers would mask the wrong place
    if corrections is not None and corrections.keep is not None:
        pixels = np.asarray(cv2.bitwise_and(pixels, corrections.keep), np.uint8)
    if corrections is not None and corrections.region is not None:
        x, y, w, h = corrections.region
        field = Field(x, y, w, h, FieldKind.REGION, w * h / (width * height), spec.field)
        small = small_grey(field.crop(pixels))
    else:
        whole = small_grey(pixels)
        field, memory = follow(memory, whole, (width, height), spec.field, captured_ns)
        small = whole if (field.w, field.h) == (width, height) else small_grey(field.crop(pixels))
    tensor = fit(field.crop(pixels), spec)
    if corrections is not None and corrections.color is not None and not spec.grey:
        tensor = correct_color(tensor, corrections.color)
    return Prepared(tensor, field, small, memory, corrections is not None)
