"""CIEDE2000, the color difference that people see: 1 is about what can just be told apart side by side.

G. Sharma, W. Wu, E. N. Dalal: The CIEDE2000 color-difference formula: implementation notes, supplementary test data, and mathematical
observations. Color Research and Application 30 (1), 21-30, 2005. Names as there; kL = kC = kH = 1.
"""

import numpy as np

from calibration.color.space import F64

__all__ = ["difference", "near"]


def difference(lab_1: F64, lab_2: F64) -> F64:
    """(..., 3) CIELAB, twice -> (...) ΔE00."""
    chroma_mean = (np.hypot(lab_1[..., 1], lab_1[..., 2]) + np.hypot(lab_2[..., 1], lab_2[..., 2])) / 2
    g = 0.5 * (1 - _seventh(chroma_mean))
    a_1, a_2 = (1 + g) * lab_1[..., 1], (1 + g) * lab_2[..., 1]
    c_1, c_2 = np.hypot(a_1, lab_1[..., 2]), np.hypot(a_2, lab_2[..., 2])
    h_1, h_2 = (np.degrees(np.arctan2(b, a)) % 360 for b, a in ((lab_1[..., 2], a_1), (lab_2[..., 2], a_2)))
    is_grey = c_1 * c_2 == 0
    turn = (h_2 - h_1 + 180) % 360 - 180
    turn = np.where((turn == -180) & (h_2 > h_1), 180.0, turn)
    d_l, d_c = lab_2[..., 0] - lab_1[..., 0], c_2 - c_1
    d_h = np.where(is_grey, 0.0, 2 * np.sqrt(c_1 * c_2) * np.sin(np.radians(turn / 2)))
    l_mean, c_mean = (lab_1[..., 0] + lab_2[..., 0]) / 2, (c_1 + c_2) / 2
    h_sum = h_1 + h_2
    h_mean = np.where(np.abs(h_1 - h_2) <= 180, h_sum / 2, np.where(h_sum < 360, (h_sum + 360) / 2, (h_sum - 360) / 2))
    h_mean = np.where(is_grey, h_sum, h_mean)
    s_l, s_c, s_h = _weights(l_mean, c_mean, h_mean)
    rotation = _rotation(c_mean, h_mean)
    light, chroma, hue = d_l / s_l, d_c / s_c, d_h / s_h
    return np.asarray(np.sqrt(np.maximum(light**2 + chroma**2 + hue**2 + rotation * chroma * hue, 0.0)))


def near(lab: F64, reference: F64) -> F64:
    """(n, 3) CIELAB, twice -> (n, 3) whose Euclidean length is close to ΔE00 for small differences, and which is smooth everywhere.

    Lightness, chroma and hue with CIEDE2000's weights and rotation at the reference; what a least-squares fit can descend on.
    """
    g = 1 + 0.5 * (1 - _seventh(np.hypot(reference[..., 1], reference[..., 2])))
    a, b = g * reference[..., 1], reference[..., 2]
    chroma = np.hypot(a, b)
    hue = np.arctan2(b, a)
    s_l, s_c, s_h = _weights(reference[..., 0], chroma, np.degrees(hue) % 360)
    half = _rotation(chroma, np.degrees(hue) % 360) / 2
    d_a, d_b = g * (lab[..., 1] - reference[..., 1]), lab[..., 2] - reference[..., 2]
    along, across = d_a * np.cos(hue) + d_b * np.sin(hue), d_b * np.cos(hue) - d_a * np.sin(hue)
    light, turned = (lab[..., 0] - reference[..., 0]) / s_l, across / s_h
    return np.stack([light, along / s_c + half * turned, np.sqrt(1 - half**2) * turned], axis=-1)  # c² + h² + 2·half·c·h


def _seventh(chroma: F64) -> F64:
    return np.asarray(np.sqrt(chroma**7 / (chroma**7 + 25.0**7)))


def _rotation(chroma: F64, hue_deg: F64) -> F64:
    """-2..0: in blue, chroma and hue are not seen apart."""
    return np.asarray(-np.sin(np.radians(60 * np.exp(-(((hue_deg - 275) / 25) ** 2)))) * 2 * _seventh(chroma))


def _weights(lightness: F64, chroma: F64, hue_deg: F64) -> tuple[F64, F64, F64]:
    t = (
        1
        - 0.17 * np.cos(np.radians(hue_deg - 30))
        + 0.24 * np.cos(np.radians(2 * hue_deg))
        + 0.32 * np.cos(np.radians(3 * hue_deg + 6))
        - 0.20 * np.cos(np.radians(4 * hue_deg - 63))
    )
    from_50 = (lightness - 50) ** 2
    return np.asarray(1 + 0.015 * from_50 / np.sqrt(20 + from_50)), 1 + 0.045 * chroma, np.asarray(1 + 0.015 * chroma * t)
