"""From loose quads to a grid: which of them stand in rows and columns, and the homography from grid steps to the picture."""

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

from calibration.color.quads import Quad
from calibration.color.space import F64

__all__ = ["Grid", "fit_grid"]

STEP = (1.75, 3.9)  # from center to center, in half edges of a patch: gaps from none to as wide as a patch, erosion included
OFF_AXIS = 0.8
SIZE_RATIO = 2.6
FIT = 0.16  # how far a patch may lie from where the grid has it, in steps
FEWEST = 9


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """cells: (n, 2) whole steps (column, row) from some patch. centers: (n, 2) pixels. to_picture: (3, 3), steps to pixels."""

    cells: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    centers: F64
    to_picture: F64


def fit_grid(quads: list[Quad]) -> Grid | None:
    """The largest grid among the quads; None where no nine of them stand in rows and columns."""
    best: dict[int, tuple[int, int]] = {}
    seen: set[int] = set()
    for seed in sorted(range(len(quads)), key=lambda at: -quads[at].squareness):
        if seed in seen:
            continue
        cells = _walk(quads, seed)
        seen |= set(cells)
        if len(cells) > len(best):
            best = cells
    if len(best) < FEWEST:
        return None
    places = np.array(list(best.values()), np.int64)
    centers = np.array([quads[at].center for at in best])
    home, inliers = cv2.findHomography(places.astype(np.float64), centers, cv2.RANSAC, _reach(places, centers))
    if home is None or inliers is None or inliers.sum() < FEWEST:
        return None
    keep = inliers.ravel().astype(bool)
    home, _ = cv2.findHomography(places[keep].astype(np.float64), centers[keep], 0)
    return None if home is None else Grid(places[keep], centers[keep], np.asarray(home, np.float64))


def _reach(places: np.ndarray[tuple[int, ...], np.dtype[np.int64]], centers: F64) -> float:
    """FIT in pixels: the median distance of direct neighbors is one step."""
    apart = np.abs(places[:, None] - places[None]).sum(axis=2)
    distance = np.hypot(*np.moveaxis(centers[:, None] - centers[None], 2, 0))
    return float(FIT * np.median(distance[apart == 1]))


def _walk(quads: list[Quad], seed: int) -> dict[int, tuple[int, int]]:
    """From one quad to its neighbors and theirs. quad -> (column, row); a cell is taken once."""
    cells, axes = {seed: (0, 0)}, {seed: (quads[seed].right, quads[seed].down)}
    taken = {(0, 0)}
    queue = deque([seed])
    while queue:
        here = queue.popleft()
        right, down = axes[here]
        for column, row in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            cell = (cells[here][0] + column, cells[here][1] + row)
            if cell in taken or max(map(abs, cell)) > 6:
                continue
            toward, aside = (right * column, down) if column else (down * row, right)
            there = _nearest(quads, here, toward, aside, cells)
            if there is None:
                continue
            cells[there], axes[there] = cell, _aligned(quads[there], right, down)
            taken.add(cell)
            queue.append(there)
    return cells


def _nearest(quads: list[Quad], here: int, toward: F64, aside: F64, known: dict[int, tuple[int, int]]) -> int | None:
    basis = np.stack([toward, aside], axis=1)
    if abs(np.linalg.det(basis)) < 1e-6:
        return None
    best, at = STEP[1], None
    for there, quad in enumerate(quads):
        if there in known or not 1 / SIZE_RATIO < quad.area / quads[here].area < SIZE_RATIO:
            continue
        along, across = np.linalg.solve(basis, quad.center - quads[here].center)
        if STEP[0] <= along < best and abs(across) < OFF_AXIS:
            best, at = along, there
    return at


def _aligned(quad: Quad, right: F64, down: F64) -> tuple[F64, F64]:
    """The quad's own half edges, named so that they point as its neighbor's do."""
    choices = ((quad.right, quad.down), (-quad.down, quad.right), (-quad.right, -quad.down), (quad.down, -quad.right))
    return max(choices, key=lambda pair: float(pair[0] @ right / np.hypot(*pair[0]) + pair[1] @ down / np.hypot(*pair[1])))
