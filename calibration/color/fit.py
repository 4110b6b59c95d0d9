"""From what the camera saw of the patches to its response, which is what the device applies.

The response: each channel's curve (sRGB's, raised to a power, above a black level), a light that falls off slowly over the chart, and a
3x3 matrix in linear light. All of it is fitted at once, on differences as people see them, with weak priors on what 24 patches cannot
tell apart (a curve and a fall-off along the grey row look much alike). The fall-off belongs to the photograph; the rest goes to the device.

Every figure is of patches that the fit was not shown (leave one out), and as the device shows them: each pixel of the patch through
`edge.preprocess.color`, uint8 in and out, with its noise, and then their mean.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from calibration.color.difference import difference, near
from calibration.color.read import Seen
from calibration.color.reference import Chart
from calibration.color.space import F64, code_to_lab, decode, encode, lab_to_linear, linear_to_lab
from edge.preprocess.color import correct_color
from edge.profile import ColorResponse, color_tables
from edge.profile.color import linear_of

__all__ = ["Fit", "Response", "fit"]

POWER_SIGMA, BLACK_SIGMA, ALIKE_SIGMA, LIGHT_SIGMA = 0.3, 0.005, 0.01, 0.25
PRIOR_WEIGHT = 0.5  # ΔE for one sigma
FINE = 1e-5

Rows = np.ndarray[tuple[int, ...], np.dtype[np.int64]]  # numbers of patches


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """power, black: (3,). light: (3,) log of the fall-off along x, y and the squared distance. matrix: (3, 3) linear camera to sRGB."""

    power: F64
    black: F64
    light: F64
    matrix: F64

    @property
    def color(self) -> ColorResponse:
        """As a profile holds it: without the light of the photograph."""
        red, green, blue = self.matrix
        return ColorResponse(power=three(self.power), black=three(self.black), matrix=(three(red), three(green), three(blue)))

    def corrected(self, code: F64) -> F64:
        """(..., 3) code 0..255 -> (..., 3) linear sRGB, in the light that fell there."""
        return np.asarray(linear_of(code / 255, self.power, self.black) @ self.matrix.T)

    def fall_off(self, place: F64) -> F64:
        """(n, 2) -> (n, 1) the light there, relative to the middle of the chart."""
        return np.asarray(np.exp(_slopes(place) @ self.light)[:, None])

    def noise_gain(self, code: F64) -> float:
        """How many times the noise of a pixel grows, in code values, channels independent and alike: R, G or B, whichever grows most;
        median over (n, 3) codes."""
        step = np.eye(3)[:, None] / 2
        slope = (encode(self.corrected(code + step)) - encode(self.corrected(code - step))) * 255  # (channel in, n, channel out)
        return float(np.median(np.sqrt((slope**2).sum(axis=0)).max(axis=-1)))


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """before, left_out: (24,) ΔE00: as photographed; on the device, by a response that never saw the patch; nan where it was not used.

    corrected: (24, 3) code values on the device. light_ratio: brightest to darkest place of the chart.
    """

    response: Response
    before: F64
    left_out: F64
    corrected: F64
    light_ratio: float


def fit(seen: Seen, chart: Chart) -> Fit:
    """What explains the used patches best, and how far off it is on each of them when it was not shown that patch."""
    used = np.flatnonzero(seen.used)
    whole = _response(seen, chart, used, None)
    before, left_out = (np.full(len(seen.code), np.nan) for _ in range(2))
    before[used] = difference(code_to_lab(seen.code), chart.lab)[used]
    for at in map(int, used):
        response = _response(seen, chart, used[used != at], whole)
        left_out[at] = difference(code_to_lab(_on_device(response, seen, at)), chart.lab[at])
    corrected = np.array([_on_device(whole, seen, at) for at in range(len(seen.code))])
    return Fit(whole, before, left_out, corrected, float(np.exp(np.ptp(_slopes(seen.place) @ whole.light))))


def three(values: F64) -> tuple[float, float, float]:
    """(3,) as a profile holds it."""
    first, second, third = (round(float(value), 6) for value in values)
    return first, second, third


def _on_device(response: Response, seen: Seen, at: int) -> F64:
    """(3,) mean code values of a patch as the device would show it in the light of the chart's middle."""
    shown = correct_color(seen.pixels[at][None], color_tables(response.color)).mean(axis=(0, 1))
    even = decode(shown / 255) / response.fall_off(seen.place[at : at + 1])[0]
    return np.asarray(encode(np.clip(even, 0, 1)) * 255)


def _slopes(place: F64) -> F64:
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
        off = near(linear_to_lab(response.corrected(code) / response.fall_off(place)), lab)
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
