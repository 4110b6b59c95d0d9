"""A blurred picture is called blurred, unless it lies farther out of scope than blurred pictures of the model's own."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from msgspec.structs import replace

import edge
from edge.bundle.manifest import Decision, Outputs, Scope
from edge.frame import U8, Frame
from edge.model import Model
from edge.reading import Reason, State
from tests.builders import a_bundle, a_spec


def a_scene() -> U8:
    """Structured, lit over the whole picture, and out of focus."""
    y, x = np.mgrid[0:240, 0:320]
    waves = 90 + 40 * np.sin(x / 23) + 40 * np.cos(y / 31)
    picture = np.clip(waves[..., None] + np.random.default_rng(0).normal(0, 30, (240, 320, 3)), 0, 255).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 9), np.uint8)


def opened(folder: Path, *, limit: float, blurred_limit: float | None) -> Model:
    """A model whose scope distance is minus the gate's logit: of a_scene about -3.4."""
    decision = Decision(bias=(0.0,) * 3, set_at=(0.3,) * 3, out_of_scope_above=limit, blurred_out_of_scope_above=blurred_limit)
    built = a_bundle(folder, spec=a_spec(field="dermatoscope"), outputs=Outputs(gate="gate"), scope=Scope(), decision=decision)
    return edge.open_model(built.path, built.trust)


@pytest.mark.parametrize(
    ("limit", "blurred_limit", "state"),
    [
        (-9.0, -8.0, State.OUT_OF_SCOPE),  # far out, blurred or not
        (-9.0, 5.0, State.POOR_IMAGE),  # out of scope when it were sharp, but blurred pictures of the model's own reach as far
        (-9.0, None, State.POOR_IMAGE),  # a bundle without that limit: as before
        (5.0, -8.0, State.POOR_IMAGE),  # in scope: no limit of blurred ones can put it out
    ],
)
def test_far_out_of_scope_comes_before_blur_and_near_does_not(
    limit: float, blurred_limit: float | None, state: State, tmp_path: Path
) -> None:
    with opened(tmp_path, limit=limit, blurred_limit=blurred_limit) as model:
        assert model.classify(a_scene()).state is state
        look = model.look(Frame(a_scene(), 1, 0, "test", still=True))
        if state is State.OUT_OF_SCOPE:
            assert look.quality is None
            assert look.judgement is not None
            assert not look.judgement.in_scope
        else:
            assert look.quality in {Reason.BLURRED, Reason.OUT_OF_FOCUS}
            assert look.judgement is None  # the label of a blurred picture is nobody's business


def test_a_fault_of_light_or_contact_is_never_outranked(tmp_path: Path) -> None:
    with opened(tmp_path, limit=-9.0, blurred_limit=-8.0) as model:
        dark = np.zeros((240, 320, 3), np.uint8)
        reading = model.classify(dark)
        assert reading.state is State.POOR_IMAGE
        assert reading.reason not in {Reason.BLURRED, Reason.OUT_OF_FOCUS, Reason.MOVING}


def test_a_decision_without_the_limit_is_written_as_readers_of_0_1_0_know_it() -> None:
    import msgspec

    plain = Decision(bias=(0.0,), set_at=(0.3,))
    assert "blurred" not in msgspec.json.encode(plain).decode()
    assert "blurred_out_of_scope_above" in msgspec.json.encode(replace(plain, blurred_out_of_scope_above=3.0)).decode()
