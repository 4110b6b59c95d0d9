"""A float graph in which chosen convolutions compute as INT8 would: the instrument of the scan and of the bias correction."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from edge.frame import F32

__all__ = ["Convolution", "convolutions", "only_int8", "rounded_weights", "weight_scales"]


@dataclass(frozen=True, slots=True)
class Convolution:
    """One Conv node. macs: multiply-accumulates of one picture; depthwise: one input channel per group."""

    name: str
    source: str
    output: str
    weight: str
    bias: str
    macs: int
    depthwise: bool


def _shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    inferred = onnx.shape_inference.infer_shapes(model)
    values = (*inferred.graph.value_info, *inferred.graph.output, *inferred.graph.input)
    return {value.name: tuple(d.dim_value for d in value.type.tensor_type.shape.dim) for value in values}


def convolutions(model: onnx.ModelProto) -> tuple[Convolution, ...]:
    """All Conv nodes in the order in which a picture meets them."""
    shapes = _shapes(model)
    dims = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    found = []
    for node in model.graph.node:
        if node.op_type != "Conv":
            continue
        weight = dims[node.input[1]]
        spatial = int(np.prod(shapes[node.output[0]][2:]))
        bias = node.input[2] if len(node.input) > 2 else ""
        macs = int(np.prod(weight)) * spatial
        found.append(Convolution(node.name, node.input[0], node.output[0], node.input[1], bias, macs, weight[1] == 1))
    return tuple(found)


def weight_scales(weight: F32) -> F32:
    """Step of the int8 grid of each output channel (axis 0), shaped to divide the weight: what ONNX Runtime's quantiser chooses."""
    peak = np.abs(weight).reshape(len(weight), -1).max(1)
    return np.asarray(np.where(peak > 0, peak / 127, 1.0), np.float32).reshape(-1, *[1] * (weight.ndim - 1))


def rounded_weights(weight: F32) -> F32:
    """To the nearest value of the grid, back in float."""
    scale = weight_scales(weight)
    return np.asarray(np.clip(np.rint(weight / scale), -127, 127) * scale, np.float32)


def _input_scale(low: float, high: float, *, symmetric: bool) -> tuple[np.float32, NDArray[np.generic]]:
    if symmetric:
        return np.float32(max(abs(low), abs(high)) / 127), np.zeros((), np.int8)
    scale = (high - low) / 255
    return np.float32(scale), np.array(np.clip(np.rint(-low / scale), 0, 255), np.uint8)


def only_int8(
    model: onnx.ModelProto, weights: Mapping[str, F32], ranges: dict[str, tuple[float, float]], *, symmetric: bool = False
) -> onnx.ModelProto:
    """A copy of the graph where the convolutions that `weights` names have these and a rounded input; everything else is float.

    weights: on the int8 grid, in float. symmetric: int8 with zero point 0 at the input (trt_in), else uint8 (u8s8).
    """
    out = onnx.ModelProto()
    out.CopyFrom(model)
    tensors = {tensor.name: tensor for tensor in out.graph.initializer}
    nodes = []
    for node in out.graph.node:
        if node.op_type == "Conv" and node.name in weights:
            weight = tensors[node.input[1]]
            weight.CopyFrom(numpy_helper.from_array(weights[node.name], weight.name))
            scale, zero = _input_scale(*ranges[node.input[0]], symmetric=symmetric)
            constants = [f"{node.name}_in_scale", f"{node.name}_in_zero"]
            out.graph.initializer.extend(numpy_helper.from_array(np.asarray(v), n) for v, n in zip((scale, zero), constants, strict=True))
            q, dq = f"{node.name}_in_q", f"{node.name}_in_dq"
            nodes.append(helper.make_node("QuantizeLinear", [node.input[0], *constants], [q], name=q))
            nodes.append(helper.make_node("DequantizeLinear", [q, *constants], [dq], name=dq))
            node.input[0] = dq
        nodes.append(node)
    del out.graph.node[:]
    out.graph.node.extend(nodes)
    return out
