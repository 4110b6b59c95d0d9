"""The same promises for every engine that looks at pictures: the right answer whatever the graph's form, or one clear line at open."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge.backends.session import EngineSession, Graph, Place, Session
from edge.backends.table import open_graph, require
from edge.bundle.manifest import InputSpec, Outputs
from edge.errors import BackendFault, SonodermError
from tests.builders import BLUE, GREEN, RED, a_corner_picture, a_picture, a_spec, an_onnx

ENGINES = ("onnxruntime", "openvino")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    pytest.importorskip(name, reason=f"{name} is not installed: its promises are not tested here")
    return name


def a_graph(data: bytes, spec: InputSpec | None = None, *, outputs: Outputs | None = None, classes: int = 3, opset: int = 13) -> Graph:
    return Graph(
        data, "probe.bundle: forms/probe.onnx", "d" * 64, "fp32", "float32", opset, spec or a_spec(), outputs or Outputs(), classes
    )


def opened(graph: Graph, engine: str, threads: int = 1) -> Session:
    return open_graph(graph, require(engine), threads, Place(None, print))


def refusal(graph: Graph, engine: str) -> str:
    with pytest.raises(BackendFault) as caught:
        opened(graph, engine)
    line = caught.value.line()
    assert "\n" not in line
    assert ".cc" not in line
    assert "->" in line, "an error says what to do"
    return line


VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "float32 nchw": ({}, {}),
    "float32 nhwc": ({"layout": "nhwc"}, {"layout": "nhwc"}),
    "uint8 nhwc": ({"dtype": "uint8", "layout": "nhwc"}, {"dtype": "uint8", "layout": "nhwc"}),
    "uint8 nchw": ({"dtype": "uint8"}, {"dtype": "uint8"}),
    "float16 as the manifest says": ({"dtype": "float16"}, {"dtype": "float16"}),
    "float16 where the manifest says float32": ({"dtype": "float16"}, {}),
    "batch of 8": ({"batch": 8}, {"batch": 8}),
    "open batch": ({"batch": "N"}, {}),
    "open batch and sizes": ({"batch": "N", "side_px": "side"}, {}),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("colour", "best"), [(RED, 0), (GREEN, 1), (BLUE, 2)])
def test_a_colour_is_told_whatever_layout_dtype_and_batch_the_graph_has(
    engine: str, variant: str, colour: tuple[int, int, int], best: int
) -> None:
    of_graph, of_spec = VARIANTS[variant]
    session = opened(a_graph(an_onnx(**of_graph), a_spec(**of_spec)), engine)
    raw = session.run(a_picture(colour))
    assert int(raw.classes.argmax()) == best
    assert raw.classes == pytest.approx(np.array(colour) / 25.5, abs=0.01)
    assert raw.classes.dtype == np.float32
    session.close()


@pytest.mark.parametrize(("corner", "best"), [("tl", 0), ("tr", 1), ("bl", 2), ("br", 3)])
def test_a_picture_is_neither_mirrored_nor_turned(engine: str, corner: str, best: int) -> None:
    session = opened(a_graph(an_onnx("p-corner", dtype="uint8", layout="nhwc"), a_spec(dtype="uint8", layout="nhwc"), classes=4), engine)
    assert int(session.run(a_corner_picture(corner)).classes.argmax()) == best


def test_normalisation_is_that_of_the_manifest(engine: str) -> None:
    spec = a_spec(mean=(0.5, 0.25, 0.0), std=(0.5, 0.5, 2.0))
    raw = opened(a_graph(an_onnx(), spec), engine).run(a_picture((255, 0, 255)))
    assert raw.classes == pytest.approx([10.0, -5.0, 5.0], abs=1e-3)


def test_embedding_and_gate_come_with_the_classes(engine: str) -> None:
    outputs = Outputs(embedding="embedding", gate="gate")
    raw = opened(a_graph(an_onnx(embedding=True, gate=True), outputs=outputs), engine).run(a_picture((255, 255, 255)))
    assert raw.embedding == pytest.approx(np.full(3, 3**-0.5), abs=1e-4)
    assert raw.gate == pytest.approx(16.0, abs=1e-3)


def test_what_was_returned_is_not_changed_by_the_next_picture(engine: str) -> None:
    session = opened(a_graph(an_onnx()), engine)
    first = session.run(a_picture(RED))
    kept = first.classes.copy()
    session.run(a_picture(BLUE))
    assert np.array_equal(first.classes, kept)


def test_a_picture_that_nobody_may_write_to_is_read_all_the_same(engine: str) -> None:
    picture = a_picture(RED)
    picture.flags.writeable = False
    spec = a_spec(dtype="uint8", layout="nhwc")
    assert int(opened(a_graph(an_onnx(dtype="uint8", layout="nhwc"), spec), engine).run(picture).classes.argmax()) == 0


def test_a_session_says_what_it_runs_on(engine: str) -> None:
    session = opened(a_graph(an_onnx()), engine, threads=2)
    assert (session.engine, session.form, session.threads) == (engine, "fp32", 2)
    assert session.engine_version[0].isdigit()
    assert session.isa


def test_another_batch_than_the_manifest_says_is_refused(engine: str) -> None:
    assert "fixed to batches of 8, and the manifest says 1" in refusal(a_graph(an_onnx(batch=8)), engine)


def test_another_layout_is_refused_and_never_guessed(engine: str) -> None:
    assert "another layout" in refusal(a_graph(an_onnx(layout="nhwc")), engine)


def test_another_size_is_refused(engine: str) -> None:
    assert "1x3x64x64" in refusal(a_graph(an_onnx(), a_spec(width_px=96)), engine)


def test_bytes_are_never_taken_for_a_fraction_of_one(engine: str) -> None:
    assert "takes float32, and the manifest says uint8" in refusal(a_graph(an_onnx(), a_spec(dtype="uint8")), engine)


def test_another_number_of_classes_is_refused(engine: str) -> None:
    assert "'logits' is 1x3" in refusal(a_graph(an_onnx(), classes=7), engine)


def test_names_that_the_graph_does_not_have_are_told_with_those_it_has(engine: str) -> None:
    assert "and the graph has: logits" in refusal(a_graph(an_onnx(), outputs=Outputs(classes="scores")), engine)
    assert "and the graph has: logits" in refusal(a_graph(an_onnx(), outputs=Outputs(embedding="embedding")), engine)
    assert "and the graph has: input" in refusal(a_graph(an_onnx(), a_spec(name="image")), engine)


def test_a_newer_ir_is_refused_with_what_this_install_takes(engine: str) -> None:
    line = refusal(a_graph(an_onnx(ir_version=99)), engine)
    assert "probe.onnx is ONNX IR 99, opset 13" in line
    assert "takes at most IR 1" in line
    assert "export the bundle again" in line


def test_a_newer_opset_is_refused_with_what_this_install_takes(engine: str) -> None:
    line = refusal(a_graph(an_onnx(opset=99), opset=13), engine)
    assert "opset 99" in line
    assert "opset 2" in line.split("at most")[1]


def test_another_opset_than_the_manifest_says_is_refused(engine: str) -> None:
    assert "is opset 13, and the manifest says 18" in refusal(a_graph(an_onnx(), opset=18), engine)


@pytest.mark.parametrize("data", [b"", b"not a model", an_onnx()[:-20], b"\x08\x08" + b"\x00" * 60], ids=["empty", "text", "cut", "zeros"])
def test_what_is_no_model_is_refused(engine: str, data: bytes) -> None:
    assert "probe.onnx" in refusal(a_graph(data), engine)


def a_model_with_side_file(location: str) -> bytes:
    weight = numpy_helper.from_array(np.eye(3, dtype=np.float32), "w")
    onnx.external_data_helper.set_external_data(weight, location)
    weight.ClearField("raw_data")
    pooled = helper.make_node("ReduceMean", ["input"], ["pooled"], axes=[2, 3], keepdims=0)
    graph = helper.make_graph(
        [pooled, helper.make_node("MatMul", ["pooled", "w"], ["logits"])],
        "g",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3])],
        [weight],
    )
    return bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString())


def test_weights_in_a_side_file_are_refused_by_name_also_when_the_file_is_there(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("weights.bin").write_bytes(np.eye(3, dtype=np.float32)[::-1].tobytes())  # of equal size, swapped
    assert "weights.bin" in refusal(a_graph(a_model_with_side_file("weights.bin")), engine)


def test_a_picture_of_another_size_is_a_fault_and_no_label(engine: str) -> None:
    session = opened(a_graph(an_onnx()), engine)
    with pytest.raises(SonodermError, match="64x64"):
        session.run(np.zeros((32, 64, 3), np.uint8))


def test_engines_agree_on_the_same_float_graph() -> None:
    sessions = [opened(a_graph(an_onnx("p-corner"), classes=4), name) for name in ENGINES if pytest.importorskip(name)]
    picture = np.random.default_rng(3).integers(0, 256, (64, 64, 3), np.uint8)
    first, second = (session.run(picture).classes for session in sessions)
    assert first == pytest.approx(second, abs=1e-3)


def test_the_null_engine_gives_fixed_outputs_and_says_its_name() -> None:
    session = opened(a_graph(an_onnx(embedding=True, gate=True), outputs=Outputs(embedding="embedding", gate="gate")), "null")
    assert isinstance(session, EngineSession)
    assert session.engine == "null"
    assert session.run(a_picture(BLUE)).classes.tolist() == [1.0, 0.0, 0.0]
