"""A graph that was trained under ranges measured before: its values, in the graph whose names those ranges know.

The exporter counts names on from one export to the next, promises no order of nodes, and leaves out a bias that is zero. So two exports
of one network are paired along their wires, from the outputs back, after every convolution has been given a bias.
"""

from itertools import zip_longest
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from edge.errors import CheckFailed
from export.quantize.bias import correct
from export.quantize.fake import convolutions, rounded_weights
from export.quantize.ptq import Measured, prepare

__all__ = ["measured_as", "with_values_of"]


def measured_as(like: Measured, graph: Path, folder: Path) -> Measured:
    """For a graph that was trained under the ranges of `like`: its weights are meant for the grid, and go to the nearest value.

    Raises CheckFailed for a graph of another network.
    """
    ready, aware = folder / "aware.ready.onnx", folder / "aware.known.onnx"
    prepare(graph, ready)
    known = with_values_of(onnx.load(like.graph), onnx.load(ready))
    onnx.save(known, aware)
    tensors = {tensor.name: tensor for tensor in known.graph.initializer}
    layers = convolutions(known)
    weights = {layer.name: rounded_weights(np.asarray(numpy_helper.to_array(tensors[layer.weight]), np.float32)) for layer in layers}
    return Measured(aware, like.cache, like.ranges, weights, {})


def with_values_of(known: onnx.ModelProto, trained: onnx.ModelProto) -> onnx.ModelProto:
    """`known` with the stored tensors of `trained`. Raises CheckFailed where the two are not the same network."""
    out, source = _with_all_biases(known), _with_all_biases(trained)
    mine, theirs = ({tensor.name: tensor for tensor in model.graph.initializer} for model in (out, source))
    for a, b in _same_wires(out, source).items():
        if (a in mine) != (b in theirs) or (a in mine and mine[a].dims != theirs[b].dims):
            raise _another_network()
        if a in mine:
            mine[a].CopyFrom(theirs[b])
            mine[a].name = a
    return out


def _with_all_biases(model: onnx.ModelProto) -> onnx.ModelProto:
    channels = {tensor.name: tensor.dims[0] for tensor in model.graph.initializer if tensor.dims}
    return correct(model, {layer.name: np.zeros(channels[layer.weight], np.float32) for layer in convolutions(model)})


def _same_wires(one: onnx.ModelProto, other: onnx.ModelProto) -> dict[str, str]:
    """Every wire of `one` that bears on an output -> the same wire of `other`."""
    made, also_made = ({name: (node, i) for node in model.graph.node for i, name in enumerate(node.output)} for model in (one, other))
    given = {value.name for value in one.graph.input}
    found: dict[str, str] = {}
    left = [(output.name, output.name) for output in one.graph.output]
    while left:
        a, b = left.pop()
        if a in found:
            if found[a] != b:
                raise _another_network()
            continue
        found[a] = b
        if a in made and b in also_made:
            (node, at), (twin, also_at) = made[a], also_made[b]
            if at != also_at or _kind(node) != _kind(twin):
                raise _another_network()
            left += zip_longest(node.input, twin.input, fillvalue="")
        elif a in made or b in also_made or (a in given and a != b):
            raise _another_network()
    return found


def _kind(node: onnx.NodeProto) -> tuple[str, dict[str, bytes]]:
    return node.op_type, {attribute.name: attribute.SerializeToString() for attribute in node.attribute}


def _another_network() -> CheckFailed:
    return CheckFailed("the trained graph is another network than the float one", do="remove the run's folder and start again")
