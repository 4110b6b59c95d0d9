"""What two published cameras see of published patch spectra under five published lights (data of colour-science)."""

from functools import cache

import colour
import numpy as np
from scipy.optimize import least_squares

from calibration.color.difference import difference, near
from calibration.color.reference import Chart
from calibration.color.space import F64, lab_to_linear, linear_to_lab
from edge.frame import U8
from tests.calibration.color.rendered_chart import Shot, photograph

LIGHTS = ("A", "D50", "D65", "FL11", "LED-B3")
CAMERAS = ("Nikon 5100 (NPL)", "Sigma SDMerill (NPL)")
SHAPE = colour.SpectralShape(400, 700, 10)
CHART = "BabelColor Average"


@cache
def reflectances() -> F64:
    """(24, wavelengths)."""
    return np.array([sd.copy().align(SHAPE).values for sd in colour.SDS_COLOURCHECKERS[CHART].values()])


@cache
def reference() -> Chart:
    """CIELAB of the spectra under D50, 2 degrees."""
    light = colour.SDS_ILLUMINANTS["D50"].copy().align(SHAPE).values
    observer = colour.MSDS_CMFS["CIE 1931 2 Degree Standard Observer"].copy().align(SHAPE).values
    xyz = reflectances() * light @ observer / (light @ observer[:, 1])
    white = light @ observer / (light @ observer[:, 1])
    return Chart("spectra", np.asarray(colour.XYZ_to_Lab(xyz, colour.XYZ_to_xy(white))))


def camera_linear(camera: str, light: str, white: float = 0.82) -> F64:
    """(24, 3) what the channels see, each scaled so that the white patch gives `white`: a white balance as a camera makes it."""
    sensitivity = colour.MSDS_CAMERA_SENSITIVITIES[camera].copy().align(SHAPE).values
    power = colour.SDS_ILLUMINANTS[light].copy().align(SHAPE).values
    signal = reflectances() * power @ sensitivity
    return np.asarray(signal / signal[18] * white)


def chart_seen_by(camera: str, light: str) -> U8:
    """Noise, perspective and uneven light of the photograph are ours."""
    return photograph(Shot(gains=(1, 1, 1), noise=2, angle_deg=8, tilt=0.1, light=1.25), camera_linear(camera, light)).pixels


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
