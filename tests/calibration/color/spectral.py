"""What two published cameras see of published patch spectra under five published lights (data of colour-science)."""

from functools import cache

import colour
import numpy as np

from calibration.color.reference import Chart
from calibration.color.space import F64

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
