"""What rounding adds on average is taken away, ranges follow their rule, and a layer's effect is seen alone."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge.errors import CheckFailed
from export.quantize.bias import correct, mean_errors
from export.quantize.fake import convolutions, only_int8, rounded_weights
from export.quantize.ptq import measure
from export.quantize.ranges import Samples, choose, sample
from export.quantize.sensitivity import run_logits, scan, write_effects
from export.report.gather import read_layers

PICTURES = np.random.default_rng(1).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)


def a_net(path: Path) -> Path:
    """uint8 NHWC 16x16 -> two convolutions; the first has one huge weight, so that rounding hurts the others."""
    rng = np.random.default_rng(0)
    first = rng.standard_normal((8, 3, 3, 3)).astype(np.float32) * 0.02
    first[:, 0, 0, 0] = 3.0
    values = {
        "w1": first,
        "b1": np.full(8, 0.1, np.float32),
        "w2": rng.standard_normal((4, 8, 3, 3)).astype(np.float32) * 0.1,
        "axes": np.array([2, 3], np.int64),
        "scale": np.float32(1 / 255),
    }
    nodes = [
        helper.make_node("Cast", ["input"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["f"], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Mul", ["t", "scale"], ["x"]),
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], name="second", pads=[1, 1, 1, 1]),
        helper.make_node("ReduceMean", ["c2", "axes"], ["logits"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("input", TensorProto.UINT8, [1, 16, 16, 3])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


def weight_of(model: onnx.ModelProto, name: str) -> np.ndarray:
    return numpy_helper.to_array(next(tensor for tensor in model.graph.initializer if tensor.name == name))


def test_the_correction_takes_off_the_mean_error_of_the_rounded_layers(tmp_path: Path) -> None:
    graph = a_net(tmp_path / "net.onnx")
    model, wide = onnx.load(graph), choose(sample(graph, PICTURES), "minmax")
    wanted = run_logits(model, PICTURES)
    nearest = {"first": rounded_weights(weight_of(model, "w1")), "second": rounded_weights(weight_of(model, "w2"))}
    errors = mean_errors(graph, PICTURES, nearest)
    plain = run_logits(only_int8(model, nearest, wide), PICTURES) - wanted
    mended = run_logits(only_int8(correct(model, errors), nearest, wide), PICTURES) - wanted
    assert np.abs(mended.mean(0)).max() < 0.5 * np.abs(plain.mean(0)).max()


def test_layers_and_their_cost_are_found_in_the_order_of_the_picture(tmp_path: Path) -> None:
    found = convolutions(onnx.load(a_net(tmp_path / "net.onnx")))
    assert [(layer.name, layer.macs, layer.depthwise) for layer in found] == [
        ("first", 8 * 27 * 256, False),
        ("second", 4 * 72 * 256, False),
    ]


def test_the_scan_ranks_layers_by_what_each_does_alone_and_the_report_reads_them(tmp_path: Path) -> None:
    graph = a_net(tmp_path / "net.onnx")
    effects = scan(measure(graph, PICTURES, tmp_path), PICTURES)
    assert {effect.layer for effect in effects} == {"first", "second"}
    assert effects[0].kl > effects[1].kl > 0
    assert sum(effect.share for effect in effects) == pytest.approx(1.0)
    write_effects(effects, tmp_path / "effects.json")
    assert [layer.layer for layer in read_layers(tmp_path / "effects.json")] == [effect.layer for effect in effects]


def test_percentile_and_mse_cut_off_what_is_rare() -> None:
    values = np.append(np.random.default_rng(0).standard_normal(200_000), [60.0]).astype(np.float32)
    samples = Samples({"t": values}, {"t": (float(values.min()), 60.0)})
    assert choose(samples, "minmax")["t"][1] == 60.0
    assert choose(samples, "percentile", 99.9)["t"][1] == pytest.approx(3.3, abs=0.2)
    # where n ((h - low) / 255)^2 / 12, the rounding, and (60 - h)^2, the clipping of the one, are least together
    assert choose(samples, "mse")["t"][1] == pytest.approx(46.8, abs=1.0)


def test_a_range_holds_zero_and_is_never_empty() -> None:
    samples = Samples({"a": np.full(9, 2.0, np.float32), "b": np.zeros(9, np.float32)}, {"a": (2.0, 2.0), "b": (0.0, 0.0)})
    for rule in ("minmax", "percentile", "mse"):
        found = choose(samples, rule)
        assert all(low <= 0 <= high and high > low for low, high in found.values())


def test_no_pictures_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="no pictures"):
        sample(a_net(tmp_path / "net.onnx"), PICTURES[:0])
