"""A picture in the shape that a graph was exported for. Layout, dtype and batch come from the manifest, never from a guess."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.bundle.manifest import InputSpec
from edge.errors import BackendFault
from edge.frame import U8

__all__ = ["arrange", "graph_shape"]

FULL_RANGE: Final = np.float32(255.0)


def graph_shape(spec: InputSpec) -> tuple[int, int, int, int]:
    """The shape of the graph's input: (batch, h, w, 3) or (batch, 3, h, w)."""
    if spec.layout == "nhwc":
        return spec.batch, spec.height_px, spec.width_px, 3
    return spec.batch, 3, spec.height_px, spec.width_px


def arrange(tensor: U8, spec: InputSpec, dtype: np.dtype[Any]) -> NDArray[Any]:
    """(h, w, 3) uint8 -> C-contiguous array of `graph_shape(spec)`; for a float dtype (pixel / 255 - mean) / std per channel.

    dtype: what the graph takes: uint8, float32, or float16 (cast last, so that the arithmetic is float32's).
    A batch larger than 1 is filled with the same picture: no other content can reach a row that is read.
    """
    if tensor.shape != (spec.height_px, spec.width_px, 3) or tensor.dtype != np.uint8:
        raise BackendFault(
            f"the model takes {spec.width_px}x{spec.height_px} uint8 pictures with 3 channels, and was given {tensor.shape} {tensor.dtype}"
        )
    values: NDArray[Any] = tensor
    if dtype != np.uint8:
        scaled = tensor.astype(np.float32) / FULL_RANGE
        values = ((scaled - np.asarray(spec.mean, np.float32)) / np.asarray(spec.std, np.float32)).astype(dtype, copy=False)
    if spec.layout == "nchw":
        values = values.transpose(2, 0, 1)
    if spec.batch == 1:
        return np.ascontiguousarray(values[None])
    return np.ascontiguousarray(np.broadcast_to(values, (spec.batch, *values.shape)))
