"""sRGB code values, linear light, CIE XYZ and CIELAB. float64, shape (..., 3), sRGB between 0 and 1.

sRGB: IEC 61966-2-1. D50: the profile connection space of ICC.1:2022. Adaptation between D50 and D65: linearised Bradford (ICC.1, annex E).
"""

from typing import Final

import numpy as np

from edge.profile.color import F64, decode, encode

__all__ = ["F64", "code_to_lab", "decode", "encode", "lab_to_code", "lab_to_linear", "linear_to_lab"]

_D50: Final = np.array([0.96422, 1.0, 0.82521])
_D65: Final = np.array([0.95047, 1.0, 1.08883])
_BRADFORD: Final = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_PRIMARIES: Final = np.array([[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]])  # xy of sRGB's red, green and blue (ITU-R BT.709)
_LINEAR_BELOW: Final = (6 / 29) ** 3


def _to_xyz() -> F64:
    """linear sRGB -> XYZ relative to D50."""
    xyz = np.stack([_PRIMARIES[:, 0] / _PRIMARIES[:, 1], np.ones(3), (1 - _PRIMARIES.sum(axis=1)) / _PRIMARIES[:, 1]])
    rgb_to_d65 = xyz * np.linalg.solve(xyz, _D65)
    cones = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ _D65))
    return np.asarray(np.linalg.inv(_BRADFORD) @ cones @ _BRADFORD @ rgb_to_d65)


_RGB_TO_D50: Final = _to_xyz()


def linear_to_lab(linear: F64) -> F64:
    """linear sRGB -> CIELAB relative to D50. Values out of the gamut follow the straight part of the curve."""
    ratio = linear @ _RGB_TO_D50.T / _D50
    root = np.where(ratio > _LINEAR_BELOW, np.cbrt(np.maximum(ratio, _LINEAR_BELOW)), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def lab_to_linear(lab: F64) -> F64:
    """CIELAB relative to D50 -> linear sRGB; below 0 or above 1 where sRGB cannot show it."""
    y = (lab[..., 0] + 16) / 116
    root = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    ratio = np.where(root > 6 / 29, root**3, 3 * (6 / 29) ** 2 * (root - 4 / 29))
    return np.asarray((ratio * _D50) @ np.linalg.inv(_RGB_TO_D50).T)


def code_to_lab(code: F64) -> F64:
    """sRGB code values 0..255 -> CIELAB relative to D50."""
    return linear_to_lab(decode(code / 255))


def lab_to_code(lab: F64) -> F64:
    """CIELAB relative to D50 -> sRGB code values 0..255, held in the gamut."""
    return encode(np.clip(lab_to_linear(lab), 0, 1)) * 255
