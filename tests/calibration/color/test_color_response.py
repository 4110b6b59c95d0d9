"""From a photograph to a response: what a camera did is recovered, on patches that were not shown to the fit, as the device applies it."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import msgspec
import numpy as np
import pytest

from calibration.color.difference import difference
from calibration.color.drift import drift_since
from calibration.color.find import find_chart
from calibration.color.fit import Fit, fit
from calibration.color.measure import measure_chart
from calibration.color.read import Seen, read_patches
from calibration.color.reference import NEUTRAL, built_in
from calibration.color.space import code_to_lab
from edge.bundle.manifest import InputSpec
from edge.errors import CheckFailed
from edge.frame import U8
from edge.preprocess.prepare import prepare
from edge.profile import ColorResponse, Corrections, color_tables
from tests.calibration.color.rendered_chart import Shot, photograph
from tests.calibration.color.spectral import CAMERAS, best_left_out, camera_linear, chart_seen_by, reference

CHART = built_in("classic-24")
HARD = Shot(gamma=1.15, light=1.5, vignette=0.3, noise=4, blur_px=1.5, tilt=0.2, angle_deg=17)


@cache
def measured(shot: Shot) -> tuple[Seen, Fit]:
    photo = photograph(shot)
    seen = read_patches(photo.pixels, find_chart(photo.pixels, CHART))
    return seen, fit(seen, CHART)


def test_matrix_gamma_light_noise_blur_and_perspective_at_once_are_recovered() -> None:
    _, found = measured(HARD)
    assert np.nanmedian(found.left_out) < 0.7
    assert np.nanmedian(found.before) > 5.0
    truth = np.linalg.inv(HARD.matrix) / np.array(HARD.gains)
    assert np.abs(found.response.matrix - truth).max() < 0.12
    assert found.response.power == pytest.approx(1 / HARD.gamma, abs=0.06)


def test_uneven_light_is_taken_out() -> None:
    assert measured(HARD)[1].light_ratio == pytest.approx(1.5, abs=0.3)


def test_a_camera_that_is_right_stays_as_it_is() -> None:
    _, found = measured(Shot(gains=(0.995, 0.995, 0.995), matrix=np.eye(3), noise=0, blur_px=0))
    assert found.response.power == pytest.approx(1, abs=0.05)
    assert np.abs(found.response.matrix - np.eye(3)).max() < 0.05


def shown_by_the_device(color: ColorResponse, photo: U8) -> Seen:
    """The patches of the picture as it reaches a model of the same size: the whole way of a frame."""
    height, width = photo.shape[:2]
    spec = InputSpec(width_px=width, height_px=height, fit="squash", field="none")
    prepared = prepare(photo, spec, Corrections((width, height), color=color_tables(color)))
    assert prepared.corrected
    return read_patches(prepared.tensor, find_chart(photo, CHART))


def test_another_picture_of_the_chart_has_its_colors_on_the_device() -> None:
    _, found = measured(HARD)
    other = photograph(replace(HARD, light=1.0, vignette=0.0, angle_deg=-40, seed=9))
    seen = shown_by_the_device(found.response.color, other.pixels)
    off = difference(code_to_lab(seen.code), CHART.lab)[seen.used]
    assert np.median(off) < 0.8
    assert np.median(off) == pytest.approx(np.nanmedian(found.left_out), abs=0.3)


def test_noise_grows_as_the_measured_response_says() -> None:
    shot = Shot(noise=2)
    seen, found = measured(shot)
    shown = shown_by_the_device(found.response.color, photograph(shot).pixels)
    greys = list(NEUTRAL[1:5])
    before, after = (np.median([each.pixels[at].std(axis=0) for at in greys], axis=0) for each in (seen, shown))
    assert after.max() / before.mean() == pytest.approx(found.response.noise_gain(seen.code[greys]), rel=0.15)


@pytest.mark.parametrize(("camera", "light"), [(CAMERAS[0], "A"), (CAMERAS[0], "FL11"), (CAMERAS[1], "D65")])  # docs/color.md has all ten
def test_published_cameras_and_lights_come_within_a_fifth_of_the_best_possible_matrix_on_the_device(camera: str, light: str) -> None:
    photo = chart_seen_by(camera, light)
    found = fit(read_patches(photo, find_chart(photo, reference())), reference())
    assert np.nanmedian(found.left_out) <= 1.2 * best_left_out(camera_linear(camera, light), reference())


def test_a_camera_whose_channels_are_nearly_alike_is_refused_by_the_noise_it_would_show() -> None:
    raw = measure_chart([chart_seen_by(CAMERAS[1], "D65")], reference(), None, datetime(2026, 1, 1, tzinfo=UTC))
    assert raw.facts.noise_gain > 5
    raw.require_help()
    with pytest.raises(CheckFailed, match="30 times as noisy"):
        replace(raw, facts=msgspec.structs.replace(raw.facts, noise_gain=30.0)).require_help()


def test_nothing_on_record_is_no_drift() -> None:
    assert drift_since(None, measured(HARD)[0]) is None
