"""What the graph takes and gives: one picture in, one row of classes out. Everything else is refused with the fix."""

from dataclasses import dataclass
from typing import Literal

import onnx
from onnx import TensorProto

from edge.errors import InputRefused, UsageError

__all__ = ["Taken", "choose_output", "read_input"]

FLOATS = {TensorProto.FLOAT: "float32", TensorProto.FLOAT16: "float16", TensorProto.DOUBLE: "float64"}


@dataclass(frozen=True, slots=True)
class Taken:
    """The graph's one input. channels: 3 or 1. batch: None where open. dtype: numpy's name."""

    name: str
    layout: Literal["nchw", "nhwc"]
    channels: int
    width_px: int
    height_px: int
    batch: int | None
    dtype: str


def _dims(value: onnx.ValueInfoProto) -> list[int | None]:
    return [d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None for d in value.type.tensor_type.shape.dim]


def _shown(dims: list[int | None]) -> str:
    return "x".join("?" if size is None else str(size) for size in dims)


def read_input(graph: onnx.GraphProto, size: tuple[int, int] | None) -> Taken:
    """size: (width, height) of --size. Raises InputRefused for another input than pictures, UsageError where --size lacks or differs."""
    stored = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in stored]
    if len(inputs) != 1:
        names = ", ".join(value.name for value in inputs) or "none"
        raise InputRefused(f"the model has {len(inputs)} inputs ({names}), and a picture fills one", do="export it with the picture alone")
    (value,) = inputs
    dims, kind = _dims(value), value.type.tensor_type.elem_type
    if kind not in FLOATS:
        name = TensorProto.DataType.Name(kind).lower()
        raise InputRefused(f"the input '{value.name}' is {name}, not float", do="export the model with float pictures as its input")
    if len(dims) != 4:
        raise InputRefused(
            f"the input '{value.name}' is {_shown(dims)}: no batch of pictures", do="export a picture classifier (N x 3 x H x W)"
        )
    first, last = dims[1] in (1, 3), dims[3] in (1, 3)
    if first == last:
        raise InputRefused(
            f"the input '{value.name}' is {_shown(dims)}: no dimension says which is colour", do="export it with 3 (or 1) channels fixed"
        )
    channels, height, width = (dims[1], dims[2], dims[3]) if first else (dims[3], dims[1], dims[2])
    if size is None and (height is None or width is None):
        raise UsageError(
            f"the input '{value.name}' is {_shown(dims)}: width and height are open", do="say what it was trained at: --size WxH"
        )
    wanted = size or (width or 0, height or 0)
    if (width or wanted[0], height or wanted[1]) != wanted:
        raise UsageError(f"--size {wanted[0]}x{wanted[1]}, and the model is fixed to {width}x{height}", do="leave --size out")
    if not all(16 <= side <= 1024 for side in wanted):
        raise InputRefused(f"the model takes {wanted[0]}x{wanted[1]} px; a bundle holds 16 to 1024", do="export it for another size")
    return Taken(value.name, "nchw" if first else "nhwc", channels or 3, wanted[0], wanted[1], dims[0], FLOATS[kind])


def choose_output(graph: onnx.GraphProto, wanted: str | None) -> str:
    """The name of the output that holds the classes. Raises UsageError where it has to be named."""
    names = [str(value.name) for value in graph.output]
    if wanted is not None:
        if wanted not in names:
            raise UsageError(f"the model has no output '{wanted}'", do=f"choose one of: {', '.join(names)}")
        return wanted
    if len(names) != 1:
        raise UsageError(f"the model has {len(names)} outputs", do=f"say which one holds the classes: --output {' | '.join(names)}")
    return names[0]
