"""The color report: one HTML file that opens offline, with the photograph, every patch, and every figure beside its meaning."""

import base64
from collections.abc import Sequence

import cv2
import numpy as np

from calibration.color.fit import Fit
from calibration.color.read import Seen
from calibration.color.reference import NAMES, Chart
from calibration.color.space import F64, lab_to_code
from calibration.report.markup import Cell, document, section, table, text
from edge.frame import U8

__all__ = ["page"]

TITLE = "Color of one camera"


def page(facts: Sequence[tuple[str, str]], picture: U8, seen: Seen, fit: Fit, chart: Chart) -> str:
    """facts: (what, value) lines. picture: the overlay."""
    ok, data = cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))
    assert ok, "a uint8 picture of three channels can be stored as PNG"
    source = base64.b64encode(data.tobytes()).decode("ascii")
    head = "".join(f"<dt>{text(what)}</dt><dd>{text(value)}</dd>" for what, value in facts)
    look = (
        "In every patch: left, what the corrected camera shows; right, what the chart is. They should look alike, and the numbers should "
        "run from dark skin (1) to black (24). Green: read; red: left out."
    )
    shown = f'<figure><img alt="The photograph with the patches that were read" src="data:image/png;base64,{source}">'
    meaning = (
        "ΔE00: CIEDE2000; 1 can just be told apart. Corrected: as the device applies it, the light of the chart's middle on "
        'every patch. "Left out": by a fit that did not see that patch: the honest figure.'
    )
    return document(
        TITLE,
        [
            f"<header><h1>{TITLE}</h1><dl>{head}</dl></header>",
            section("Photograph", f"{shown}<figcaption>{text(look)}</figcaption></figure>"),
            section("Patches", _table(seen, fit, chart), f'<p class="soft">{text(meaning)}</p>'),
        ],
    )


def _table(seen: Seen, fit: Fit, chart: Chart) -> str:
    wanted = lab_to_code(chart.lab)
    rows: list[tuple[str | Cell, ...]] = [
        (
            f"{at + 1} {name}",
            *(_swatch(code[at]) for code in (seen.code, fit.corrected, wanted)),
            *(_number(error[at]) for error in (fit.before, fit.left_out)),
        )
        for at, name in enumerate(NAMES)
    ]
    heading = ("patch", "photo", "corrected", "chart", "ΔE00 before", "corrected, left out")
    return table("Color and error of each patch.", heading, rows)


def _swatch(code: F64) -> Cell:
    red, green, blue = (round(float(value)) for value in np.clip(code, 0, 255))
    return Cell(f'<td class="c" style="background:rgb({red},{green},{blue})" title="{red} {green} {blue}"></td>')


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"
