"""The real parser and builder accept a form of scheme trt_in through our own build function: with `tensorrt_rtx` no GPU is needed."""

import importlib
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper

from edge.backends.session import Graph
from edge.backends.tensorrt_build import build_plan, make_logger
from edge.bundle.manifest import Outputs
from edge.errors import BackendFault
from tests.builders import a_spec

SHAPE = (1, 64, 64, 3)
SAID: list[str] = []


@pytest.fixture(scope="module", params=["tensorrt_rtx", "tensorrt"])
def trt(request: pytest.FixtureRequest) -> ModuleType:
    name = str(request.param)
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed: its parser and builder are not run here")
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def logger(trt: ModuleType) -> Any:
    return make_logger(trt, SAID.append)


def a_quantised_conv_net(*, kind: type[np.signedinteger[Any]] | type[np.unsignedinteger[Any]] = np.int8) -> bytes:
    """uint8 NHWC -> Cast, Transpose, Div -> Q/DQ -> Conv with per-channel int8 weights and float bias -> ReLU -> pool -> MatMul."""
    rng = np.random.default_rng(0)
    weight = rng.normal(0, 0.3, (8, 3, 3, 3)).astype(np.float32)
    scale = (np.abs(weight).max((1, 2, 3)) / 127).astype(np.float32)
    constants: dict[str, Any] = {
        "full": np.float32(255),
        "x_scale": np.float32(1 / 127),
        "x_zero": kind(0),
        "w_int8": np.round(weight / scale[:, None, None, None]).astype(np.int8),
        "w_scale": scale,
        "w_zero": np.zeros(8, np.int8),
        "bias": rng.normal(0, 0.1, 8).astype(np.float32),
        "fc": rng.normal(0, 0.3, (8, 3)).astype(np.float32),
    }
    nodes: list[NodeProto] = [
        helper.make_node("Cast", ["input"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["cast"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Div", ["planes", "full"], ["x"]),
        helper.make_node("QuantizeLinear", ["x", "x_scale", "x_zero"], ["x_q"]),
        helper.make_node("DequantizeLinear", ["x_q", "x_scale", "x_zero"], ["x_dq"]),
        helper.make_node("DequantizeLinear", ["w_int8", "w_scale", "w_zero"], ["w"], axis=0),
        helper.make_node("Conv", ["x_dq", "w", "bias"], ["conv"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("GlobalAveragePool", ["relu"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "fc"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "trt_in",
        [helper.make_tensor_value_info("input", TensorProto.UINT8, list(SHAPE))],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10).SerializeToString())


def a_graph(data: bytes) -> Graph:
    spec = a_spec(dtype="uint8", layout="nhwc")
    return Graph(data, "probe.bundle: forms/trt-in.onnx", "d" * 64, "trt-in", "trt_in", 18, spec, Outputs(), 3)


def test_a_symmetric_int8_net_builds(trt: ModuleType, logger: Any) -> None:
    plan = build_plan(trt, logger, a_graph(a_quantised_conv_net()), SHAPE, SAID.append)
    assert len(plan) > 1000


def test_uint8_activations_whose_ranges_it_would_halve_are_refused(trt: ModuleType, logger: Any) -> None:
    with pytest.raises(BackendFault) as caught:
        build_plan(trt, logger, a_graph(a_quantised_conv_net(kind=np.uint8)), SHAPE, SAID.append)
    assert "trt_in" in (caught.value.do or "")


def test_what_is_no_model_is_refused_with_the_parsers_words(trt: ModuleType, logger: Any) -> None:
    with pytest.raises(BackendFault) as caught:
        build_plan(trt, logger, a_graph(b"no model at all"), SHAPE, SAID.append)
    assert "refuses the graph" in caught.value.line()
    assert "trt_in" in (caught.value.do or "")
