"""CIEDE2000 and the color spaces give what others published and compute."""

import colour
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from calibration.color.difference import difference, near
from calibration.color.reference import BUILT_IN, NAMES, built_in
from calibration.color.space import decode, encode, lab_to_linear, linear_to_lab

# Sharma, Wu, Dalal (2005), table 1: L a b, L a b, ΔE00
SHARMA = np.array([
    [50.0000, 2.6772, -79.7751, 50.0000, 0.0000, -82.7485, 2.0425],
    [50.0000, 3.1571, -77.2803, 50.0000, 0.0000, -82.7485, 2.8615],
    [50.0000, 2.8361, -74.0200, 50.0000, 0.0000, -82.7485, 3.4412],
    [50.0000, -1.3802, -84.2814, 50.0000, 0.0000, -82.7485, 1.0000],
    [50.0000, -1.1848, -84.8006, 50.0000, 0.0000, -82.7485, 1.0000],
    [50.0000, -0.9009, -85.5211, 50.0000, 0.0000, -82.7485, 1.0000],
    [50.0000, 0.0000, 0.0000, 50.0000, -1.0000, 2.0000, 2.3669],
    [50.0000, -1.0000, 2.0000, 50.0000, 0.0000, 0.0000, 2.3669],
    [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0009, 7.1792],
    [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0010, 7.1792],
    [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0011, 7.2195],
    [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0012, 7.2195],
    [50.0000, -0.0010, 2.4900, 50.0000, 0.0009, -2.4900, 4.8045],
    [50.0000, -0.0010, 2.4900, 50.0000, 0.0010, -2.4900, 4.8045],
    [50.0000, -0.0010, 2.4900, 50.0000, 0.0011, -2.4900, 4.7461],
    [50.0000, 2.5000, 0.0000, 50.0000, 0.0000, -2.5000, 4.3065],
    [50.0000, 2.5000, 0.0000, 73.0000, 25.0000, -18.0000, 27.1492],
    [50.0000, 2.5000, 0.0000, 61.0000, -5.0000, 29.0000, 22.8977],
    [50.0000, 2.5000, 0.0000, 56.0000, -27.0000, -3.0000, 31.9030],
    [50.0000, 2.5000, 0.0000, 58.0000, 24.0000, 15.0000, 19.4535],
    [50.0000, 2.5000, 0.0000, 50.0000, 3.1736, 0.5854, 1.0000],
    [50.0000, 2.5000, 0.0000, 50.0000, 3.2972, 0.0000, 1.0000],
    [50.0000, 2.5000, 0.0000, 50.0000, 1.8634, 0.5757, 1.0000],
    [50.0000, 2.5000, 0.0000, 50.0000, 3.2592, 0.3350, 1.0000],
    [60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644],
    [63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630],
    [61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731],
    [35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645],
    [22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373],
    [36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146],
    [90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441],
    [90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381],
    [6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377],
    [2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082],
])  # fmt: skip

labs = st.tuples(st.floats(0, 100), st.floats(-110, 110), st.floats(-110, 110)).map(np.array)


@pytest.mark.parametrize("swap", [False, True])
def test_the_published_pairs_come_out_to_the_last_published_digit(swap: bool) -> None:
    first, second = (SHARMA[:, 3:6], SHARMA[:, :3]) if swap else (SHARMA[:, :3], SHARMA[:, 3:6])
    assert np.abs(difference(first, second) - SHARMA[:, 6]).max() < 5.1e-5


def test_it_agrees_with_colour_science_on_many_colors() -> None:
    rng = np.random.default_rng(1)
    one, two = rng.uniform((0, -100, -100), (100, 100, 100), (2, 4000, 3))
    assert np.abs(difference(one, two) - colour.delta_E(one, two, method="CIE 2000")).max() < 1e-9


@given(labs, labs)
def test_it_is_symmetric_zero_for_the_same_and_never_nan(one: np.ndarray, two: np.ndarray) -> None:
    assert difference(one, two) == pytest.approx(difference(two, one), abs=1e-9)
    assert difference(one, one) == 0
    assert difference(one, two) >= 0


@given(labs, st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)).map(np.array))
@example(np.array([0.0, 0.0, -24.0]), np.array([0.0, 0.5, -0.5]))  # blue, where chroma and hue are not seen apart
def test_what_the_fit_descends_on_is_close_to_it_for_small_differences(one: np.ndarray, by: np.ndarray) -> None:
    exact, smooth = float(difference(one + by, one)), float(np.linalg.norm(near(one + by, one)))
    assert smooth == pytest.approx(exact, abs=0.05, rel=0.1)


def test_lab_of_srgb_agrees_with_colour_science() -> None:
    rng = np.random.default_rng(2)
    code = rng.uniform(0, 1, (500, 3))
    xyz = colour.sRGB_to_XYZ(code)
    adapted = colour.adaptation.chromatic_adaptation_VonKries(
        xyz, np.array([0.95047, 1, 1.08883]), np.array([0.96422, 1, 0.82521]), transform="Bradford"
    )
    theirs = colour.XYZ_to_Lab(adapted, colour.XYZ_to_xy(np.array([0.96422, 1, 0.82521])))
    assert difference(linear_to_lab(decode(code)), np.asarray(theirs, np.float64)).max() < 0.05


@given(st.lists(st.tuples(st.floats(-0.5, 2), st.floats(-0.5, 2), st.floats(-0.5, 2)), min_size=1, max_size=5).map(np.array))
def test_spaces_go_there_and_back_also_out_of_the_gamut(linear: np.ndarray) -> None:
    assert np.allclose(lab_to_linear(linear_to_lab(linear)), linear, atol=1e-9)
    assert np.allclose(decode(encode(linear)), linear, atol=1e-6)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("classic-24", "ColorChecker24 - After November 2014"), ("classic-24-before-2014", "ColorChecker24 - Before November 2014")],
)
def test_built_in_charts_are_the_published_ones(ours: str, theirs: str) -> None:
    published = colour.CCS_COLOURCHECKERS[theirs]
    lab = [colour.XYZ_to_Lab(colour.xyY_to_XYZ(xyy), published.illuminant) for xyy in published.data.values()]
    assert np.abs(built_in(ours).lab - lab).max() < 0.02


def test_every_built_in_chart_has_a_value_for_every_patch() -> None:
    assert all(len(chart) == len(NAMES) for chart in BUILT_IN.values())
