"""The tables that the device applies are the formula in float64, to within one code value, whatever the camera."""

import colour
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.frame import U8
from edge.preprocess.color import correct_color
from edge.profile import ColorResponse, color_tables
from edge.profile.color import F64

UNIT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def three(low: float, high: float) -> st.SearchStrategy[tuple[float, float, float]]:
    return st.tuples(*[st.floats(low, high)] * 3)


responses = st.builds(
    ColorResponse,
    power=three(0.2, 5),
    black=three(-0.2, 0.4),
    matrix=st.one_of(st.tuples(*[three(-32, 32)] * 3), st.tuples(*[three(-2, 2)] * 3)),
)


def by_formula(codes: U8, response: ColorResponse) -> F64:
    """The same in float64, with sRGB's curves of colour-science; what lies below black counts as negative light."""
    above = (codes / 255 - np.array(response.black)) / (1 - np.array(response.black))
    light = np.sign(above) * colour.models.eotf_sRGB(np.abs(above)) ** np.array(response.power)
    return np.asarray(colour.models.eotf_inverse_sRGB(np.clip(light @ np.array(response.matrix).T, 0, 1)) * 255)


@settings(max_examples=200, deadline=None)
@given(response=responses, seed=st.integers(0, 2**32 - 1))
def test_every_code_is_within_one_of_the_formula(response: ColorResponse, seed: int) -> None:
    codes = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), np.uint8)
    codes[0, :8] = [[r, g, b] for r in (0, 255) for g in (0, 255) for b in (0, 255)]
    codes[1] = codes[1, :, :1]
    shown = correct_color(codes, color_tables(response))
    assert shown.dtype == np.uint8
    assert shown.shape == codes.shape
    assert np.abs(shown - by_formula(codes, response)).max() <= 1


def test_every_grey_through_a_camera_that_is_right_stays_as_it_is() -> None:
    greys = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert np.array_equal(correct_color(greys, color_tables(ColorResponse(matrix=UNIT))), greys)


@settings(max_examples=50, deadline=None)
@given(gain=st.floats(0.1, 8), power=st.floats(0.5, 2))
def test_brighter_never_becomes_darker(gain: float, power: float) -> None:
    response = ColorResponse(power=(power,) * 3, matrix=((gain, 0, 0), (0, gain, 0), (0, 0, gain)))
    greys = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert (np.diff(correct_color(greys, color_tables(response)).astype(int), axis=1) >= 0).all()


def test_the_tensor_handed_in_is_never_changed() -> None:
    codes = np.full((4, 4, 3), 90, np.uint8)
    correct_color(codes, color_tables(ColorResponse(matrix=((2, 0, 0), (0, 2, 0), (0, 0, 2)))))
    assert (codes == 90).all()
