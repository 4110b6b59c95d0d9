"""The color report: one HTML file that opens offline, with the photograph, every patch, and every figure beside its meaning."""

import base64
from html import escape

import cv2
import numpy as np

from calibration.color.fit import Fit
from calibration.color.overlay import reference_code
from calibration.color.read import Seen
from calibration.color.reference import NAMES, Chart
from calibration.color.space import F64
from edge.frame import U8

__all__ = ["page"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"  # even a fault of ours cannot make the page call out
STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:78rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
img{max-width:100%;border:1px solid #ccd}table{border-collapse:collapse;margin:1rem 0}
td,th{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #e3e6ea}td:first-child,th:first-child{text-align:left}
td.c{width:4.5rem;padding:0}.soft{color:#5a6472}.warn{color:#a03000}
"""


def page(title: str, facts: tuple[tuple[str, str], ...], picture: U8, seen: Seen, fit: Fit, chart: Chart) -> str:
    """facts: (what, value) lines. picture: the overlay."""
    ok, data = cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))
    assert ok, "a uint8 picture of three channels can be stored as PNG"
    source = base64.b64encode(data.tobytes()).decode("ascii")
    rows = "".join(f"<tr><td>{escape(what)}</td><td style='text-align:left'>{escape(value)}</td></tr>" for what, value in facts)
    notes = "".join(f'<p class="warn">Left out: {escape(str(each))}</p>' for each in seen.left_out)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><h1>{escape(title)}</h1><table>{rows}</table>{notes}"
        f'<p class="soft">In every patch: left, what the corrected camera shows; right, what the chart is. They should look alike, and the '
        f"numbers should run from dark skin (1) to black (24). Green: read; red: left out.</p>"
        f'<img alt="The photograph with the patches that were read" src="data:image/png;base64,{source}">'
        f"{_table(seen, fit, chart)}"
        f'<p class="soft">ΔE00: CIEDE2000; 1 can just be told apart. "Left out": by a fit that did not see that patch: the honest figure. '
        f'"Response": curve, light and 3x3 matrix in linear light. "On the device": the one matrix on code values that is applied.</p>'
        f"</body></html>"
    )


def _table(seen: Seen, fit: Fit, chart: Chart) -> str:
    wanted = reference_code(chart)
    rows = [
        f"<tr><td>{at + 1} {escape(name)}</td>{_swatch(seen.code[at])}{_swatch(fit.corrected[at])}{_swatch(wanted[at])}"
        f"<td>{_number(fit.before[at])}</td><td>{_number(fit.left_out[at])}</td><td>{_number(fit.applied[at])}</td></tr>"
        for at, name in enumerate(NAMES)
    ]
    titles = ("patch", "photographed", "corrected", "chart", "ΔE00 before", "response, left out", "on the device, left out")
    heading = f"<tr>{''.join(f'<th>{title}</th>' for title in titles)}</tr>"
    return f"<table>{heading}{''.join(rows)}</table>"


def _swatch(code: F64) -> str:
    red, green, blue = (round(float(value)) for value in np.clip(code, 0, 255))
    return f'<td class="c" style="background:rgb({red},{green},{blue})" title="{red} {green} {blue}"></td>'


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"
