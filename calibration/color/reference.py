"""What the patches of a 24-patch chart are: six columns, four rows, row by row from dark skin to black.

Built in: the maker's data for the classic chart (X-Rite ColorChecker Classic, CIELAB, D50, 2 degrees), of charts made before and after
November 2014, when the pigments changed; checked in the tests against colour-science's copies. A chart's own values, measured or from
its certificate, are better: `--chart FILE.csv`. The names of the patches are McCamy's (1976).
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from calibration.color.space import F64, code_to_lab
from edge.bundle.onefile import read_once
from edge.errors import InputRefused, UsageError

__all__ = ["BUILT_IN", "COLUMNS", "NAMES", "NEUTRAL", "ROWS", "Chart", "built_in", "read_chart"]

COLUMNS: Final = 6
ROWS: Final = 4
NEUTRAL: Final = tuple(range(18, 24))  # the bottom row, white to black
MAX_FILE_B: Final = 1 << 20
NAMES: Final = (
    "dark skin", "light skin", "blue sky", "foliage", "blue flower", "bluish green",
    "orange", "purplish blue", "moderate red", "purple", "yellow green", "orange yellow",
    "blue", "green", "red", "yellow", "magenta", "cyan",
    "white", "neutral 8", "neutral 6.5", "neutral 5", "neutral 3.5", "black",
)  # fmt: skip

_BEFORE_2014 = (
    (37.986, 13.555, 14.059), (65.711, 18.13, 17.81), (49.927, -4.88, -21.905), (43.139, -13.095, 21.905),
    (55.112, 8.844, -25.399), (70.719, -33.397, -0.199), (62.661, 36.067, 57.096), (40.02, 10.41, -45.964),
    (51.124, 48.239, 16.248), (30.325, 22.976, -21.587), (72.532, -23.709, 57.255), (71.941, 19.363, 67.857),
    (28.778, 14.179, -50.297), (55.261, -38.342, 31.37), (42.101, 53.378, 28.19), (81.733, 4.039, 79.819),
    (51.935, 49.986, -14.574), (51.038, -28.631, -28.638), (96.539, -0.425, 1.186), (81.257, -0.638, -0.335),
    (66.766, -0.734, -0.504), (50.867, -0.153, -0.27), (35.656, -0.421, -1.231), (20.461, -0.079, -0.973),
)  # fmt: skip
_AFTER_2014 = (
    (37.54, 14.37, 14.92), (64.66, 19.27, 17.5), (49.32, -3.82, -22.54), (43.46, -12.74, 22.72),
    (54.94, 9.61, -24.79), (70.48, -32.26, -0.37), (62.73, 35.83, 56.5), (39.43, 10.75, -45.17),
    (50.57, 48.64, 16.67), (30.1, 22.54, -20.87), (71.77, -24.13, 58.19), (71.51, 18.24, 67.37),
    (28.37, 15.42, -49.8), (54.38, -39.72, 32.27), (42.43, 51.05, 28.62), (81.8, 2.67, 80.41),
    (50.63, 51.28, -14.12), (49.57, -29.71, -28.32), (95.19, -1.03, 2.93), (81.29, -0.57, 0.44),
    (66.89, -0.75, -0.06), (50.76, -0.13, 0.14), (35.63, -0.46, -0.48), (20.64, 0.07, -0.46),
)  # fmt: skip
BUILT_IN: Final = {"classic-24": _AFTER_2014, "classic-24-before-2014": _BEFORE_2014}


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """lab: (24, 3) float64, CIELAB relative to D50. name: what profile and report say."""

    name: str
    lab: F64


def built_in(name: str) -> Chart:
    """Raises UsageError for a name that is not built in."""
    if name not in BUILT_IN:
        raise UsageError(f"there is no built-in chart {name!r}", do=f"one of {', '.join(BUILT_IN)}, or a CSV file")
    return Chart(name, np.array(BUILT_IN[name]))


def read_chart(path: Path) -> Chart:
    """A CSV with a heading: L,a,b (CIELAB, D50) or R,G,B (sRGB, 0..255), 24 rows in the chart's order; `patch` 1..24 may reorder them.

    Separated by comma, semicolon or tab; UTF-8. Raises InputRefused, by line, for anything else, and for 24 colors that are no such chart.
    """
    try:
        text = read_once(path, MAX_FILE_B).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputRefused(f"{path} is no UTF-8 text", do="save it as CSV UTF-8") from error
    heading = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=heading.count)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(cell.strip() for cell in row)]
    if not rows:
        raise InputRefused(f"{path} is empty", do="a heading L,a,b and 24 rows")
    columns = [cell.strip().lower().rstrip("*") for cell in rows[0]]
    wanted = next((names for names in (("l", "a", "b"), ("r", "g", "b")) if set(names) <= set(columns)), None)
    if wanted is None:
        raise InputRefused(f"{path} has no columns L,a,b or R,G,B", do="name them in the first line")
    if len(rows) != 1 + len(NAMES):
        raise InputRefused(
            f"{path} has {len(rows) - 1} rows, and the chart has {len(NAMES)} patches", do="one row a patch, dark skin first"
        )
    values = np.array([[_number(path, at, row, columns, name) for name in wanted] for at, row in enumerate(rows[1:], 2)])
    if "patch" in columns:
        values = values[_order(path, [row[columns.index("patch")].strip() for row in rows[1:]])]
    lab = values if wanted[0] == "l" else code_to_lab(values)
    _require_classic(path, lab)
    return Chart(path.name, lab)


def _number(path: Path, line: int, row: list[str], columns: list[str], name: str) -> float:
    try:
        value = float(row[columns.index(name)].strip().replace(",", "."))
    except (IndexError, ValueError) as error:
        raise InputRefused(f"{path}, line {line}: no number under {name}", do="one number in each of the three columns") from error
    if not -200 <= value <= 256:
        raise InputRefused(
            f"{path}, line {line}: {value:g} under {name} is no such value", do="L 0..100, a and b -128..127, or R,G,B 0..255"
        )
    return value


def _order(path: Path, numbers: list[str]) -> list[int]:
    """Where patch 1, 2, … stand."""
    wanted = [str(at) for at in range(1, len(NAMES) + 1)]
    if sorted(numbers) != sorted(wanted):
        raise InputRefused(f"{path}: the column patch must hold 1 to {len(NAMES)}, each once", do="leave it out, or number the patches")
    return [numbers.index(at) for at in wanted]


def _require_classic(path: Path, lab: F64) -> None:
    """The layout is known by its colors: a bottom row of greys from white to black, and a red, green and blue where they belong."""
    grey, light = np.hypot(lab[18:, 1], lab[18:, 2]), lab[18:, 0]
    red, green, blue = lab[14], lab[13], lab[12]
    if grey.max() > 12 or (np.diff(light) > -5).any() or red[1] < 20 or green[1] > -15 or blue[2] > -20:
        raise InputRefused(
            f"{path}: these are not the 24 colors of the classic chart in its order",
            do="dark skin first, the greys from white to black last",
        )
