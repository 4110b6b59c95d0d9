"""`edge.open_model(path).classify(image)` really works, on real (tiny) models; and a model that may not speak says why."""

import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

import edge
from edge.backends.machine import read_machine
from edge.backends.private import Places
from edge.backends.tuning import Tuned, write_tuned
from edge.bundle.manifest import Outputs, Scope
from edge.bundle.open import open_bundle
from edge.errors import InputRefused, MachineLacks, NotTrusted, UsageError
from edge.model import ModelFault, OpenOptions
from edge.reading import Reason, State
from tests.builders import BLUE, GREEN, RED, BuiltBundle, a_bundle, a_corner_picture, a_decision, a_picture, a_spec, an_onnx

BOTH = ("onnxruntime", "openvino")


@pytest.fixture
def built(tmp_path: Path) -> BuiltBundle:
    return a_bundle(tmp_path)


@pytest.mark.parametrize(("colour", "code", "name"), [(RED, "red", "Red"), (GREEN, "green", "Green"), (BLUE, "blue", "Blue")])
def test_a_picture_gets_its_label(built: BuiltBundle, colour: tuple[int, int, int], code: str, name: str) -> None:
    with edge.open_model(built.path, built.trust) as model:
        reading = model.classify(a_picture(colour, width_px=160, height_px=90))
    assert (reading.state, reading.reason, reading.label, reading.label_name) == (State.READY, None, code, name)
    assert reading.set == (code,)
    assert reading.confidence == dict(reading.probabilities)[code] > 0.99
    assert [c for c, _ in reading.probabilities] == list(model.codes)
    assert sum(p for _, p in reading.probabilities) == pytest.approx(1.0, abs=1e-5)


def test_a_model_opens_by_path_with_a_trust_folder_and_as_a_verified_bundle(built: BuiltBundle) -> None:
    for model in (
        edge.open_model(str(built.path), built.trust_dir),
        edge.open_model(built.path, str(built.trust_dir)),
        edge.open_model(open_bundle(built.path, built.trust)),
    ):
        assert model.classify(a_picture(BLUE)).label == "blue"
        model.close()


def test_nobody_speaks_without_trust(built: BuiltBundle, tmp_path: Path) -> None:
    empty = tmp_path / "nobody"
    empty.mkdir(mode=0o700)
    with pytest.raises(NotTrusted):
        edge.open_model(built.path, empty)


def test_the_identity_names_what_speaks_on_what(built: BuiltBundle) -> None:
    model = edge.open_model(built.path, built.trust, engine="onnxruntime", threads=2)
    who = model.identity
    assert (who.name, who.version, who.engine, who.form) == ("p-colour", "1.0.0", "onnxruntime", "fp32")
    assert who.digest == open_bundle(built.path, built.trust).digest
    assert "no scope check" in who.notes
    assert model.session.threads == 2


def test_a_grey_picture_is_taken(tmp_path: Path) -> None:
    built = a_bundle(tmp_path, model="p-corner")
    grey = np.ascontiguousarray(a_corner_picture("bl")[..., 0])
    assert edge.open_model(built.path, built.trust).classify(grey).label == "bl"


@pytest.mark.parametrize(
    "image",
    [np.zeros((8, 8, 3), np.float32), np.zeros((8, 8, 4), np.uint8), np.zeros((0, 8, 3), np.uint8), np.zeros(9, np.uint8), [[1, 2]], None],
    ids=["float", "four channels", "empty", "one dimension", "a list", "nothing"],
)
def test_what_is_no_picture_is_refused_in_words(built: BuiltBundle, image: object) -> None:
    model = edge.open_model(built.path, built.trust)
    with pytest.raises(InputRefused) as caught:
        model.classify(image)  # type: ignore[arg-type]
    assert "->" in caught.value.line()


def test_a_picture_without_content_is_poor_and_its_probabilities_are_still_told(built: BuiltBundle) -> None:
    reading = edge.open_model(built.path, built.trust).classify(a_picture((0, 0, 0)))
    assert (reading.state, reading.label, reading.confidence, reading.set) == (State.POOR_IMAGE, None, None, ())
    assert reading.reason is not None
    assert len(reading.probabilities) == 3


def test_a_picture_that_fits_no_class_or_all_of_them_is_unsure(tmp_path: Path) -> None:
    none = a_bundle(tmp_path / "none", decision=a_decision(set_at=(1.0, 1.0, 1.0), temperature=50.0))
    every = a_bundle(tmp_path / "all", decision=a_decision(set_at=(0.0, 0.0, 0.0)))
    for built, reason in ((none, Reason.NO_CLASS_FITS), (every, Reason.TOO_MANY_CLASSES)):
        reading = edge.open_model(built.path, built.trust).classify(a_picture(RED))
        assert (reading.state, reading.reason, reading.label) == (State.UNSURE, reason, None)
        assert reading.probabilities


def test_a_picture_that_is_none_of_its_business_is_out_of_scope(tmp_path: Path) -> None:
    decision = a_decision(out_of_scope_above=0.0)
    built = a_bundle(tmp_path, outputs=Outputs(gate="gate"), scope=Scope(), decision=decision)
    model = edge.open_model(built.path, built.trust)
    assert model.classify(a_picture((250, 120, 120))).state is State.READY
    outside = model.classify(a_picture((40, 5, 5)))  # dark: its gate says no
    assert (outside.state, outside.label) == (State.OUT_OF_SCOPE, None)
    assert "no scope check" not in model.identity.notes


def test_the_bank_of_embeddings_counts(tmp_path: Path) -> None:
    bank = np.tile(np.array([[127, 0, 0]], np.int8), (4, 1)).tobytes()  # only pure red is known
    scope = Scope(n=4, dim=3, k=2)
    built = a_bundle(tmp_path, outputs=Outputs(embedding="embedding"), scope=scope, bank=bank, decision=a_decision(out_of_scope_above=0.3))
    model = edge.open_model(built.path, built.trust)
    assert model.classify(a_picture((250, 10, 10))).state is State.READY
    assert model.classify(a_picture((10, 10, 250))).state is State.OUT_OF_SCOPE


def test_an_engine_that_is_missing_is_never_replaced_in_silence(built: BuiltBundle) -> None:
    from edge.backends.table import version_of

    if version_of("tensorrt") is not None:
        pytest.skip("TensorRT is installed here, so that it cannot be missed")
    with pytest.raises(MachineLacks, match="tensorrt"):
        edge.open_model(built.path, built.trust, engine="tensorrt")


def test_what_does_not_exist_is_wrong_usage(built: BuiltBundle) -> None:
    with pytest.raises(UsageError):
        edge.open_model(built.path, built.trust, engine="cuda")
    with pytest.raises(UsageError):
        edge.open_model(built.path, built.trust, form="int4")


def test_a_form_that_was_never_proven_here_is_a_fault_that_says_what_to_do(tmp_path: Path) -> None:
    built = a_bundle(tmp_path, engines=BOTH, unrun=("openvino",))
    model = edge.open_model(built.path, built.trust, engine="openvino")
    reading = model.classify(a_picture(RED))
    assert (reading.state, reading.reason, reading.label) == (State.FAULT, Reason.FORM_UNPROVEN, None)
    assert reading.probabilities == ()
    assert "--accept" in str(reading.do)
    assert model.fault is not None


def test_a_proven_pair_is_taken_before_an_unproven_one(tmp_path: Path) -> None:
    built = a_bundle(tmp_path, engines=BOTH, unrun=("openvino",))
    model = edge.open_model(built.path, built.trust)
    assert model.identity.engine == "onnxruntime"
    assert model.classify(a_picture(RED)).label == "red"


def test_golden_outputs_that_moved_are_a_fault(tmp_path: Path) -> None:
    honest = a_bundle(tmp_path / "honest")
    pair = honest.manifest.pairs[0]
    moved = msgspec.structs.replace(pair, golden_outputs=tuple(tuple(v + 1.0 for v in row) for row in pair.golden_outputs))
    built = a_bundle(tmp_path / "moved", engines=(), pairs=(moved,))
    model = edge.open_model(built.path, built.trust)
    reading = model.classify(a_picture(RED))
    assert (reading.state, reading.reason, reading.label) == (State.FAULT, Reason.GOLDEN_DIFFERS, None)
    assert isinstance(model.fault, ModelFault)
    assert "differ by 1" in model.fault.line()


def test_a_tuned_choice_is_followed_and_a_damaged_one_ignored_aloud(tmp_path: Path) -> None:
    built = a_bundle(tmp_path, engines=BOTH)
    places = Places(tmp_path / "cache", tmp_path / "state")
    digest = open_bundle(built.path, built.trust).digest
    from edge.backends.table import version_of

    version = version_of("onnxruntime")
    write_tuned(places.cache, Tuned(read_machine().key(), digest, "onnxruntime", str(version), "fp32", 2, 1.0, 2.0, "2026-01-01T00:00:00Z"))
    said: list[str] = []
    options = OpenOptions(places=places, say=said.append)
    model = edge.open_model(built.path, built.trust, options=options)
    assert (model.identity.engine, model.session.threads, said) == ("onnxruntime", 2, [])
    (places.cache / "tuning.json").write_bytes(b'{"tuned": [{"cpu"')
    again = edge.open_model(built.path, built.trust, options=options)
    assert again.identity.engine == "openvino"
    assert len(said) == 1
    assert "tuning.json is ignored" in said[0]


def test_a_model_tells_what_it_is_busy_with(built: BuiltBundle) -> None:
    steps: list[Reason] = []
    edge.open_model(built.path, built.trust, options=OpenOptions(on_step=steps.append))
    assert steps == [Reason.OPENING_MODEL, Reason.WARMING_UP]


def test_a_processor_of_another_class_than_was_tested_is_noted(tmp_path: Path) -> None:
    pair = msgspec.structs.replace(a_bundle(tmp_path / "a").manifest.pairs[0], isa=("arm-i8mm",))
    built = a_bundle(tmp_path / "b", engines=(), pairs=(pair,))
    model = edge.open_model(built.path, built.trust)
    assert any("arm-i8mm" in note for note in model.identity.notes)
    assert model.classify(a_picture(RED)).label == "red"


def test_a_model_for_phantoms_says_so(tmp_path: Path) -> None:
    built = a_bundle(tmp_path, rendered_only=True)
    assert any("never for a patient" in note for note in edge.open_model(built.path, built.trust).identity.notes)


@pytest.mark.parametrize("engine", BOTH)
def test_a_quantity_of_forms_gives_one_answer(tmp_path: Path, engine: str) -> None:
    spec = a_spec(dtype="uint8", layout="nhwc", batch=8)
    built = a_bundle(tmp_path, spec=spec, engines=(engine,), tolerance=1e-3)
    assert edge.open_model(built.path, built.trust, engine=engine).classify(a_picture(GREEN)).label == "green"


def test_a_half_precision_model_is_given_half_precision(tmp_path: Path) -> None:
    forms = {"fp16": an_onnx(dtype="float16")}
    built = a_bundle(tmp_path, spec=a_spec(dtype="float16"), forms=forms, tolerance=0.02)
    reading = edge.open_model(built.path, built.trust).classify(a_picture(RED))
    full = edge.open_model(a_bundle(tmp_path / "full").path, built.trust_dir.parent / "full" / "trust").classify(a_picture(RED))
    assert reading.label == "red"
    assert dict(reading.probabilities)["red"] == pytest.approx(dict(full.probabilities)["red"], abs=0.01)


def test_importing_edge_imports_nothing_heavy() -> None:
    code = "import sys, edge; print(sorted({'numpy', 'cv2', 'onnxruntime', 'openvino', 'msgspec', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_the_public_face_is_listed_and_complete() -> None:
    assert edge.__all__ == ["Frame", "Model", "ModelIdentity", "Reading", "Reason", "SonodermError", "State", "open_model", "run"]
    for name in edge.__all__:
        assert name in dir(edge)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        edge.nothing  # noqa: B018
