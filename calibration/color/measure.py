"""The measurement as a whole: pictures in, a response with its evidence out, and the reasons not to use it."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from calibration.color.difference import difference
from calibration.color.drift import DRIFTED_ABOVE, Drift, drift_since
from calibration.color.find import Found, find_chart
from calibration.color.fit import Fit, fit
from calibration.color.grey import merge_cards, read_grey_card
from calibration.color.overlay import draw
from calibration.color.page import page
from calibration.color.read import Seen, read_patches
from calibration.color.reference import NAMES, NEUTRAL, Chart
from calibration.color.space import code_to_lab
from calibration.profile.parts import Color
from calibration.profile.pictures import Taken
from edge.errors import CheckFailed, InputRefused
from edge.frame import U8
from edge.profile import ColorEvidence, ColorResponse, Correction

__all__ = ["ChartFacts", "ChartMeasured", "GreyFacts", "GreyMeasured", "measure_chart", "measure_grey_card", "read_photos"]

AGREE: Final = 2.0  # median ΔE00 between photographs of one measurement
TOO_UNSURE: Final = 6.0  # median ΔE00 of patches that the fit never saw: another chart, or no camera of this kind
NOISIEST: Final = 25.0  # times: up to 20 was measured, and a model did better with such a correction than without (docs/color.md)


class ChartFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints. Figures are ΔE00 over the used patches; left_out of patches that the fit was not shown."""

    v: int = 1
    method: str = "chart"
    chart: str
    photos: int
    patches_used: int
    patches_left_out: tuple[str, ...]
    before_median: float
    before_worst: float
    left_out_median: float
    left_out_worst: float
    light_ratio: float
    noise: float
    noise_gain: float
    color: ColorResponse
    drift_median: float | None
    drift_since: str | None


class GreyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints of a grey card."""

    v: int = 1
    method: str = "grey-card"
    code: tuple[float, ...]
    gains: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ChartMeasured:
    """picture, found, seen: of the first photograph, for the person who looks; fit: of all of them."""

    facts: ChartFacts
    color: Color
    picture: U8
    found: Found
    seen: Seen
    fit: Fit
    chart: Chart
    drift: Drift | None

    def lines(self) -> list[tuple[str, str]]:
        """For a terminal and the head of the page."""
        f = self.facts
        lines = [
            ("chart", f"{f.chart}, {f.patches_used} of {len(NAMES)} patches used, {f.photos} photograph{'s' * (f.photos > 1)}"),
            ("as photographed", f"ΔE00 median {f.before_median:.2f}, worst {f.before_worst:.2f}"),
            ("corrected", f"ΔE00 median {f.left_out_median:.2f}, worst {f.left_out_worst:.2f} (patches left out)"),
            ("light over the chart", f"{f.light_ratio:.2f} from brightest to darkest, taken out"),
            ("noise", f"{f.noise:.1f} code values, {f.noise_gain:.1f} times that when corrected"),
            *(("left out", why) for why in f.patches_left_out),
        ]
        if self.drift is not None:
            verdict = "drifted" if self.drift.has_drifted else "no drift"
            said = f"{verdict}: ΔE00 median {self.drift.median:.2f}, worst {self.drift.worst:.2f} since {self.drift.since}"
            lines.append(("against the last one", said))
        return lines

    def page(self) -> str:
        """The HTML report."""
        overlay = draw(self.picture, self.found, self.seen, self.fit.corrected, self.chart)
        return page(self.lines(), overlay, self.seen, self.fit, self.chart)

    def require_help(self) -> None:
        """Raises CheckFailed where the correction would make nothing better, or nobody should rely on it."""
        f = self.facts
        if f.noise_gain > NOISIEST:
            raise CheckFailed(
                f"corrected colors would be {f.noise_gain:.0f} times as noisy (limit {NOISIEST:g}): two channels are almost alike",
                state="the profile is as it was",
                do="another light, or a camera mode that delivers colors and not raw channels",
            )
        if f.left_out_median > TOO_UNSURE:
            raise CheckFailed(
                f"no camera explains these colors: ΔE00 {f.left_out_median:.1f} on patches left out",
                state="the profile is as it was",
                do="is it this chart, in even light, with automatic color and contrast switched off?",
            )
        if f.left_out_median >= f.before_median:
            what = f"the colors are as good as they get: ΔE00 {f.before_median:.2f} as photographed, {f.left_out_median:.2f} corrected"
            raise CheckFailed(what, state="the profile is as it was", do="nothing needs to be done")

    def require_no_drift(self) -> None:
        """Raises CheckFailed where the camera drifted, or nothing is on record to compare with."""
        if self.drift is None:
            raise CheckFailed("the profile holds no chart measurement of this camera, optic and size", do="measure it, without --check")
        if self.drift.has_drifted:
            what = f"the camera drifted by ΔE00 {self.drift.median:.1f} (limit {DRIFTED_ABOVE:g}) since {self.drift.since}"
            raise CheckFailed(what, state="the profile is as it was", do="check lamp, exposure and white balance, then measure anew")


@dataclass(frozen=True, slots=True, eq=False)
class GreyMeasured:
    facts: GreyFacts
    color: Color

    def lines(self) -> list[tuple[str, str]]:
        gains = " ".join(f"{gain:.3f}" for gain in self.facts.gains)
        return [("grey card", "code " + " ".join(f"{code:.0f}" for code in self.facts.code)), ("gains of R, G, B", gains)]


def read_photos(taken: Sequence[Taken]) -> tuple[U8, ...]:
    """One picture for each photograph: the mean of a camera's or clip's pictures."""
    return tuple(np.rint(np.mean(each.pictures, axis=0)).astype(np.uint8) for each in taken)


def measure_chart(photos: Sequence[U8], chart: Chart, last: Correction | None, now: datetime.datetime) -> ChartMeasured:
    """photos: (h, w, 3) uint8 RGB each. last: what the profile holds. Raises InputRefused where a photograph is not fit for it."""
    found = [find_chart(photo, chart) for photo in photos]
    seen = [read_patches(photo, where) for photo, where in zip(photos, found, strict=True)]
    merged = _merged(seen)
    fitted = fit(merged, chart)
    drift = drift_since(last, merged)
    used = merged.used
    facts = ChartFacts(
        chart=chart.name,
        photos=len(photos),
        patches_used=int(used.sum()),
        patches_left_out=tuple(map(str, merged.left_out)),
        before_median=float(np.median(fitted.before[used])),
        before_worst=float(fitted.before[used].max()),
        left_out_median=float(np.median(fitted.left_out[used])),
        left_out_worst=float(fitted.left_out[used].max()),
        light_ratio=fitted.light_ratio,
        noise=merged.noise,
        noise_gain=fitted.response.noise_gain(merged.code[list(NEUTRAL)]),
        color=fitted.response.color,
        drift_median=drift.median if drift else None,
        drift_since=drift.since if drift else None,
    )
    evidence = ColorEvidence(
        method="chart",
        chart=chart.name[:200],
        measured_at=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        median_de00=round(facts.left_out_median, 3),
        worst_de00=round(facts.left_out_worst, 3),
        patches=tuple((round(float(r), 2), round(float(g), 2), round(float(b), 2)) for r, g, b in merged.code),
    )
    shown = Seen(merged.code, merged.pixels, seen[0].place, merged.noise, merged.left_out, seen[0].bleed)
    return ChartMeasured(facts, Color(facts.color, evidence), photos[0], found[0], shown, fitted, chart, drift)


def measure_grey_card(photos: Sequence[U8], now: datetime.datetime) -> GreyMeasured:
    """Raises InputRefused where one of them shows no grey card."""
    card = merge_cards([read_grey_card(photo) for photo in photos])
    red, green, blue = (round(float(value), 2) for value in card.code)
    evidence = ColorEvidence(method="grey-card", chart="grey card", measured_at=f"{now:%Y-%m-%dT%H:%M:%SZ}", patches=((red, green, blue),))
    facts = GreyFacts(code=tuple(map(float, card.code)), gains=tuple(map(float, card.gains)))
    return GreyMeasured(facts, Color(card.color, evidence))


def _merged(seen: Sequence[Seen]) -> Seen:
    """The mean of several photographs of one chart in one light. Turned by half a turn in between, a slope of the light cancels out."""
    if len(seen) == 1:
        return seen[0]
    lab = [code_to_lab(each.code) for each in seen]
    apart = max(float(np.median(difference(lab[0], other))) for other in lab[1:])
    if apart > AGREE:
        raise InputRefused(
            f"the photographs differ by ΔE00 {apart:.1f}: light or exposure changed in between",
            do="fix exposure and white balance, and repeat",
        )
    left_out = {each.patch: each for one in seen for each in one.left_out}
    return Seen(
        np.mean([each.code for each in seen], axis=0),
        tuple(np.concatenate(of_one_patch) for of_one_patch in zip(*(each.pixels for each in seen), strict=True)),
        np.mean([each.place for each in seen], axis=0),
        float(np.mean([each.noise for each in seen])),
        tuple(left_out[at] for at in sorted(left_out)),
        max(each.bleed for each in seen),
    )
