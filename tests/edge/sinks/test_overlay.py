"""The canvas: the source's pixels bit for bit, everything else outside of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.reading import State
from edge.sinks.overlay import Composer
from edge.sinks.theme import LOOKS, rgb
from tests.edge.sinks.views import MS, a_picture, a_view

NOW_NS = 1_020 * MS
WITH_PICTURE = [s for s in State if s not in (State.NO_SIGNAL, State.STARTING)]


@pytest.mark.parametrize("state", WITH_PICTURE)
@pytest.mark.parametrize("rendered", [False, True])
def test_the_pixels_of_the_source_are_bit_identical_in_every_state(state: State, rendered: bool) -> None:
    view = a_view(state, rendered=rendered)
    canvas = Composer().compose(view, NOW_NS)
    assert canvas.picture is not None
    assert view.pixels is not None
    r = canvas.picture
    assert np.array_equal(canvas.pixels[r.y : r.y + r.h, r.x : r.x + r.w], view.pixels)


@settings(max_examples=12, deadline=None)
@given(st.integers(16, 1300), st.integers(16, 1300), st.sampled_from(WITH_PICTURE))
def test_any_picture_size_lies_whole_and_untouched_in_the_canvas(height: int, width: int, state: State) -> None:
    pixels = np.random.default_rng(height * 2048 + width).integers(0, 256, (height, width, 3), np.uint8)
    canvas = Composer().compose(a_view(state, pixels=pixels), NOW_NS)
    assert canvas.picture is not None
    r = canvas.picture
    assert (r.h, r.w) == (height, width)
    assert np.array_equal(canvas.pixels[r.y : r.y + r.h, r.x : r.x + r.w], pixels)


def test_an_expired_picture_is_not_drawn_with_its_dead_label() -> None:
    canvas = Composer().compose(a_view(), NOW_NS + 600 * MS)
    assert canvas.picture is None


def test_the_screen_does_not_jump_when_the_signal_goes() -> None:
    composer = Composer()
    with_picture = composer.compose(a_view(pixels=a_picture(300, 400)), NOW_NS)
    without = composer.compose(a_view(State.NO_SIGNAL), NOW_NS)
    assert with_picture.pixels.shape == without.pixels.shape


@pytest.mark.parametrize("state", list(State))
def test_the_colour_of_the_state_is_on_the_frame_and_its_word_in_the_panel(state: State) -> None:
    canvas = Composer().compose(a_view(state), NOW_NS).pixels
    coloured = (canvas == np.array(rgb(LOOKS[state].colour), np.uint8)).all(axis=2)
    assert coloured[:, -300:].sum() > 300  # shape and word
    assert coloured.any(axis=1).sum() > 100  # the frame around the picture


def test_a_new_word_is_drawn_at_once_and_small_figures_four_times_a_second() -> None:
    composer = Composer()
    first = composer.compose(a_view(), 1_010 * MS).pixels
    assert not np.array_equal(first, composer.compose(a_view(State.UNSURE), 1_010 * MS).pixels)
    again = composer.compose(a_view(), 1_010 * MS).pixels
    assert np.array_equal(first, again)
    assert not np.array_equal(first, composer.compose(a_view(), 1_310 * MS).pixels)
