"""The graph between our input and our output: uint8 NHWC pictures in, logits (1, K) out.

Cast comes first, then Transpose: the other way round TensorRT meets a uint8 transpose, which it does not have.
"""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edge.errors import InputRefused
from export.own.ending import Ending
from export.own.ports import Taken
from export.own.source import graphs_of

__all__ = ["wrap"]

OWN = "sonoderm_"
SMALLEST = 1e-7  # a probability of 0 has no logarithm
Values = tuple[float, ...]


def wrap(model: onnx.ModelProto, taken: Taken, ending: Ending, classes: int, mean: Values, std: Values, opset: int) -> onnx.ModelProto:
    """model: float32, one input. classes: width of its output; 1 is a logit of the second label. mean, std: one per channel of it."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    _rename(graph)
    before: list[onnx.NodeProto] = []
    after: list[onnx.NodeProto] = []

    def constant(name: str, value: object, dtype: type[np.generic] = np.float32) -> str:
        graph.initializer.append(numpy_helper.from_array(np.asarray(value, dtype), OWN + name))
        return OWN + name

    def node(where: list[onnx.NodeProto], op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        where.append(helper.make_node(op, inputs, [output], name=OWN + op.lower() + str(len(where)) + output, **attributes))
        return output

    shape = (1, taken.channels, 1, 1)
    at = node(before, "Cast", ["input"], OWN + "float", to=TensorProto.FLOAT)
    at = node(before, "Transpose", [at], OWN + "planes", perm=[0, 3, 1, 2])
    if taken.channels == 1:
        at = node(before, "Gather", [at, constant("first", [0], np.int64)], OWN + "grey", axis=1)
    at = node(before, "Sub", [at, constant("mean", np.reshape(np.array(mean) * 255, shape))], OWN + "centred")
    at = node(before, "Mul", [at, constant("scale", np.reshape(1 / (255 * np.array(std)), shape))], OWN + "scaled")
    if taken.layout == "nhwc":
        at = node(before, "Transpose", [at], OWN + "pixels", perm=[0, 2, 3, 1])
    if taken.batch is not None and taken.batch > 1:
        at = node(before, "Concat", [at] * taken.batch, OWN + "batch", axis=0)
    node(before, "Identity", [at], _inner(taken.name))

    at = _inner(ending.tap)
    row = constant("row", [1, classes], np.int64)
    if taken.batch is not None and taken.batch > 1:
        at = node(after, "Gather", [at, constant("picture", [0], np.int64)], OWN + "one", axis=0)
    at = node(after, "Reshape", [at, row], OWN + "flat")
    if ending.invert:
        low, high = constant("low", SMALLEST), constant("high", 1 - SMALLEST)
        at = node(after, "Clip", [at, low, high], OWN + "clipped")
        log = node(after, "Log", [at], OWN + "log")
        if classes == 1:
            rest = node(after, "Sub", [constant("one_minus", 1.0), at], OWN + "rest")
            log = node(after, "Sub", [log, node(after, "Log", [rest], OWN + "log_rest")], OWN + "logit")
        at = log
    if classes == 1:
        at = node(after, "Concat", [constant("zero", [[0.0]]), at], OWN + "two", axis=1)
    node(after, "Identity", [at], "logits")

    nodes = [*before, *graph.node, *after]
    kept = _needed(nodes)
    del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:]
    graph.node.extend(kept)
    used = {name for n in kept for name in _reads(n)}
    stored = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(stored)
    graph.input.append(helper.make_tensor_value_info("input", TensorProto.UINT8, [1, taken.height_px, taken.width_px, 3]))
    graph.output.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, max(2, classes)]))
    made.producer_name, made.producer_version, made.doc_string = "sonoderm export bundle", "", ""
    try:
        onnx.checker.check_model(made)
    except onnx.checker.ValidationError as error:
        raise InputRefused(
            f"the graph breaks the rules of ONNX opset {opset}: {' '.join(str(error).split())[:160]}", do="export it again"
        ) from error
    return made


def _inner(name: str) -> str:
    return "model_" + name if name else name


def _rename(graph: onnx.GraphProto) -> None:
    """Every name of the graph gets a prefix, so that ours cannot meet one of it."""
    for part in graphs_of(graph):
        for node in part.node:
            node.input[:] = [_inner(name) for name in node.input]
            node.output[:] = [_inner(name) for name in node.output]
            if node.name:
                node.name = _inner(node.name)
        for value in (*part.initializer, *part.input, *part.output, *part.value_info):
            value.name = _inner(value.name)
        for sparse in part.sparse_initializer:
            sparse.values.name = _inner(sparse.values.name)


def _reads(node: onnx.NodeProto) -> set[str]:
    """Names that a node needs, those that graphs within it take from outside among them."""
    found = set(node.input)
    for attribute in node.attribute:
        for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            for part in graphs_of(inner):
                found |= {name for n in part.node for name in n.input} | {value.name for value in part.output}
    return found


def _needed(nodes: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Those that `logits` depends on, in their order."""
    wanted, kept = {"logits"}, []
    for node in reversed(nodes):
        if wanted & set(node.output):
            kept.append(node)
            wanted |= _reads(node)
    return kept[::-1]
