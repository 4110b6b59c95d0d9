"""From what the camera saw of the patches to its response, and from that to the matrix that the device applies.

The response: each channel's curve (sRGB's, raised to a power, above a black level), a light that falls off slowly over the chart, and a
3x3 matrix in linear light. All of it is fitted at once, on differences as people see them, with weak priors on what 24 patches cannot
tell apart (a curve and a fall-off along the grey row look much alike).

The device applies one affine matrix to code values after the resize (`edge.preprocess`): the matrix fitted here stands for the response
as well as such a matrix can; how much is lost is in the figures. Every figure is of patches that the fit was not shown (leave one out).
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from calibration.color.difference import difference, near
from calibration.color.read import Seen
from calibration.color.reference import Chart
from calibration.color.space import F64, code_to_lab, decode, encode, lab_to_linear, linear_to_lab

__all__ = ["Fit", "Response", "apply_matrix", "fit"]

POWER_SIGMA, BLACK_SIGMA, ALIKE_SIGMA, LIGHT_SIGMA = 0.3, 0.005, 0.01, 0.25
PRIOR_WEIGHT = 0.5  # ΔE for one sigma
MIXING_SIGMA = 2.0
FINE = 1e-5

Rows = np.ndarray[tuple[int, ...], np.dtype[np.int64]]  # numbers of patches


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """power, black: (3,). light: (3,) log of the fall-off along x, y and the squared distance. matrix: (3, 3) linear camera to sRGB."""

    power: F64
    black: F64
    light: F64
    matrix: F64

    def linear(self, code: F64, place: F64) -> F64:
        """(n, 3) code 0..255 -> (n, 3) linear light of the camera's channels, as in the middle of the chart."""
        above = (code / 255 - self.black) / (1 - self.black)
        curved = decode(above)
        return np.asarray(np.sign(curved) * np.abs(curved) ** self.power / np.exp(_fall_off(place) @ self.light)[:, None])

    def code(self, linear: F64) -> F64:
        """The inverse of `linear` in the middle of the chart: (n, 3) -> code 0..255."""
        straight = np.sign(linear) * np.abs(linear) ** (1 / self.power)
        return np.asarray((encode(straight) * (1 - self.black) + self.black) * 255)

    def corrected(self, code: F64, place: F64) -> F64:
        """(n, 3) code 0..255 -> (n, 3) linear sRGB."""
        return np.asarray(self.linear(code, place) @ self.matrix.T)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """before, left_out, applied: (24,) ΔE00: as photographed; by a response, and by the device's matrix, that never saw the patch.

    matrix: (3, 4), out = matrix · (R, G, B, 1) in code values 0..255. corrected: (24, 3) code values by it. light_ratio: brightest to
    darkest place of the chart. nan where a patch was not used.
    """

    response: Response
    matrix: F64
    before: F64
    left_out: F64
    applied: F64
    corrected: F64
    light_ratio: float


def fit(seen: Seen, chart: Chart) -> Fit:
    """What explains the used patches best, and how far off it is on each of them when it was not shown that patch."""
    used = np.flatnonzero(seen.used)
    whole = _response(seen, chart, used, None)
    matrix = _matrix(whole, seen, chart, used, None)
    before, left_out, applied = (np.full(len(seen.code), np.nan) for _ in range(3))
    for at in used:
        others = used[used != at]
        response = _response(seen, chart, others, whole)
        one, place = seen.code[at : at + 1], seen.place[at : at + 1]
        left_out[at] = difference(linear_to_lab(np.clip(response.corrected(one, place), 0, 1)), chart.lab[at : at + 1])[0]
        even = response.code(response.linear(one, place))
        applied[at] = _error(apply_matrix(_matrix(response, seen, chart, others, matrix), even), chart.lab[at : at + 1])[0]
    before[used] = _error(seen.code, chart.lab)[used]
    even = whole.code(whole.linear(seen.code, seen.place))
    log_light = _fall_off(seen.place) @ whole.light
    return Fit(whole, matrix, before, left_out, applied, apply_matrix(matrix, even), float(np.exp(np.ptp(log_light))))


def apply_matrix(matrix: F64, code: F64) -> F64:
    """As `edge.preprocess.prepare` does it: (3, 4), (n, 3) code values -> (n, 3) code values, rounded and held in 0..255."""
    return np.asarray(np.clip(np.rint(code @ matrix[:, :3].T + matrix[:, 3]), 0, 255))


def _error(code: F64, lab: F64) -> F64:
    return difference(code_to_lab(code), lab)


def _fall_off(place: F64) -> F64:
    """(n, 2) -> (n, 3), zero in the middle."""
    return np.column_stack([place, (place**2).sum(axis=1)])


def _response(seen: Seen, chart: Chart, rows: Rows, start: Response | None) -> Response:
    code, place, lab = seen.code[rows], seen.place[rows], chart.lab[rows]
    if start is None:
        camera = decode(code / 255)
        matrix = np.linalg.lstsq(camera, lab_to_linear(lab), rcond=None)[0].T
        first = np.concatenate([np.ones(3), np.zeros(6), matrix.ravel()])
    else:
        first = np.concatenate([start.power, start.black, start.light, start.matrix.ravel()])

    def residual(values: F64) -> F64:
        response = _unpack(values)
        off = near(linear_to_lab(response.corrected(code, place)), lab)
        prior = [
            (response.power.mean() - 1) / POWER_SIGMA,
            *((response.power - response.power.mean()) / ALIKE_SIGMA),
            *(response.black / BLACK_SIGMA),
            *(response.light / LIGHT_SIGMA),
        ]
        return np.concatenate([off.ravel(), PRIOR_WEIGHT * np.array(prior)])

    return _unpack(least_squares(residual, first, method="lm", xtol=FINE, ftol=FINE, max_nfev=2000).x)


def _unpack(values: F64) -> Response:
    return Response(np.clip(values[:3], 0.2, 5), np.clip(values[3:6], -0.2, 0.4), values[6:9], values[9:].reshape(3, 3))


def _matrix(response: Response, seen: Seen, chart: Chart, rows: Rows, start: F64 | None) -> F64:
    """(3, 4) for code values: the nearest that such a matrix comes to the chart, seen in the light of the chart's middle."""
    even = response.code(response.linear(seen.code[rows], seen.place[rows])) / 255
    full, lab = np.column_stack([even, np.ones(len(rows))]), chart.lab[rows]
    first = np.linalg.lstsq(full, encode(lab_to_linear(lab)), rcond=None)[0].T if start is None else start / (1, 1, 1, 255)

    def residual(values: F64) -> F64:
        off = near(linear_to_lab(decode(full @ values.reshape(3, 4).T)), lab)
        return np.concatenate([off.ravel(), (values.reshape(3, 4)[:, :3] - np.eye(3)).ravel() / MIXING_SIGMA])

    matrix = least_squares(residual, first.ravel(), method="lm", xtol=FINE, ftol=FINE, max_nfev=2000).x.reshape(3, 4)
    matrix[:, 3] *= 255
    return np.asarray(matrix)
