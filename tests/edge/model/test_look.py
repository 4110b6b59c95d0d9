"""One frame of a stream: the model is asked only about pictures worth a label, and what is remembered dies with the scene."""

from pathlib import Path

import numpy as np
import pytest

import edge
from edge.errors import BackendFault
from edge.frame import Frame
from edge.model import Model, ModelFault
from edge.reading import Reason
from tests.builders import BLUE, RED, a_bundle, a_picture

PERIOD_NS = 33_000_000


@pytest.fixture
def model(tmp_path: Path) -> Model:
    built = a_bundle(tmp_path)
    return edge.open_model(built.path, built.trust)


def a_frame(index: int = 0, *, colour: tuple[int, int, int] = RED, scene: int = 0, still: bool = False) -> Frame:
    return Frame(a_picture(colour, width_px=160, height_px=120), index * PERIOD_NS + 1, index, "test", still=still, scene=scene)


def test_a_good_frame_is_judged_and_each_stage_timed(model: Model) -> None:
    look = model.look(a_frame(7))
    assert (look.index, look.captured_ns, look.quality) == (7, 7 * PERIOD_NS + 1, None)
    assert look.judgement is not None
    assert int(look.judgement.probabilities.argmax()) == 0
    assert look.judgement.set == (0,)
    times = look.timings
    assert min(times.prepare_ns, times.quality_ns, times.infer_ns, times.classify_ns) > 0
    assert times.total_ns == times.prepare_ns + times.quality_ns + times.infer_ns + times.classify_ns


def test_the_model_is_not_asked_about_a_picture_without_content(model: Model) -> None:
    look = model.look(a_frame(colour=(0, 0, 0)))
    assert look.quality is not None
    assert look.judgement is None
    assert (look.timings.infer_ns, look.timings.classify_ns) == (0, 0)
    asked_anyway = model.examine(a_frame(1, colour=(0, 0, 0)))
    assert asked_anyway.judgement is not None
    assert asked_anyway.quality is not None


def test_looking_and_classifying_say_the_same_of_one_picture(model: Model) -> None:
    frame = a_frame(colour=BLUE)
    looked = model.look(frame).judgement
    assert looked is not None
    assert [p for _, p in model.classify(frame.pixels).probabilities] == pytest.approx(looked.probabilities.tolist(), abs=1e-6)


def test_classifying_a_picture_changes_nothing_in_a_stream(model: Model) -> None:
    first = model.look(a_frame(0))
    model.classify(a_picture(BLUE))
    again = model.look(a_frame(1))
    assert first.judgement is not None
    assert again.judgement is not None
    assert np.array_equal(first.judgement.probabilities, again.judgement.probabilities)
    assert again.field == first.field


def test_a_stream_whose_size_or_scene_changes_or_whose_clock_jumps_back_goes_on(model: Model) -> None:
    model.look(a_frame(5))
    other_size = Frame(a_picture(BLUE, width_px=77, height_px=310), 6 * PERIOD_NS, 6, "test")
    for frame in (other_size, a_frame(7, scene=1, colour=BLUE), a_frame(2, colour=BLUE), a_frame(0, colour=BLUE, still=True)):
        look = model.look(frame)
        assert look.judgement is not None
        assert int(look.judgement.probabilities.argmax()) == 2


def test_a_model_with_a_fault_never_looks(tmp_path: Path) -> None:
    built = a_bundle(tmp_path, engines=("onnxruntime", "openvino"), unrun=("openvino",))
    model = edge.open_model(built.path, built.trust, engine="openvino")
    with pytest.raises(BackendFault) as caught:
        model.look(a_frame())
    assert isinstance(caught.value, ModelFault)
    assert caught.value.reason is Reason.FORM_UNPROVEN
    assert model.examine(a_frame()).judgement is not None, "check and bench may ask it all the same"
