"""Where a 24-patch chart lies in a photograph: its grid, then which way round it lies, told by its colors.

Works on any rotation, perspective and size, with or without a frame, also where a patch or two were not seen as a spot. A mirrored chart
is refused: the picture was flipped, and a device that flips pictures unasked is not to be measured with one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np

from calibration.color.grid import Grid, fit_grid
from calibration.color.quads import find_quads
from calibration.color.reference import COLUMNS, ROWS, Chart
from calibration.color.space import F64, lab_to_code
from edge.errors import InputRefused
from edge.frame import U8

__all__ = ["CELLS", "Found", "find_chart"]

LOOK_AT_PX = (1000, 500, 250)  # long side; a blurred chart has edges only when it is looked at from afar
LIKE = 24.0  # code values, rms after the best affine map: a camera's chart stays below 15, any other arrangement above 35
FAR_OFF = 45.0  # code values: a single patch that is covered
CELLS = np.array([(column, row) for row in range(ROWS) for column in range(COLUMNS)], np.float64)
SHOW_IT = "photograph the whole chart, flat, evenly lit and filling most of the picture"


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """centers: (24, 2) pixels, in the chart's order. right, down: (24, 2) one step to the next patch, pixels, at each patch."""

    centers: F64
    right: F64
    down: F64

    def square(self, patch: int, half: float) -> F64:
        """(4, 2) corners of the square of +- `half` steps around a patch's center."""
        around = np.array([(-half, -half), (half, -half), (half, half), (-half, half)])
        return np.asarray(self.centers[patch] + around @ np.stack([self.right[patch], self.down[patch]]))


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """One way to lay the chart on the grid. turn, shift: chart cell to grid cell. rms: how unlike the chart's colors it is."""

    turn: F64
    shift: F64
    rms: float
    is_mirrored: bool
    off: int


def find_chart(pixels: U8, chart: Chart) -> Found:
    """pixels: (h, w, 3) uint8 RGB. Raises InputRefused: no chart, a covered one, a mirrored one."""
    height, width = pixels.shape[:2]
    for long_side in LOOK_AT_PX:
        scale = max(1.0, max(height, width) / long_side)
        size = (round(width / scale), round(height / scale))
        small = pixels if scale == 1 else np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        grid = fit_grid(find_quads(small))
        if grid is not None:
            break
    else:
        raise InputRefused("no chart of 24 patches was found in the picture", do=SHOW_IT)
    placed = sorted(_placements(grid, small, chart), key=lambda p: p.rms)
    if not placed:
        raise InputRefused("a grid of patches was found, but not all of 24 patches lie in the picture", do=SHOW_IT)
    best = placed[0]
    if best.rms > LIKE:
        nearly = min((p for p in placed if not p.is_mirrored), key=lambda p: p.off, default=best)
        if nearly.off <= 12:
            what = f"{nearly.off} of 24 patches do not look like the chart's: they are covered, in glare, or it is another chart"
            raise InputRefused(what, do="uncover it, turn it away from the lamp, or name its own values with --chart FILE.csv")
        raise InputRefused("a grid of patches was found, but its colors are not those of the chart", do=SHOW_IT)
    if best.is_mirrored:
        raise InputRefused("the chart is mirrored in this picture", do="switch off the camera's or the program's mirror image")
    return _at_full_size(grid, best, scale)


def _placements(grid: Grid, small: U8, chart: Chart) -> Iterator[_Placed]:
    low, high = grid.cells.min(axis=0), grid.cells.max(axis=0)
    wanted = lab_to_code(chart.lab)
    for turn in _turns():
        cells = CELLS @ turn.T
        first, last = cells.min(axis=0), cells.max(axis=0)
        spans = [range(int(high[i] - last[i]), int(low[i] - first[i]) + 1) for i in (0, 1)]
        for shift in product(*spans):
            centers = cv2.perspectiveTransform((cells + shift)[None], grid.to_picture)[0]
            seen = _colors(small, centers)
            if seen is not None:
                rms, off = _unlike(seen, wanted)
                yield _Placed(turn, np.array(shift, float), rms, np.linalg.det(turn) < 0, off)


def _turns() -> list[F64]:
    """The eight ways to lay a rectangle on a grid; four of them mirror it."""
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    return [np.linalg.matrix_power(quarter, n) @ flip for flip in (np.eye(2), np.diag([-1.0, 1.0])) for n in range(4)]


def _colors(small: U8, centers: F64) -> F64 | None:
    """(24, 3) code values around the centers; None where one lies outside."""
    height, width = small.shape[:2]
    at = np.rint(centers).astype(int)
    if (at < 2).any() or (at[:, 0] >= width - 2).any() or (at[:, 1] >= height - 2).any():
        return None
    return np.array([np.median(small[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3), axis=0) for x, y in at])


def _unlike(seen: F64, wanted: F64) -> tuple[float, int]:
    """(rms over patches after the best affine map, patches far off after a map that does not mind a few of those)."""
    full = np.column_stack([seen, np.full(len(seen), 255.0)])
    weights = np.ones(len(seen))
    residual = wanted - full @ np.linalg.lstsq(full, wanted, rcond=None)[0]
    rms = float(np.sqrt((residual**2).mean()))
    for _ in range(12):
        solution = np.linalg.lstsq(full * weights[:, None], wanted * weights[:, None], rcond=None)[0]
        residual = wanted - full @ solution
        weights = 1 / np.sqrt(np.maximum(np.hypot.reduce(residual, axis=1), 4.0))
    return rms, int((np.sqrt((residual**2).sum(axis=1)) > FAR_OFF).sum())


def _at_full_size(grid: Grid, placed: _Placed, scale: float) -> Found:
    cells = CELLS @ placed.turn.T + placed.shift
    steps = [cells, cells + placed.turn[:, 0], cells + placed.turn[:, 1]]
    centers, right, down = (cv2.perspectiveTransform(step[None], grid.to_picture)[0] for step in steps)
    right, down = right - centers, down - centers
    seen = {tuple(cell): center for cell, center in zip(grid.cells.tolist(), grid.centers, strict=True)}
    for at, cell in enumerate(np.rint(cells).astype(int).tolist()):
        centers[at] = seen.get(tuple(cell), centers[at])  # where the spot itself was seen: a lens bends what a homography keeps straight
    return Found((centers + 0.5) * scale - 0.5, right * scale, down * scale)
