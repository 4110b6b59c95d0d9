"""A ruler at the edge of a dermoscopic picture: millimetre ticks with digits, printed on the glass or on a strip of paper."""

import cv2
import numpy as np
from numpy.random import Generator

from edge.frame import U8
from export.distil.artefacts.brush import alpha_of, between, inked, one_of, unit_px

__all__ = ["ruler"]

PAPER = ((238, 236, 230), (232, 226, 205), (215, 222, 226))
PRINT = ((25, 24, 26), (40, 38, 46), (30, 34, 70))


def ruler(pixels: U8, strength: float, rng: Generator) -> U8:
    """Ticks 8 to 20 units apart, the fifth and the tenth longer, along any of the four edges and a little aslant."""
    height, width = pixels.shape[:2]
    side, unit = int(rng.integers(4)), unit_px(pixels)
    strip = _strip(1.5 * max(height, width), unit, strength, rng)
    edge = (height if side % 2 == 0 else width) / 2
    turn = side * np.pi / 2 + float(rng.normal(0, 0.06))
    inset = between(-0.01, 0.05, strength) * min(height, width) * float(rng.uniform(0.3, 1))
    cos, sin = np.cos(turn), np.sin(turn)
    u, v = -strip.shape[1] / 2, inset - edge
    matrix = np.array([[cos, -sin, width / 2 + u * cos - v * sin], [sin, cos, height / 2 + u * sin + v * cos]], np.float32)
    laid = np.asarray(cv2.warpAffine(strip, matrix, (width, height), flags=cv2.INTER_LINEAR), np.uint8)
    return inked(pixels, np.asarray(cv2.GaussianBlur(laid, (0, 0), max(0.3, 0.25 * unit)), np.uint8))


def _strip(length_px: float, unit: float, strength: float, rng: Generator) -> U8:
    """(h, w, 4) uint8, colour times alpha, and alpha: the ruler with its outer edge on top."""
    step, tick = float(rng.uniform(8, 20)) * unit, between(5, 14, strength) * unit
    digits = 0.8 * tick + 3 * unit
    printed = np.zeros((max(4, round(2 * tick + 1.8 * digits)), round(length_px)), np.uint8)
    thick = max(1, round(between(0.8, 1.8, strength) * unit))
    start, numbered = int(rng.integers(0, 10)), int(rng.integers(0, 3))
    scale = digits / cv2.getTextSize("0", cv2.FONT_HERSHEY_SIMPLEX, 1.0, 1)[0][1]
    for count in range(int(length_px / step)):
        x, place = round((count + 0.5) * step * 16), count + start
        reach = tick * (2.0 if place % 10 == 0 else 1.5 if place % 5 == 0 else 1.0)
        cv2.line(printed, (x, 0), (x, round(reach * 16)), 255, thick, cv2.LINE_AA, 4)
        if place % 10 == 0:
            at = (round(x / 16 - 0.4 * digits), round(2 * tick + 1.3 * digits))
            cv2.putText(printed, str(numbered + place // 10), at, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thick, cv2.LINE_AA)
    ink, paper = (*one_of(rng, *PRINT), 255), (*one_of(rng, *PAPER), 255) if rng.random() < 0.4 else (0, 0, 0, 0)
    share, alpha = alpha_of(printed), between(0.5, 1.0, strength)
    planes = [np.rint(alpha * (low + share * (high - low))).astype(np.uint8) for low, high in zip(paper, ink, strict=True)]
    return np.asarray(cv2.merge(planes), np.uint8)
