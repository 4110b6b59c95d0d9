"""A plain ONNX file becomes a bundle that the device opens and that answers right; what cannot is refused in one line with the fix."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge.bundle.keyfile import read_public_key
from edge.cli.main import main
from export.bundle.keys import keygen
from export.sbom import sbom
from tests.builders import RED, a_picture, an_onnx

PLAIN = ("--mean", "0", "--std", "1", "--fit", "squash")


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    return int(ended.value.code or 0)


def colour(
    dtype: int = TensorProto.FLOAT, end: tuple[str, ...] = (), shape: tuple[int | str, ...] = (1, 3, 64, 64), opset: int = 13, k: int = 3
) -> onnx.ModelProto:
    """Mean colour x 10 of the first k channels, then `end`."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["z0"]),
    ]
    at = "z0"
    for i, op in enumerate(end):
        nodes.append(helper.make_node(op, [at], [f"e{i}"]))
        at = f"e{i}"
    nodes.append(helper.make_node("Identity", [at], ["scores"]))
    number = helper.tensor_dtype_to_np_dtype(dtype)
    weights = np.zeros((int(shape[1]) if isinstance(shape[1], int) else 3, k), number)
    np.fill_diagonal(weights, 10)
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("input", dtype, list(shape))],
        [helper.make_tensor_value_info("scores", dtype, ["n", k])],
        [numpy_helper.from_array(weights, "w")],
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", opset)])


def ir(model: onnx.ModelProto, version: int) -> onnx.ModelProto:
    model.ir_version = version
    return model


def opset(model: onnx.ModelProto, version: int) -> onnx.ModelProto:
    model.opset_import[0].version = version
    return model


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """Folder with key.pem and trust/, which believes it."""
    pair = keygen(tmp_path / "key.pem")
    (tmp_path / "trust").mkdir(mode=0o755)
    (tmp_path / "trust" / "key.pub").write_bytes(pair.public.read_bytes())
    assert read_public_key(pair.public)
    return tmp_path


def bundle(fleet: Path, model: onnx.ModelProto | bytes, *options: object, labels: str = "red,green,blue") -> int:
    data = model if isinstance(model, bytes) else model.SerializeToString()
    (fleet / "m.onnx").write_bytes(data)
    return run(
        "export",
        "bundle",
        "--onnx",
        fleet / "m.onnx",
        "--labels",
        labels,
        "--key",
        fleet / "key.pem",
        "--out",
        fleet / "m.bundle",
        *options,
    )


TAKEN: dict[str, tuple[Callable[[], onnx.ModelProto | bytes], tuple[str, ...], str]] = {
    "logits": (colour, (), "taken as logits"),
    "softmax": (lambda: colour(end=("Softmax",)), (), "the softmax at the end is cut off"),
    "log-softmax": (lambda: colour(end=("LogSoftmax",)), (), "the log-softmax at the end is cut off"),
    "sigmoid per class": (lambda: colour(end=("Sigmoid",)), (), "now share one softmax"),
    "softmax of a kind we cannot see": (lambda: colour(end=("Softmax", "Abs")), (), "taken back by its logarithm"),
    "open batch and size": (lambda: colour(shape=("n", 3, "h", "w")), ("--size", "64x64"), "taken as logits"),
    "batch of 8": (lambda: colour(shape=(8, 3, 64, 64)), (), "batches of 8"),
    "float16": (lambda: colour(TensorProto.FLOAT16), (), "float16 computed in float32"),
    "float64": (lambda: colour(TensorProto.DOUBLE), (), "float64 computed in float32"),
    "opset 11": (lambda: colour(opset=11), (), "taken as logits"),
    "opset 21": (lambda: ir(colour(opset=21), 10), (), "taken as logits"),
    "opset 9": (lambda: colour(opset=9), (), "opset 9 converted to 13"),
    "IR of tomorrow": (lambda: ir(colour(), 99), (), "IR version 99 written as 10"),
    "nhwc": (lambda: an_onnx(layout="nhwc"), (), "taken as logits"),
    "two outputs": (lambda: an_onnx(embedding=True), ("--output", "logits"), "taken as logits"),
}


@pytest.mark.parametrize("case", TAKEN)
def test_a_red_picture_is_red_whatever_the_file_was_like(case: str, fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, options, said = TAKEN[case]
    assert bundle(fleet, make(), *PLAIN, *options) == 0, capsys.readouterr().err
    err = capsys.readouterr().err
    assert said in err
    assert "no scope check" in err
    cv2.imwrite(str(fleet / "red.png"), a_picture(RED)[..., ::-1])
    assert (
        run("classify", fleet / "red.png", "--model", fleet / "m.bundle", "--trust", fleet / "trust", "--engine", "onnxruntime", "--json")
        == 0
    )
    found = json.loads(capsys.readouterr().out.splitlines()[0])
    assert max(found["probabilities"], key=found["probabilities"].get) == "red"


def test_one_sigmoid_and_two_labels_is_a_binary_model(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bundle(fleet, colour(end=("Sigmoid",), k=1), *PLAIN, labels="other,red") == 0, capsys.readouterr().err
    cv2.imwrite(str(fleet / "red.png"), a_picture(RED)[..., ::-1])
    capsys.readouterr()
    assert run("classify", fleet / "red.png", "--model", fleet / "m.bundle", "--trust", fleet / "trust", "--json") == 0
    p = json.loads(capsys.readouterr().out.splitlines()[0])["probabilities"]
    assert p["red"] == pytest.approx(1 / (1 + np.exp(-10 * 220 / 255)), abs=1e-3)


def test_check_passes_and_models_show_says_that_there_is_no_scope_check(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bundle(fleet, colour(shape=(1, 1, 64, 64), k=2), labels="a=Alpha,b") == 0, capsys.readouterr().err
    assert run("check", "--model", fleet / "m.bundle", "--trust", fleet / "trust", "--engine", "onnxruntime") == 0, capsys.readouterr()
    capsys.readouterr()
    assert run("models", "show", fleet / "m.bundle", "--trust", fleet / "trust") == 0
    assert "no scope check" in capsys.readouterr().out


def test_a_live_run_takes_it(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bundle(fleet, colour(), *PLAIN) == 0
    (fleet / "shown").mkdir()
    cv2.imwrite(str(fleet / "shown" / "red.png"), a_picture(RED, width_px=160, height_px=160)[..., ::-1])
    capsys.readouterr()
    words = ("--model", fleet / "m.bundle", "--trust", fleet / "trust", "--engine", "onnxruntime", "--sink", f"jsonl:{fleet / 'log.jsonl'}")
    assert run("run", f"dir:{fleet / 'shown'}", *words) == 0, capsys.readouterr().err
    log = [json.loads(line) for line in (fleet / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert any(line.get("model") == "m" for line in log)


def nan() -> onnx.ModelProto:
    model = colour()
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.full((3, 3), np.nan, np.float32), "w"))
    return model


def side(location: str) -> onnx.ModelProto:
    model = colour()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return model


def foreign() -> onnx.ModelProto:
    model = colour()
    model.graph.node[0].domain, model.graph.node[0].op_type = "acme", "Magic"
    return model


def two_inputs() -> onnx.ModelProto:
    model = colour()
    model.graph.input.append(helper.make_tensor_value_info("age", TensorProto.FLOAT, [1]))
    return model


def segments() -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["input"], ["mask"])],
        "g",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 3, 64, 64])],
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])


REFUSED: dict[str, tuple[Callable[[], onnx.ModelProto | bytes], tuple[str, ...], str, int, str]] = {
    "size open": (lambda: colour(shape=(1, 3, "h", "w")), (), "red,green,blue", 2, "--size WxH"),
    "size differs": (colour, ("--size", "32x32"), "red,green,blue", 2, "fixed to 64x64"),
    "size unreadable": (colour, ("--size", "big"), "red,green,blue", 2, "--size 224x224"),
    "wrong label count": (colour, (), "a,b", 2, "3 outputs, and --labels names 2"),
    "doubled label": (colour, (), "a,b,a", 2, "names a twice"),
    "one label": (colour, (), "a", 2, "2 to 64"),
    "NaN weights": (nan, (), "a,b,c", 3, "'w' hold NaN"),
    "weights missing": (lambda: side("w.bin"), (), "a,b,c", 3, "'w.bin' is missing"),
    "weights elsewhere": (lambda: side("../w.bin"), (), "a,b,c", 3, "outside the model's folder"),
    "weights absolute": (lambda: side("/etc/passwd"), (), "a,b,c", 3, "outside the model's folder"),
    "custom operator": (foreign, (), "a,b,c", 3, "acme:Magic"),
    "two inputs": (two_inputs, (), "a,b,c", 3, "2 inputs (input, age)"),
    "two outputs": (lambda: an_onnx(embedding=True), (), "a,b,c", 2, "--output logits | embedding"),
    "no such output": (colour, ("--output", "z"), "a,b,c", 2, "no output 'z'"),
    "cut off": (lambda: colour().SerializeToString()[:-20], (), "a,b,c", 3, "cut off"),
    "no ONNX": (lambda: b"hello, world", (), "a,b,c", 3, "no ONNX"),
    "empty": (lambda: b"", (), "a,b,c", 3, "no ONNX"),
    "huge": (lambda: b"\0" * (64 * 1024 * 1024 + 1), (), "a,b,c", 3, "larger than 64 MB"),
    "opset of tomorrow": (lambda: opset(colour(), 99), (), "a,b,c", 3, "opset 99"),
    "no classifier": (segments, (), "a,b,c", 3, "no classifier"),
    "a logit or a probability": (lambda: colour(end=("Sigmoid", "Abs"), k=1), (), "a,b", 2, "--output-is"),
    "mean of two": (colour, ("--mean", "0,1"), "a,b,c", 2, "2 numbers"),
    "std of zero": (colour, ("--std", "0"), "a,b,c", 2, "above 0"),
    "unknown fit": (colour, ("--fit", "zoom"), "a,b,c", 2, "crop, letterbox"),
    "bad version": (colour, ("--version", "1"), "a,b,c", 2, "MAJOR.MINOR.REVISION"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_in_one_line_with_the_fix_and_nothing_is_written(case: str, fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, options, labels, code, said = REFUSED[case]
    assert bundle(fleet, make(), *options, labels=labels) == code
    err = capsys.readouterr().err
    assert said in err
    assert "->" in err
    assert len(err.strip().splitlines()) == 1
    assert not (fleet / "m.bundle").exists()


@pytest.mark.parametrize(("stored_b", "code"), [(36, 0), (10, 3)])
def test_weights_beside_the_model_are_taken_in_whole_or_refused(
    stored_b: int, code: int, fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (fleet / "w.bin").write_bytes((np.eye(3, dtype=np.float32) * 10).tobytes()[:stored_b])
    assert bundle(fleet, side("w.bin")) == code
    assert ("too short" in capsys.readouterr().err) == (code == 3)


def test_the_bill_of_materials_names_what_is_installed_and_what_it_needs() -> None:
    document = json.loads(sbom(("onnx", "not-there")))
    names = {entry["name"].lower(): entry["bom-ref"] for entry in document["components"]}
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert {"onnx", "numpy"} <= set(names)
    assert "not-there" not in names
    assert {ref for entry in document["dependencies"] for ref in entry["dependsOn"]} <= set(names.values())
