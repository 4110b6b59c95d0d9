"""A label dies with its picture; a state is told by word, shape and colour; every view says what it is."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.reading import State
from edge.sinks.expiry import SPEAKS_OF_A_PICTURE, at_drawing
from edge.sinks.face import face
from edge.sinks.theme import BACKGROUND, FAINT, INK, LOOKS, PANEL, RENDERED, RESEARCH, contrast
from tests.edge.sinks.views import AGE_LIMIT_NS, MS, READINGS, READY, a_view

CAPTURED_NS = 1_000 * MS


@pytest.mark.parametrize(("age_ns", "state"), [(AGE_LIMIT_NS, State.READY), (AGE_LIMIT_NS + 1, State.NO_SIGNAL)])
def test_a_label_is_drawn_up_to_its_age_limit_and_not_a_nanosecond_longer(age_ns: int, state: State) -> None:
    drawn = at_drawing(a_view(), CAPTURED_NS + age_ns)
    assert drawn.state is state
    assert (drawn.label is None) is (state is State.NO_SIGNAL)


@settings(deadline=None)
@given(st.sampled_from(list(State)), st.integers(-(10**12), 10**12))
def test_whatever_the_time_an_old_view_never_shows_a_label_a_set_or_a_confidence(state: State, later_ns: int) -> None:
    shown = face(a_view(state), CAPTURED_NS + later_ns)
    if later_ns > AGE_LIMIT_NS and state in SPEAKS_OF_A_PICTURE:
        assert shown.state is State.NO_SIGNAL
        assert (shown.confidence, shown.alternative, shown.code) == (None, None, None)


def test_a_frozen_picture_keeps_its_label_with_its_own_time_and_says_what_is_live() -> None:
    shown = face(a_view(State.FROZEN), CAPTURED_NS + 3_600 * 1_000 * MS)
    assert shown.frozen_label == "Benign keratosis-like lesion (bkl)"
    assert shown.frozen_at == "2026-03-01 12:00:00"
    assert shown.live == "live: NO SIGNAL · unplugged"


def test_a_label_without_a_capture_time_is_never_drawn() -> None:
    assert at_drawing(a_view().__class__(1, replace(READY, captured_ns=None), None, 0, AGE_LIMIT_NS), 0).label is None


@pytest.mark.parametrize("state", list(State))
def test_every_state_says_research_use_only_and_a_rendered_one_says_so(state: State) -> None:
    assert face(a_view(state), CAPTURED_NS).marks == (RESEARCH,)
    assert face(a_view(state, rendered=True), CAPTURED_NS).marks == (RESEARCH, RENDERED)


def test_the_second_class_of_the_set_is_named_beside_the_label_and_all_of_them_in_unsure() -> None:
    assert face(a_view(), CAPTURED_NS).alternative == "or mel 12%"
    assert face(a_view(State.UNSURE), CAPTURED_NS).alternative == "fits: mel 12%, nv 3%, bkl 83%"


def test_every_view_names_model_digest_engine_form_and_accounts_for_its_frames() -> None:
    rows = dict(face(a_view(), CAPTURED_NS).details)
    assert rows["model"] == "derm7 1.0.0"
    assert rows["digest"] == "3f9a3f9a3f9a"
    assert rows["engine"] == "onnxruntime 1.24 · u8s8"
    assert (rows["captured"], rows["inferred"], rows["dropped"]) == ("1841", "1803 · 1 pending", "37 · busy 37")


def test_each_state_has_a_look_of_its_own_in_word_shape_and_glyph() -> None:
    assert set(LOOKS) == set(State) == set(READINGS)
    for one, other in combinations(LOOKS.values(), 2):
        assert one.shape != other.shape
        assert one.glyph != other.glyph
        assert one.colour != other.colour


def test_every_colour_can_be_read_on_both_grounds_by_wcag_aaa() -> None:
    for colour in (INK, FAINT, *(look.colour for look in LOOKS.values())):
        assert contrast(colour, BACKGROUND) >= 7
        assert contrast(colour, PANEL) >= 7
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
