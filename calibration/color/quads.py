"""Evenly colored four-sided spots in a picture: the candidates for patches.

A spot is what is left between edges. Edges are looked for at several strengths, since a dark patch on a dark frame has a weak one and
a noisy picture has many; a spot found at more than one strength is kept once, as the squarest of its finds.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from calibration.color.space import F64
from edge.frame import F32, U8

__all__ = ["Quad", "find_quads"]

STRENGTHS = (3.0, 5.0, 8.0, 12.0, 18.0, 27.0, 40.0)  # code values from one pixel to the next
SMALLEST, LARGEST = 0.0002, 0.04  # of the picture's area
SQUARENESS = 0.78  # of the area of the rectangle around it
LONGEST = 2.0  # side to side


@dataclass(frozen=True, slots=True, eq=False)
class Quad:
    """center: (x, y). right, down: half an edge each, (x, y); down is right turned by about a quarter clockwise. area: pixels."""

    center: F64
    right: F64
    down: F64
    area: float
    squareness: float


def find_quads(picture: U8) -> list[Quad]:
    """picture: (h, w, 3) uint8, its long side about 1,000 px."""
    strength = _edges(picture)
    height, width = strength.shape
    limits = (SMALLEST * height * width, LARGEST * height * width)
    found: list[Quad] = []
    for threshold in STRENGTHS:
        found += _spots(strength < threshold, limits)
    return _once(found)


def _edges(picture: U8) -> F32:
    """(h, w) the strongest change of any channel from pixel to pixel, code values."""
    calm = cv2.medianBlur(picture, 5).astype(np.float32)
    gradient = [cv2.Sobel(calm, cv2.CV_32F, *axes, ksize=3, scale=0.125) for axes in ((1, 0), (0, 1))]
    return np.asarray(np.hypot(*gradient).max(axis=2), np.float32)


def _spots(even: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], limits: tuple[float, float]) -> list[Quad]:
    mask = cv2.morphologyEx(even.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    found = []
    for contour in contours:
        area = cv2.contourArea(contour)
        if not limits[0] <= area <= limits[1]:
            continue
        hull = cv2.convexHull(contour)
        _, (w, h), angle = cv2.minAreaRect(hull)
        if min(w, h) < 6 or max(w, h) > LONGEST * min(w, h):
            continue
        squareness = area / (w * h)
        if squareness < SQUARENESS or area < 0.85 * cv2.contourArea(hull):
            continue
        moments = cv2.moments(contour)
        center = np.array([moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]])
        along = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        across = np.array([-along[1], along[0]])
        found.append(Quad(center, along * w / 2, across * h / 2, area, squareness))
    return found


def _once(quads: list[Quad]) -> list[Quad]:
    """Of quads around the same center, the squarest, weighed by size: an eroded copy of a patch is square too."""
    kept: list[Quad] = []
    for quad in sorted(quads, key=lambda q: -q.squareness * q.area**0.25):
        reach = 0.35 * np.sqrt(quad.area)
        if all(np.hypot(*(quad.center - other.center)) > reach for other in kept):
            kept.append(quad)
    return kept
