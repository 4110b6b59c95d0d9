"""What a form says of itself is read from foreign bytes without the onnx package: it tells the truth, or raises ValueError."""

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from edge.backends.onnx_header import read_header
from tests.builders import an_onnx


def an_external_tensor(name: str, location: str) -> TensorProto:
    tensor = numpy_helper.from_array(np.ones(4, np.float32), name)
    onnx.external_data_helper.set_external_data(tensor, location)
    tensor.ClearField("raw_data")
    return tensor


def a_model(nodes: list[onnx.NodeProto], weights: list[TensorProto]) -> bytes:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])
    graph = helper.make_graph(nodes, "g", [value], [value], weights)
    return bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8).SerializeToString())


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_but_a_value_error(data: bytes) -> None:
    try:
        header = read_header(data)
    except ValueError:
        return
    assert header.ir_version > 0


@pytest.mark.parametrize("cut", range(0, len(an_onnx()), 7))
def test_a_truncated_model_is_refused_or_still_says_what_it_said(cut: int) -> None:
    try:
        header = read_header(an_onnx()[:cut])
    except ValueError:
        return
    assert (header.ir_version, header.external) == (8, ())


@pytest.mark.parametrize(("ir_version", "opset"), [(8, 13), (10, 18), (99, 13), (8, 99)])
def test_versions_are_those_that_onnx_wrote(ir_version: int, opset: int) -> None:
    header = read_header(an_onnx(ir_version=ir_version, opset=opset))
    assert (header.ir_version, header.opset, header.external) == (ir_version, opset, ())


def test_weights_in_another_file_are_found() -> None:
    assert read_header(a_model([], [an_external_tensor("w", "weights.bin")])).external == ("weights.bin",)


def test_weights_in_another_file_are_found_inside_a_branch() -> None:
    out = helper.make_tensor_value_info("w", TensorProto.FLOAT, [4])
    branch = helper.make_graph([], "branch", [], [out], [an_external_tensor("w", "hidden.bin")])
    node = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    assert read_header(a_model([node], [])).external == ("hidden.bin",)


def test_weights_in_another_file_are_found_in_a_constant() -> None:
    node = helper.make_node("Constant", [], ["y"], value=an_external_tensor("w", "constant.bin"))
    assert read_header(a_model([node], [])).external == ("constant.bin",)


def test_graphs_nested_without_end_are_refused() -> None:
    inner = helper.make_graph([], "g", [], [], [])
    for _ in range(25):
        inner = helper.make_graph([helper.make_node("If", [], ["y"], then_branch=inner)], "g", [], [], [])
    model = helper.make_model(inner, ir_version=8)
    with pytest.raises(ValueError, match="too deep"):
        read_header(bytes(model.SerializeToString()))
