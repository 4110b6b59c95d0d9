"""Both INT8 forms come from one graph and one file of ranges, and each is what its engine takes."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge.errors import CheckFailed
from edge.frame import U8
from export.quantize.ptq import assert_tensorrt_form, measure, write_form


def a_small_net(path: Path) -> Path:
    """uint8 NHWC 16x16 -> conv 8, relu6, conv 4, mean: the ops of a student, in small."""
    rng = np.random.default_rng(0)
    weights = {
        "w1": rng.standard_normal((8, 3, 3, 3)).astype(np.float32) * 0.2,
        "b1": rng.standard_normal(8).astype(np.float32) * 0.1,
        "w2": rng.standard_normal((4, 8, 3, 3)).astype(np.float32) * 0.2,
        "b2": np.zeros(4, np.float32),
        "low": np.float32(0),
        "high": np.float32(6),
        "scale": np.float32(1 / 127.5),
        "axes": np.array([2, 3], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["input"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["f"], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Mul", ["t", "scale"], ["x"]),
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], name="conv1", pads=[1, 1, 1, 1]),
        helper.make_node("Clip", ["c1", "low", "high"], ["r1"], name="clip1"),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], name="conv2", pads=[1, 1, 1, 1]),
        helper.make_node("ReduceMean", ["c2", "axes"], ["logits"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("input", TensorProto.UINT8, [1, 16, 16, 3])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def some_pictures() -> U8:
    return np.random.default_rng(1).integers(0, 256, (16, 16, 16, 3), dtype=np.uint8)


def logits(path: Path, pictures: U8) -> np.ndarray:
    session = ort.InferenceSession(str(path))
    return np.concatenate([session.run(None, {"input": picture[None]})[0] for picture in pictures])


def test_both_forms_answer_like_the_float_graph_from_the_same_measurements(tmp_path: Path) -> None:
    graph = a_small_net(tmp_path / "float.onnx")
    wanted, measured = logits(graph, some_pictures()), measure(graph, some_pictures(), tmp_path)
    for scheme in ("u8s8", "trt_in"):
        write_form(measured, scheme, tmp_path / f"{scheme}.onnx")
        found = logits(tmp_path / f"{scheme}.onnx", some_pictures())
        assert np.abs(found - wanted).max() < 0.05 * np.ptp(wanted)


def test_the_tensorrt_form_has_no_unsigned_and_no_shifted_zero_point(tmp_path: Path) -> None:
    measured = measure(a_small_net(tmp_path / "float.onnx"), some_pictures(), tmp_path)
    write_form(measured, "u8s8", tmp_path / "u8s8.onnx")
    write_form(measured, "trt_in", tmp_path / "trt.onnx")
    assert_tensorrt_form(onnx.load(tmp_path / "trt.onnx"))
    with pytest.raises(CheckFailed, match="zero point"):
        assert_tensorrt_form(onnx.load(tmp_path / "u8s8.onnx"))


def test_no_form_names_a_domain_that_no_node_uses(tmp_path: Path) -> None:
    measured = measure(a_small_net(tmp_path / "float.onnx"), some_pictures(), tmp_path)
    write_form(measured, "u8s8", tmp_path / "u8s8.onnx")
    assert [entry.domain for entry in onnx.load(tmp_path / "u8s8.onnx").opset_import] == [""]


def test_a_layer_that_is_kept_in_float_holds_its_weights_as_they_were(tmp_path: Path) -> None:
    measured = measure(a_small_net(tmp_path / "float.onnx"), some_pictures(), tmp_path)
    write_form(measured, "u8s8", tmp_path / "u8s8.onnx", ("conv2",))
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(tmp_path / "u8s8.onnx").graph.initializer}
    kept = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(measured.graph).graph.initializer}
    assert np.array_equal(held["w2"], kept["w2"])
    assert "w1_quantized" in held
