"""The shape of a scan region: what a linear probe draws (four corners) or a curved or phased one (a sector), fitted to a silhouette.

Tissue that sends no echo is as black as the screen, and bites pieces out of a silhouette; a shape that a probe can draw spans them.
A pixel lit outside the shape therefore costs more than a dark one inside.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from scipy.optimize import minimize

from edge.frame import U8

F64 = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

__all__ = ["Kind", "Shape", "fit_shape"]

WORK_PX = 400  # long side while fitting
DARK_INSIDE = 0.35  # of the cost of a lit pixel outside
ARC_POINTS = 40
SUBPIXEL = 4  # bits
WELL_FITTED, EXACT = 0.05, 0.008  # cost over area


class Kind(StrEnum):
    CORNERS = "four corners (linear probe)"
    SECTOR = "sector (curved or phased probe)"
    OUTLINE = "the outline as seen"


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """polygon: (n, 2) float64 pixels. cost: weighted pixels that disagree, over its area."""

    kind: Kind
    polygon: F64
    cost: float


def fit_shape(mask: U8) -> Shape:
    """mask: (h, w) uint8 0/1, one piece. The better of the two shapes; the outline where neither comes near."""
    scale = min(1.0, WORK_PX / max(mask.shape))
    size = (round(mask.shape[1] * scale), round(mask.shape[0] * scale))
    small = (cv2.resize(mask * 255, size, interpolation=cv2.INTER_AREA) >= 128).astype(np.uint8)
    # A sector may be cut off by the screen's lower edge, and corners may lie beside it: a border lets shapes reach beyond.
    corners = _fitted(small, _corners_of(small), _quadrilateral, Kind.CORNERS)
    sectors = [] if corners.cost < EXACT else [_fitted(small, start, _sector, Kind.SECTOR) for start in _sectors_of(small)]
    best = min((corners, *sectors), key=lambda shape: shape.cost)
    if corners.cost < 1.15 * best.cost:
        best = corners  # a sector with a far apex looks like corners, and corners are the simpler word
    if best.cost > WELL_FITTED:
        return Shape(Kind.OUTLINE, _outline(mask), best.cost)
    return Shape(best.kind, (best.polygon + 0.5) / scale - 0.5, best.cost)


def _fitted(mask: U8, start: F64, draw: Callable[[F64], F64], kind: Kind) -> Shape:
    weight = np.where(mask > 0, -1.0, DARK_INSIDE).astype(np.float32)  # of taking a pixel in
    lit = float((mask > 0).sum())

    def cost(values: F64) -> float:
        return float((lit + cv2.sumElems(cv2.multiply(weight, _filled(draw(values), mask.shape), dtype=cv2.CV_32F))[0]) / lit)

    reach = np.maximum(np.abs(start) * 0.03, 2.0) if kind is Kind.CORNERS else np.array([4, 4, 4, 4, 0.04, 0.04])
    values = start
    for _ in range(2):  # a second start from where the first one got stuck
        simplex = np.vstack([values, values + np.diag(reach)])
        options = {"initial_simplex": simplex, "maxfev": 500, "xatol": 0.02, "fatol": 1e-5}
        values = minimize(cost, values, method="Nelder-Mead", options=options).x
        reach = reach / 3
    return Shape(kind, draw(values), cost(values))


def _filled(polygon: F64, shape: tuple[int, ...]) -> U8:
    out = np.zeros(shape[:2], np.uint8)
    points = np.rint(np.clip(polygon, -5000, 10000) * (1 << SUBPIXEL)).astype(np.int32)
    cv2.fillPoly(out, [points], (1,), cv2.LINE_8, SUBPIXEL)
    return out


def _quadrilateral(values: F64) -> F64:
    return values.reshape(4, 2)


def _corners_of(mask: U8) -> F64:
    x, y, w, h = cv2.boundingRect(mask)
    return np.array([x, y, x + w - 1, y, x + w - 1, y + h - 1, x, y + h - 1], np.float64)


def _sector(values: F64) -> F64:
    """values: apex x, y; inner and outer radius; angles of the left and right edge, radians from straight down."""
    x, y, inner, outer, left, right = values
    inner, outer = max(inner, 0.0), max(outer, inner + 1.0)
    angles = np.linspace(left, right, ARC_POINTS)
    arc = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    return np.vstack([(x, y) + outer * arc, (x, y) + inner * arc[::-1]])


def _sectors_of(mask: U8) -> list[F64]:
    """Starting points: from the straight parts of both sides, and a plain guess where they give none."""
    x, y, w, h = cv2.boundingRect(mask)
    middle = x + w / 2
    column = np.flatnonzero(mask[:, min(round(middle), mask.shape[1] - 1)])
    top, bottom = (float(column[0]), float(column[-1])) if column.size else (float(y), float(y + h))
    starts = []
    for first, last in ((0.15, 0.5), (0.3, 0.7)):
        rows = np.arange(y + round(first * h), y + round(last * h))
        lit = [np.flatnonzero(mask[row]) for row in rows]
        kept = [(row, found[0], found[-1]) for row, found in zip(rows, lit, strict=True) if found.size]
        if len(kept) < 8:
            continue
        sides = np.array(kept, np.float64)
        left, right = (_line(sides[:, 0], sides[:, at]) for at in (1, 2))
        if right[0] - left[0] < 0.15:
            continue  # sides that hardly part: corners say it better
        apex_y = (left[1] - right[1]) / (right[0] - left[0])
        apex_x = left[0] * apex_y + left[1]
        starts.append(np.array([apex_x, apex_y, max(top - apex_y, 1.0), bottom - apex_y, math.atan(left[0]), math.atan(right[0])]))
    half = math.atan2(w / 2, h)
    starts.append(np.array([middle, float(y), max(top - y, 1.0), bottom - y, -half, half]))
    return starts


def _line(rows: F64, columns: F64) -> tuple[float, float]:
    """(slope, offset) of column over row: medians of slopes over half the height, which a bite out of the side does not move."""
    half = len(rows) // 2
    slope = float(np.median((columns[half : 2 * half] - columns[:half]) / (rows[half : 2 * half] - rows[:half])))
    return slope, float(np.median(columns - slope * rows))


def _outline(mask: U8) -> F64:
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=cv2.contourArea)
    rough = 1.0
    while len(simple := cv2.approxPolyDP(contour, rough, True)) > 180:
        rough *= 1.5
    return np.asarray(simple.reshape(-1, 2), np.float64)
