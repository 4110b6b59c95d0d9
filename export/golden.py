"""Golden frames: rendered pictures with the tensor that preprocessing must make of them, exactly."""

from dataclasses import dataclass

import cv2
import numpy as np

from edge.bundle.manifest import Golden, InputSpec
from edge.errors import InputRefused
from edge.frame import U8
from edge.preprocess.prepare import prepare
from edge.sources.phantom_still import render_still
from export.scope.negatives import clouds, dead_leaves

__all__ = ["GoldenSet", "golden_set"]

WIDTH_PX, HEIGHT_PX = 256, 192
SEED = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class GoldenSet:
    """entries as the manifest lists them, members as the bundle stores them, tensors (n, h, w, 3) uint8."""

    entries: tuple[Golden, ...]
    members: dict[str, bytes]
    tensors: U8


def _png(pixels: U8) -> bytes:
    done, data = cv2.imencode(".png", pixels[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise InputRefused("OpenCV cannot write a PNG", do="reinstall opencv-python")
    return data.tobytes()


def golden_set(spec: InputSpec) -> GoldenSet:
    """Four rendered frames: two phantoms of the kinds that the model's field is for, dead leaves and clouds. Fixed by SEED."""
    kinds = ("us-cyst", "us-mass") if spec.field == "ultrasound" else ("derm-disc", "derm-star")
    frames = [(kind, render_still(kind, SEED, width_px=WIDTH_PX, height_px=HEIGHT_PX)) for kind in kinds]
    frames += [
        ("dead leaves", dead_leaves(np.random.default_rng((SEED, 1)), HEIGHT_PX, WIDTH_PX)),
        ("clouds", clouds(np.random.default_rng((SEED, 2)), HEIGHT_PX, WIDTH_PX)),
    ]
    entries: list[Golden] = []
    members: dict[str, bytes] = {}
    tensors: list[U8] = []
    for i, (note, frame) in enumerate(frames):
        tensor = prepare(frame, spec).tensor
        entry = Golden(frame=f"golden/{i}-frame.png", tensor=f"golden/{i}-tensor.png", note=f"rendered: {note}")
        members |= {entry.frame: _png(frame), entry.tensor: _png(tensor)}
        entries.append(entry)
        tensors.append(tensor)
    return GoldenSet(tuple(entries), members, np.stack(tensors))
