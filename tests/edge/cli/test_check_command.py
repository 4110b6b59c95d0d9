"""`sonoderm check`: a table for people, JSON for programs, exit code 1 when the answer is no."""

import json
import os
from pathlib import Path

import msgspec
import pytest

from edge.bundle.manifest import InputSpec
from tests.builders import BuiltBundle, a_bundle, a_spec, an_onnx
from tests.edge.cli.command_words import model, run

BOTH = ("onnxruntime", "openvino")


def of(built: BuiltBundle) -> tuple[str, ...]:
    return "check", *model(built)


def test_a_fit_model_prints_a_table_and_exits_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, *of(a_bundle(tmp_path, engines=BOTH)))
    assert code == 0
    for word in ("golden tensors", "golden outputs", "agreement", "speed", "memory"):
        assert f"✔  {word}" in out
    assert "✘" not in out


def test_a_model_that_is_not_fit_shows_where_and_exits_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pair = a_bundle(tmp_path / "a").manifest.pairs[0]
    moved = msgspec.structs.replace(pair, golden_outputs=tuple(tuple(v + 1.0 for v in row) for row in pair.golden_outputs))
    code, out, err = run(capsys, *of(a_bundle(tmp_path / "b", engines=(), pairs=(moved,))))
    assert code == 1
    assert "✘  golden outputs" in out
    assert "not fit to run here" in err
    assert "Traceback" not in err


def test_json_is_one_object_with_every_question(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, *of(a_bundle(tmp_path)), "--json")
    answer = json.loads(out)
    assert (code, answer["v"], answer["report"]["passed"], answer["accepted"]) == (0, 1, True, False)
    assert [line["name"] for line in answer["report"]["lines"]][:2] == ["golden tensors", "golden outputs"]


def test_tuning_is_kept_and_followed_or_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whether the machine that runs this is quiet is not ours to say: either answer must be whole."""
    built = a_bundle(tmp_path, engines=BOTH)
    code, out, err = run(capsys, *of(built), "--tune", "--json")
    answer = json.loads(out)
    assert len(answer["candidates"]) >= 2
    kept = list(Path(os.environ["XDG_CACHE_HOME"]).rglob("tuning.json"))
    if answer["tuned"] is None:
        assert (code, kept) == (1, [])
        assert answer["tuning_refused"] in err.strip().splitlines()[-1]
        return
    assert (code, answer["tuning_refused"], len(kept)) == (0, None, 1)
    again = json.loads(run(capsys, *of(built), "--json")[1])
    assert again["report"]["model"]["engine"] == answer["tuned"]["engine"]
    assert again["report"]["threads"] == answer["tuned"]["threads"]


def test_a_busy_machine_keeps_its_older_tuning_and_exits_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    built = a_bundle(tmp_path)
    monkeypatch.setattr(os, "getloadavg", lambda: (64.0 * (os.cpu_count() or 1), 0.0, 0.0))
    code, out, err = run(capsys, *of(built), "--tune")
    assert code == 1
    assert "kept in tuning.json" not in out
    assert "p-colour: not tuned, this machine is busy" in err
    assert "[tuning.json is as it was] -> close other programs" in err
    assert len(err.strip().splitlines()) == 1
    assert not list(Path(os.environ["XDG_CACHE_HOME"]).rglob("tuning.json"))


def test_the_tuning_of_a_model_that_is_not_fit_here_is_not_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *of(a_bundle(tmp_path)), "--tune", "--age-limit-ms", "50", "--fps", "1", "--json")
    answer = json.loads(out)
    assert (code, answer["tuned"]) == (1, None)
    assert "not fit to run here" in err
    assert not list(Path(os.environ["XDG_CACHE_HOME"]).rglob("tuning.json"))


def test_an_unproven_form_is_accepted_once_and_speaks_from_then_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built = a_bundle(tmp_path, engines=BOTH, unrun=("openvino",))
    asked = (*of(built), "--engine", "openvino")
    assert "not proven here" in run(capsys, *asked)[1]
    code, out, _ = run(capsys, *asked, "--accept")
    assert code == 0
    assert "may speak on this machine" in out
    assert len(list(Path(os.environ["XDG_STATE_HOME"]).rglob("accepted.json"))) == 1


def test_accepting_what_was_proven_at_export_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, *of(a_bundle(tmp_path)), "--accept")
    assert code == 0
    assert "nothing to accept" in err


@pytest.mark.parametrize(
    ("extra", "code", "word"),
    [
        (("--engine", "cuda"), 2, "choose one of"),
        (("--form", "int4"), 2, "choose one of"),
        (("--tune", "--engine", "onnxruntime"), 2, "leave --engine"),
        (("--threads", "0"), 2, "--threads"),
        (("--model", "derm99"), 2, "there is no model"),
        (("--model", "/nowhere/x.bundle"), 3, "x.bundle"),
    ],
)
def test_every_wrong_word_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], extra: tuple[str, ...], code: int, word: str
) -> None:
    found, _, err = run(capsys, *of(a_bundle(tmp_path)), *extra)
    assert (found, word in err) == (code, True), err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("forms", "spec", "words"),
    [
        ({"fp32": an_onnx(ir_version=99)}, None, ("fp32.onnx", "IR 99", "at most IR", "export the bundle again")),
        ({"fp32": an_onnx(opset=99)}, None, ("fp32.onnx", "opset 99", "at most", "export the bundle again")),
        ({"fp32": an_onnx(batch=8)}, None, ("fp32.onnx", "batches of 8", "manifest says 1")),
        ({"fp32": an_onnx(layout="nhwc")}, None, ("fp32.onnx", "another layout")),
        ({"fp32": an_onnx()}, a_spec(dtype="uint8"), ("fp32.onnx", "takes float32, and the manifest says uint8")),
        ({"fp32": b"no model"}, None, ("fp32.onnx", "no ONNX model")),
    ],
    ids=["newer IR", "newer opset", "fixed batch", "another layout", "another dtype", "no model"],
)
def test_a_form_that_cannot_run_here_is_one_line_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], forms: dict[str, bytes], spec: InputSpec | None, words: tuple[str, ...]
) -> None:
    proven = a_bundle(tmp_path / "proven").manifest.pairs[0]
    built = a_bundle(tmp_path / "bundle", spec=spec, forms=forms, engines=(), pairs=(proven,))
    code, out, err = run(capsys, *of(built))
    assert (code, out) == (6, "")
    assert len(err.strip().splitlines()) == 1
    assert [word for word in words if word not in err] == []
