"""An embedding for the scope bank, taken from the owner's own graph: what its last matrix multiplication reads, on its main axes."""

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from edge.frame import F32, U8
from export.quantize.session import session_of

__all__ = ["Embedded", "embed"]

DIM = 128
PASSED = ("Identity", "Reshape", "Add", "Sub", "Gather", "Concat", "Log", "Clip", "Squeeze")  # between the last weights and our logits
OWN = "sonoderm_"


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """model: with an output `embedding` (1, d), length 1. rows: (n, d) of the pictures that it was made from."""

    model: onnx.ModelProto
    rows: F32


def embed(model: onnx.ModelProto, pictures: U8) -> Embedded | None:
    """pictures: (n, h, w, 3) uint8. None where the graph does not end in a matrix multiplication of a row of features."""
    tensor = _features(model)
    if tensor is None:
        return None
    seen = _run(model, tensor, pictures)
    if seen is None:
        return None
    centre = seen.mean(0)
    _, spread, axes = np.linalg.svd(seen - centre, full_matrices=False)
    kept = min(DIM, int((spread > 1e-5 * spread[0]).sum())) if spread.size and spread[0] > 0 else 0
    if kept < 2:
        return None
    basis = np.ascontiguousarray(axes[:kept].T, np.float32)
    projected = (seen - centre) @ basis
    rows = projected / np.sqrt((projected**2).sum(1, keepdims=True) + 1e-12)
    return Embedded(_with_output(model, tensor, centre.astype(np.float32), basis), rows.astype(np.float32))


def _features(model: onnx.ModelProto) -> str | None:
    """Name of the tensor that the last Gemm or MatMul with stored weights reads."""
    made_by = {name: node for node in model.graph.node for name in node.output}
    stored = {tensor.name for tensor in model.graph.initializer}
    at = "logits"
    while (node := made_by.get(at)) is not None:
        if node.op_type in ("Gemm", "MatMul"):
            return node.input[0] if node.input[1] in stored else None
        before = [name for name in node.input if name and name not in stored]
        if node.op_type not in PASSED or len(before) != 1:
            return None
        at = before[0]
    return None


def _run(model: onnx.ModelProto, tensor: str, pictures: U8) -> NDArray[np.float64] | None:
    """(n, f), first row of each; None where it is no row of features."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.append(helper.make_empty_tensor_value_info(tensor))
    session = session_of(watched)
    rows = [np.asarray(session.run([tensor], {"input": np.ascontiguousarray(picture[None])})[0]) for picture in pictures]
    if rows[0].ndim != 2 or rows[0].shape[0] != 1:
        return None
    return np.concatenate(rows).astype(np.float64)


def _with_output(model: onnx.ModelProto, tensor: str, centre: F32, basis: F32) -> onnx.ModelProto:
    out = onnx.ModelProto()
    out.CopyFrom(model)
    constants = {"centre": centre, "basis": basis, "tiny": np.float32(1e-12), "axis": np.array([1], np.int64)}
    out.graph.initializer.extend(numpy_helper.from_array(np.asarray(value), f"{OWN}e_{name}") for name, value in constants.items())
    opset = next(entry.version for entry in out.opset_import if entry.domain in ("", "ai.onnx"))
    summed = (
        helper.make_node("ReduceSum", [f"{OWN}e_square", f"{OWN}e_axis"], [f"{OWN}e_sum"], name=f"{OWN}e_sum", keepdims=1)
        if opset >= 13
        else helper.make_node("ReduceSum", [f"{OWN}e_square"], [f"{OWN}e_sum"], name=f"{OWN}e_sum", axes=[1], keepdims=1)
    )
    out.graph.node.extend(
        [
            helper.make_node("Sub", [tensor, f"{OWN}e_centre"], [f"{OWN}e_moved"], name=f"{OWN}e_moved"),
            helper.make_node("MatMul", [f"{OWN}e_moved", f"{OWN}e_basis"], [f"{OWN}e_row"], name=f"{OWN}e_row"),
            helper.make_node("Mul", [f"{OWN}e_row", f"{OWN}e_row"], [f"{OWN}e_square"], name=f"{OWN}e_square"),
            summed,
            helper.make_node("Add", [f"{OWN}e_sum", f"{OWN}e_tiny"], [f"{OWN}e_more"], name=f"{OWN}e_more"),
            helper.make_node("Sqrt", [f"{OWN}e_more"], [f"{OWN}e_length"], name=f"{OWN}e_length"),
            helper.make_node("Div", [f"{OWN}e_row", f"{OWN}e_length"], ["embedding"], name=f"{OWN}e_embedding"),
        ]
    )
    out.graph.output.append(helper.make_tensor_value_info("embedding", onnx.TensorProto.FLOAT, [1, basis.shape[1]]))
    onnx.checker.check_model(out)
    return out
