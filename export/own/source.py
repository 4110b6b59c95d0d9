"""An ONNX file from anywhere -> one whole model in memory, its weights inside, or a refusal that names what is wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import TensorProto, numpy_helper
from onnx.inliner import inline_local_functions

from edge.bundle.image import MAX_BUNDLE_B
from edge.errors import InputRefused

__all__ = ["graphs_of", "read_model", "tensors_of"]

STANDARD = ("", "ai.onnx")
FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)


def graphs_of(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """The graph and every graph within its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from graphs_of(inner)


def tensors_of(model: onnx.ModelProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Every stored tensor with a name that a person can find: initializers, and values of Constant nodes and the like."""
    for graph in graphs_of(model.graph):
        for tensor in graph.initializer:
            yield tensor.name, tensor
        for node in graph.node:
            for attribute in node.attribute:
                for tensor in (*([attribute.t] if attribute.HasField("t") else []), *attribute.tensors):
                    yield node.output[0], tensor


def read_model(path: Path) -> onnx.ModelProto:
    """Raises InputRefused: not there, too large, cut off, no ONNX, foreign operators, weights missing or not finite."""
    try:
        size_b = path.stat().st_size
        if size_b > MAX_BUNDLE_B:
            raise _too_large(path)
        data = path.read_bytes()
    except OSError as error:
        raise InputRefused(f"{path}: {error.strerror}", do="name an ONNX file that can be read") from error
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise InputRefused(f"{path} is cut off, or no ONNX file", do="export or copy it again") from error
    if not model.ir_version or not model.graph.node:
        raise InputRefused(f"{path} is no ONNX model: it has no graph", do="export or copy it again")
    _inline(model, path)
    if model.functions:
        model = inline_local_functions(model)
    _refuse_foreign(model, path)
    _refuse_not_finite(model, path)
    return model


def _too_large(path: Path) -> InputRefused:
    return InputRefused(f"{path} is larger than {MAX_BUNDLE_B >> 20} MB, the most a bundle holds", do="export a smaller model")


def _inline(model: onnx.ModelProto, path: Path) -> None:
    """Weights of side files, read from beside the model and from nowhere else."""
    room_b = MAX_BUNDLE_B
    for name, tensor in tensors_of(model):
        if tensor.data_location != TensorProto.EXTERNAL:
            continue
        said = {entry.key: entry.value for entry in tensor.external_data}
        raw = _side_data(path, name, tensor, said)
        room_b -= len(raw)
        if room_b < 0:
            raise _too_large(path)
        tensor.raw_data = raw
        tensor.ClearField("external_data")
        tensor.data_location = TensorProto.DEFAULT


def _side_data(path: Path, name: str, tensor: onnx.TensorProto, said: dict[str, str]) -> bytes:
    location, folder = said.get("location", ""), path.resolve().parent
    try:
        side = (folder / location).resolve()
        offset_b = int(said.get("offset", "0"))
        length_b = int(said["length"]) if "length" in said else None
        wanted_b = int(np.prod(tensor.dims, dtype=np.int64)) * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    except (ValueError, KeyError, OSError) as error:
        raise InputRefused(f"{path}: weights '{name}' are named in a way that cannot be read", do="export it again") from error
    if not location or not side.is_relative_to(folder) or Path(location).is_absolute():
        raise InputRefused(
            f"{path}: weights '{name}' are said to lie in '{location}', outside the model's folder", do="put that file beside the model"
        )
    if not side.is_file():
        raise InputRefused(f"{path}: its weights file '{location}' is missing", do=f"copy it to {path.parent}")
    if wanted_b > MAX_BUNDLE_B:
        raise _too_large(path)
    if offset_b < 0 or (length_b if length_b is not None else wanted_b) != wanted_b or offset_b + wanted_b > side.stat().st_size:
        raise InputRefused(f"{path}: its weights file '{location}' is too short for '{name}'", do="copy it again, whole")
    with side.open("rb") as file:
        file.seek(offset_b)
        return file.read(wanted_b)


def _refuse_foreign(model: onnx.ModelProto, path: Path) -> None:
    foreign = sorted({f"{n.domain}:{n.op_type}" for g in graphs_of(model.graph) for n in g.node if n.domain not in STANDARD})
    if foreign:
        raise InputRefused(f"{path} has custom operators: {', '.join(foreign)}", do="export it with the operators of ONNX alone")


def _refuse_not_finite(model: onnx.ModelProto, path: Path) -> None:
    for name, tensor in tensors_of(model):
        if tensor.data_type not in FLOATS:
            continue
        try:
            values: Any = numpy_helper.to_array(tensor)
        except ValueError as error:
            raise InputRefused(f"{path}: weights '{name}' are cut off", do="export or copy it again") from error
        if not np.isfinite(values.astype(np.float64)).all():
            raise InputRefused(f"{path}: weights '{name}' hold NaN or Inf", do="export a checkpoint from before the training diverged")
