"""One answer to "is this model fit to run here?", and each question can be answered no."""

import datetime
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest

import edge
from edge.backends.private import Places
from edge.check import EVERYDAY, CheckReport, Limits, Line, accept, check_model
from edge.check.agreement import compare, reference_pair
from edge.check.memory import process_memory_b
from edge.check.pictures import pictures
from edge.errors import CheckFailed
from edge.model import Model, OpenOptions
from edge.model.golden import read_golden
from edge.model.opening import look_around
from edge.reading import Reason, State
from tests.builders import BuiltBundle, a_bundle, a_picture, an_onnx, as_png

BOTH = ("onnxruntime", "openvino")
QUICK = Limits(pictures=20)
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def opened(built: BuiltBundle, engine: str = "onnxruntime", **options: Any) -> Model:
    return edge.open_model(built.path, built.trust, engine=engine, options=OpenOptions(**options))


def line(report: CheckReport, name: str) -> Line:
    return next(found for found in report.lines if found.name == name)


def test_a_healthy_model_on_a_healthy_machine_passes(tmp_path: Path) -> None:
    report = check_model(opened(a_bundle(tmp_path, engines=BOTH)), QUICK)
    assert report.passed
    assert report.proven
    assert [(found.name, found.ok) for found in report.lines] == [
        ("golden tensors", True),
        ("golden outputs", True),
        ("agreement", True),
        ("speed", True),
        ("memory", True),
    ]
    assert report.golden == 2
    assert report.pictures == 20
    assert report.p50_ms <= report.p95_ms
    assert report.failures() == ()


def test_preprocessing_that_gives_another_tensor_is_found(tmp_path: Path) -> None:
    first = read_golden(opened(a_bundle(tmp_path / "a")).bundle)[1].tensor.copy()
    first[3, 4, 1] ^= 1
    report = check_model(opened(a_bundle(tmp_path / "b", members={"golden/1.tensor.png": as_png(first)})), QUICK)
    assert line(report, "golden tensors").ok is False
    assert "1 values differ" in line(report, "golden tensors").note
    assert not report.passed
    assert not report.proven


def test_a_golden_tensor_with_red_and_blue_exchanged_is_found(tmp_path: Path) -> None:
    tensor = read_golden(opened(a_bundle(tmp_path / "a")).bundle)[0].tensor
    done, png = cv2.imencode(".png", tensor)  # written as if RGB were BGR
    assert done
    report = check_model(opened(a_bundle(tmp_path / "b", members={"golden/0.tensor.png": png.tobytes()})), QUICK)
    assert line(report, "golden tensors").ok is False


def test_outputs_that_moved_further_than_tolerated_are_found(tmp_path: Path) -> None:
    pair = a_bundle(tmp_path / "a").manifest.pairs[0]
    moved = msgspec.structs.replace(pair, golden_outputs=tuple(tuple(v + 0.5 for v in row) for row in pair.golden_outputs))
    report = check_model(opened(a_bundle(tmp_path / "b", engines=(), pairs=(moved,))), QUICK)
    found = line(report, "golden outputs")
    assert found.ok is False
    assert "off by 0.5" in found.note


def test_a_winner_is_compared_only_where_its_lead_is_larger_than_outputs_may_move(tmp_path: Path) -> None:
    near = ((1.0, 1.001, 0.0), (1.0, 0.0, 0.0))
    pair = msgspec.structs.replace(a_bundle(tmp_path / "a").manifest.pairs[0], golden_outputs=near, tolerance=20.0)
    report = check_model(opened(a_bundle(tmp_path / "b", engines=(), pairs=(pair,))), QUICK)
    assert line(report, "golden outputs").ok is True
    assert "compared on 0 of 2" in line(report, "golden outputs").note


def test_a_machine_that_is_too_slow_for_its_age_limit_is_found(tmp_path: Path) -> None:
    report = check_model(opened(a_bundle(tmp_path)), Limits(pictures=0, age_limit_ms=33.34))
    assert line(report, "speed").ok is False
    assert not report.passed


def test_the_limit_of_speed_is_frame_period_plus_twice_p95_within_the_age_limit() -> None:
    assert EVERYDAY.p95_ms == pytest.approx((500 - 1000 / 30) / 2)


def test_memory_past_its_limit_is_found(tmp_path: Path) -> None:
    report = check_model(opened(a_bundle(tmp_path)), Limits(pictures=0, memory_b=1024))
    assert line(report, "memory").ok is False
    assert report.memory_b is not None
    assert report.memory_b > 10 << 20


def test_memory_is_unknown_where_the_system_does_not_tell(tmp_path: Path) -> None:
    assert process_memory_b(tmp_path / "nothing") is None


def disagreeing(tmp_path: Path) -> BuiltBundle:
    """The form `odd` answers with the classes turned round; its pair is unproven and has golden outputs of its own (they hold)."""
    import onnx

    model = onnx.ModelProto.FromString(an_onnx())
    model.graph.node[-1].output[0] = "straight"
    model.graph.node.append(onnx.helper.make_node("Neg", ["straight"], ["logits"]))
    odd = bytes(model.SerializeToString())
    base = a_bundle(tmp_path / "base", forms={"fp32": an_onnx(), "odd": odd})
    pairs = tuple(msgspec.structs.replace(p, gate="unrun") if p.form == "odd" else p for p in base.manifest.pairs)
    return a_bundle(tmp_path / "odd", forms={"fp32": an_onnx(), "odd": odd}, engines=(), pairs=pairs)


def test_a_form_that_disagrees_with_the_reference_is_found_and_never_accepted(tmp_path: Path) -> None:
    built = disagreeing(tmp_path)
    places = Places(tmp_path / "cache", tmp_path / "state")
    model = edge.open_model(built.path, built.trust, engine="onnxruntime", form="odd", options=OpenOptions(places=places))
    report = check_model(model, Limits(pictures=40))
    assert line(report, "golden outputs").ok is True
    assert line(report, "agreement").ok is False
    assert not report.proven
    with pytest.raises(CheckFailed) as caught:
        accept(model, report, look_around(places, None, print), NOW)
    assert caught.value.exit_code == 1
    assert not (tmp_path / "state").exists()


def test_a_form_is_accepted_after_it_proved_itself_and_then_speaks_here(tmp_path: Path) -> None:
    built = a_bundle(tmp_path, engines=BOTH, unrun=("openvino",))
    places = Places(tmp_path / "cache", tmp_path / "state")
    before = opened(built, "openvino", places=places)
    assert before.classify(a_picture()).reason is Reason.FORM_UNPROVEN
    report = check_model(before, Limits(pictures=60, least_decided=20))
    proof = accept(before, report, look_around(places, None, print), NOW)
    assert (proof.pictures, proof.agreement) == (60, 1.0)
    assert (places.state / "accepted.json").stat().st_mode & 0o777 == 0o600
    after = opened(built, "openvino", places=places)
    assert (after.fault, after.classify(a_picture()).state) == (None, State.READY)
    somewhere_else = opened(built, "openvino", places=Places(tmp_path / "cache", tmp_path / "other machine"))
    assert somewhere_else.classify(a_picture()).reason is Reason.FORM_UNPROVEN


def test_too_few_clear_pictures_prove_nothing(tmp_path: Path) -> None:
    built = a_bundle(tmp_path, engines=BOTH, unrun=("openvino",))
    report = check_model(opened(built, "openvino"), Limits(pictures=20, least_decided=21))
    assert line(report, "agreement").ok is False
    assert "decided" in line(report, "agreement").value
    assert not report.proven


def test_a_wide_tolerance_leaves_pictures_to_compare_on(tmp_path: Path) -> None:
    built = a_bundle(tmp_path, engines=BOTH, unrun=("openvino",), tolerance=1000.0)
    report = check_model(opened(built, "openvino"), Limits(pictures=40, least_decided=10))
    assert line(report, "agreement").ok is True
    assert report.decided < 40
    assert float(line(report, "golden outputs").limit) < 3, "an unproven pair is held to a share of the range, not to that"


def test_a_model_with_one_proven_form_alone_is_not_held_to_a_comparison(tmp_path: Path) -> None:
    report = check_model(opened(a_bundle(tmp_path)), QUICK)
    assert line(report, "agreement").ok is None
    assert report.passed


def test_the_reference_is_a_proven_pair_of_an_installed_engine(tmp_path: Path) -> None:
    manifest = a_bundle(tmp_path, engines=BOTH, unrun=("openvino",)).manifest
    ours = next(p for p in manifest.pairs if p.engine == "openvino")
    found = reference_pair(manifest, ours, frozenset({"onnxruntime", "openvino"}))
    assert found is not None
    assert found.engine == "onnxruntime"
    assert reference_pair(manifest, ours, frozenset({"openvino"})) is None


def test_pictures_are_seeded_and_of_both_kinds(tmp_path: Path) -> None:
    golden = read_golden(opened(a_bundle(tmp_path)).bundle)
    first, second = list(pictures(15, golden, 3)), list(pictures(15, golden, 3))
    assert len(first) == 15
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert {picture.shape for picture in first} == {(120, 160, 3), (240, 320, 3)}
    assert not np.array_equal(first[0], next(iter(pictures(1, golden, 4))))


def test_agreement_of_a_session_with_itself_is_whole(tmp_path: Path) -> None:
    model = opened(a_bundle(tmp_path))
    tensors = [golden.tensor for golden in read_golden(model.bundle)]
    found = compare(tensors, (model.session, model.pair), (model.session, model.pair), model.manifest)
    assert (found.pictures, found.agreed, found.largest) == (2, found.decided, 0.0)
