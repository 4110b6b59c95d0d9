"""From a photograph to a matrix: what a camera did is recovered, on patches that were not shown to the fit."""

from functools import cache

import cv2
import numpy as np
import pytest
from scipy.optimize import least_squares

from calibration.color.difference import difference, near
from calibration.color.drift import drift_since
from calibration.color.find import find_chart
from calibration.color.fit import Fit, apply_matrix, fit
from calibration.color.read import Seen, read_patches
from calibration.color.reference import Chart, built_in
from calibration.color.space import F64, lab_to_linear, linear_to_lab
from tests.calibration.color.rendered_chart import Shot, photograph
from tests.calibration.color.spectral import CAMERAS, camera_linear, reference

CHART = built_in("classic-24")
HARD = Shot(gamma=1.15, light=1.5, vignette=0.3, noise=4, blur_px=1.5, tilt=0.2, angle_deg=17)


@cache
def measured(shot: Shot) -> tuple[Seen, Fit]:
    photo = photograph(shot)
    seen = read_patches(photo.pixels, find_chart(photo.pixels, CHART))
    return seen, fit(seen, CHART)


def test_matrix_gamma_light_noise_blur_and_perspective_at_once_are_recovered() -> None:
    _, found = measured(HARD)
    assert np.nanmedian(found.left_out) < 0.5
    assert np.nanmedian(found.applied) < 2.0
    assert np.nanmedian(found.before) > 5.0
    truth = np.linalg.inv(HARD.matrix) / np.array(HARD.gains)
    assert np.abs(found.response.matrix - truth).max() < 0.12
    assert found.response.power == pytest.approx(1 / HARD.gamma, abs=0.06)


def test_uneven_light_is_taken_out() -> None:
    assert measured(HARD)[1].light_ratio == pytest.approx(1.5, abs=0.3)


def test_a_camera_that_is_right_stays_as_it_is() -> None:
    _, found = measured(Shot(gains=(0.995, 0.995, 0.995), matrix=np.eye(3), noise=0, blur_px=0))
    assert np.abs(found.matrix - np.eye(3, 4)).max() < 6
    assert np.abs(found.matrix[:, :3] - np.eye(3)).max() < 0.05


def test_what_the_device_applies_is_the_matrix_of_the_report() -> None:
    seen, found = measured(HARD)
    codes = np.rint(seen.code).astype(np.uint8)[None]
    on_device = cv2.transform(codes, found.matrix.astype(np.float32))[0]
    assert np.abs(on_device - apply_matrix(found.matrix, codes[0].astype(float))).max() <= 1


def best_left_out(linear: F64, chart: Chart) -> float:
    """Median ΔE00 of the best 3x3 for a camera without noise, curve or uneven light, each patch by a fit that never saw it."""

    def matrix(rows: np.ndarray) -> F64:
        start = np.linalg.lstsq(linear[rows], lab_to_linear(chart.lab[rows]), rcond=None)[0].T

        def off(values: F64) -> F64:
            return near(linear_to_lab(linear[rows] @ values.reshape(3, 3).T), chart.lab[rows]).ravel()

        return np.asarray(least_squares(off, start.ravel(), method="lm").x.reshape(3, 3))

    patches = np.arange(24)
    errors = [difference(linear_to_lab(np.clip(linear[i] @ matrix(patches[patches != i]).T, 0, 1)), chart.lab[i]) for i in patches]
    return float(np.median(errors))


def test_published_cameras_under_published_lights_come_close_to_the_best_possible_matrix() -> None:
    """Patch spectra, sensitivities and lights of colour-science; noise, perspective and uneven light of the photograph are ours."""
    ratios = []
    for camera, light in zip((CAMERAS[0], CAMERAS[1], CAMERAS[0]), ("A", "D65", "FL11"), strict=True):  # docs/color.md has all ten pairs
        linear = camera_linear(camera, light)
        photo = photograph(Shot(gains=(1, 1, 1), noise=2, angle_deg=8, tilt=0.1, light=1.25), linear)
        seen = read_patches(photo.pixels, find_chart(photo.pixels, reference()))
        ratios.append(float(np.nanmedian(fit(seen, reference()).left_out)) / best_left_out(linear, reference()))
    assert np.median(ratios) <= 1.2
    assert max(ratios) <= 1.4


def test_nothing_on_record_is_no_drift() -> None:
    assert drift_since(None, measured(HARD)[0]) is None
