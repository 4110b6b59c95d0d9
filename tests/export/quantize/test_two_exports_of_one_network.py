"""Values go from one export of a network to another one by what computes them, not by the order or the names of the nodes."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge.errors import CheckFailed
from export.quantize.relearned import with_values_of
from export.quantize.sensitivity import run_logits

PICTURES = np.random.default_rng(4).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
TWO_WAYS = ["cast", "turn", "left", "right", "join", "mean"]


def two_ways(
    seed: int, *, order: list[str] = TWO_WAYS, prefix: str = "", pads: int = 1, channels: int = 4, biases: tuple[str, ...] = ()
) -> onnx.ModelProto:
    """uint8 8x8 -> two convolutions of the same shape side by side, right - left, mean. order: in which the nodes stand."""
    rng = np.random.default_rng(seed)

    def node(op: str, inputs: list[str], output: str, **given: Any) -> onnx.NodeProto:
        return helper.make_node(op, inputs, [output], name=f"{prefix}{output}", **given)

    def conv(name: str) -> onnx.NodeProto:
        bias = [f"{prefix}b-{name}"] if name in biases else []
        return node("Conv", [f"{prefix}t", f"{prefix}w-{name}", *bias], f"{prefix}{name}", pads=[pads] * 4)

    nodes = {
        "cast": node("Cast", ["input"], f"{prefix}f", to=TensorProto.FLOAT),
        "turn": node("Transpose", [f"{prefix}f"], f"{prefix}t", perm=[0, 3, 1, 2]),
        "left": conv("left"),
        "right": conv("right"),
        "join": node("Sub", [f"{prefix}right", f"{prefix}left"], f"{prefix}d"),
        "mean": node("ReduceMean", [f"{prefix}d", f"{prefix}axes"], "logits", keepdims=0),
    }
    values = {f"w-{name}": rng.standard_normal((channels, 3, 3, 3)).astype(np.float32) for name in ("left", "right")}
    values |= {f"b-{name}": rng.standard_normal(channels).astype(np.float32) for name in biases}
    values["axes"] = np.array([2, 3], np.int64)
    graph = helper.make_graph(
        [nodes[name] for name in order],
        "net",
        [helper.make_tensor_value_info("input", TensorProto.UINT8, [1, 8, 8, 3])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, channels])],
        [numpy_helper.from_array(value, f"{prefix}{name}") for name, value in values.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@pytest.mark.parametrize("biases", [(), ("left",), ("left", "right")])
def test_another_order_other_names_and_a_bias_that_was_zero_change_nothing(biases: tuple[str, ...]) -> None:
    trained = two_ways(2, order=["cast", "turn", "right", "left", "join", "mean"], prefix="again-", biases=biases)
    found = with_values_of(two_ways(1), trained)
    assert [node.name for node in found.graph.node] == [node.name for node in two_ways(1).graph.node]
    assert np.array_equal(run_logits(found, PICTURES), run_logits(trained, PICTURES))


def test_what_a_wire_is_called_does_not_decide_what_it_is() -> None:
    trained = two_ways(2)
    join = next(node for node in trained.graph.node if node.op_type == "Sub")
    join.input[0], join.input[1] = join.input[1], join.input[0]
    assert np.array_equal(run_logits(with_values_of(two_ways(1), trained), PICTURES), run_logits(trained, PICTURES))


def test_another_network_is_refused() -> None:
    added, cut = two_ways(2), two_ways(2)
    next(node for node in added.graph.node if node.op_type == "Sub").op_type = "Add"
    next(node for node in cut.graph.node if node.op_type == "Sub").input[1] = "t"
    for other in (added, cut, two_ways(2, pads=0), two_ways(2, channels=5)):
        with pytest.raises(CheckFailed, match="another network"):
            with_values_of(two_ways(1), other)
