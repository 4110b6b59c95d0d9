"""What rounding adds to each channel on average, taken off the float bias before the forms are made.

Empirical bias correction (Nagel et al., ICCV 2019, §4.2): each convolution runs twice on the same float input, with its own
and with its rounded weights; the mean difference per output channel is the correction.
As the inputs are those of the float graph, a layer answers for its own error alone, one pass is enough, and both forms,
which hold the same weights, share the result. A layer that stays in float must not be corrected: it has no error.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from edge.frame import F32, U8
from export.quantize.fake import convolutions
from export.quantize.session import session_of

__all__ = ["correct", "mean_errors"]


def mean_errors(graph: Path, pictures: U8, weights: Mapping[str, F32]) -> dict[str, F32]:
    """Conv name -> (channels,) mean over pictures and places of (rounded - float) output.

    pictures: (n, h, w, 3) uint8 of train. weights: conv name -> its rounded weights, in float.
    """
    model = onnx.load(graph)
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    nodes = {node.name: node for node in model.graph.node}
    asked = [layer for layer in convolutions(model) if layer.name in weights]
    for layer in asked:
        change = weights[layer.name] - tensors[layer.weight]
        name = f"{layer.name}_change"
        model.graph.initializer.append(numpy_helper.from_array(change.astype(np.float32), f"{name}_w"))
        twin = onnx.NodeProto()
        twin.CopyFrom(nodes[layer.name])  # a convolution is linear: the change of its output is the convolution with the change
        del twin.input[:], twin.output[:]
        twin.input.extend([layer.source, f"{name}_w"])
        twin.output.append(name)
        twin.name = name
        mean = helper.make_node("GlobalAveragePool", [name], [f"{name}_mean"], name=f"{name}_mean")  # the same in every opset
        model.graph.node.extend([twin, mean])
        model.graph.output.append(onnx.helper.make_tensor_value_info(f"{name}_mean", onnx.TensorProto.FLOAT, None))
    session = session_of(model)
    wanted = [f"{layer.name}_change_mean" for layer in asked]
    if not wanted:
        return {}
    total: list[F32] = []
    for picture in pictures:
        found = session.run(wanted, {"input": np.ascontiguousarray(picture[None])})
        total = [a + b for a, b in zip(total, found, strict=True)] if total else [np.asarray(b, np.float64) for b in found]
    return {layer.name: (row.reshape(-1) / len(pictures)).astype(np.float32) for layer, row in zip(asked, total, strict=True)}


def correct(model: onnx.ModelProto, errors: dict[str, F32]) -> onnx.ModelProto:
    """A copy of the graph whose biases have the mean errors taken off. A convolution without a bias gets one."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    tensors = {tensor.name: tensor for tensor in out.graph.initializer}
    for node in out.graph.node:
        if node.op_type != "Conv" or node.name not in errors:
            continue
        had = len(node.input) > 2 and node.input[2]
        old = numpy_helper.to_array(tensors[node.input[2]]) if had else np.float32(0)
        name = f"{node.name}_corrected_bias"  # of its own: two nodes may share one bias
        out.graph.initializer.append(numpy_helper.from_array(np.asarray(old - errors[node.name], np.float32), name))
        if had:
            node.input[2] = name
        else:
            del node.input[2:]
            node.input.append(name)
    used = {name for node in out.graph.node for name in node.input}
    keep = [tensor for tensor in out.graph.initializer if tensor.name in used]
    del out.graph.initializer[:]
    out.graph.initializer.extend(keep)
    return out
