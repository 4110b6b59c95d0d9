"""How each state looks: one colour, one shape, one glyph, one word. Console, window and web page all read this table.

A state is told by its word first, by its shape second and by its colour last: any one of the three may be lost
(a monochrome screen, a colour-blind reader, a font without the glyph) and the state can still be read.
Colours are chosen on BACKGROUND for a contrast of 7:1 and more (WCAG 2.2, AAA); a test computes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, pi, sin
from types import MappingProxyType

from edge.reading import State

__all__ = ["BACKGROUND", "FAINT", "GRID", "INK", "LOOKS", "PANEL", "RENDERED", "RESEARCH", "Look", "Stroke", "contrast", "rgb"]

BACKGROUND = "#0a0d12"  # near black: the room is dark, and the picture is what should shine
PANEL = "#12171f"
INK = "#eef2f7"
FAINT = "#a3afbf"
GRID = 24  # shapes are drawn in a box of GRID x GRID units, y down

RESEARCH = "RESEARCH USE ONLY"
RENDERED = "RENDERED PHANTOM"

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through `points` (GRID units), or the area inside them when filled."""

    points: tuple[Point, ...]
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """colour: "#rrggbb" on BACKGROUND. glyph: one character, for text. shape: what a canvas draws in its place."""

    colour: str
    glyph: str
    shape: tuple[Stroke, ...]
    meaning: str


def _arc(x: float, y: float, radius: float, start: float = 0.0, end: float = 360.0, *, filled: bool = False) -> Stroke:
    """Part of a circle around (x, y), degrees clockwise from three o'clock."""
    steps = max(2, round(abs(end - start) / 10))
    angles = [(start + (end - start) * i / steps) * pi / 180 for i in range(steps + 1)]
    return Stroke(tuple((round(x + radius * cos(a), 2), round(y + radius * sin(a), 2)) for a in angles), filled)


_RING = _arc(12, 12, 9.5)

LOOKS: Mapping[State, Look] = MappingProxyType(
    {
        State.FAULT: Look(
            "#ff8a8a",
            "▲",
            (
                Stroke(((12, 2.5), (22.5, 21), (1.5, 21), (12, 2.5))),
                Stroke(((12, 9), (12, 14.5))),
                _arc(12, 17.8, 1.0, filled=True),
            ),
            "a person is needed: what to do stands below",
        ),
        State.FROZEN: Look(
            "#8fe3ff",
            "‖",
            (
                Stroke(((6, 4), (10, 4), (10, 20), (6, 20), (6, 4)), filled=True),
                Stroke(((14, 4), (18, 4), (18, 20), (14, 20), (14, 4)), filled=True),
            ),
            "held by the clinician, with the picture's own time",
        ),
        State.NO_SIGNAL: Look(
            "#ff9d7a",
            "✕",
            (Stroke(((4, 4), (20, 20))), Stroke(((20, 4), (4, 20)))),
            "no new, living picture arrives",
        ),
        State.STARTING: Look(
            "#8bb8ff",
            "◌",
            (_arc(5, 12, 2.2, filled=True), _arc(12, 12, 2.2, filled=True), _arc(19, 12, 2.2, filled=True)),
            "before the first classified picture",
        ),
        State.POOR_IMAGE: Look(
            "#f2b67c",
            "◐",
            (_RING, _arc(12, 12, 9.5, 90, 270, filled=True)),
            "the picture is not good enough for a label: why stands below",
        ),
        State.OUT_OF_SCOPE: Look(
            "#cdb2ff",
            "⊘",
            (_RING, Stroke(((5.3, 5.3), (18.7, 18.7)))),
            "not what this model was made for",
        ),
        State.UNSURE: Look(
            "#ffd75e",
            "?",
            (_arc(12, 8.2, 5.2, 180, 405), Stroke(((15.68, 11.88), (12, 15.2), (12, 16.4))), _arc(12, 20.4, 1.2, filled=True)),
            "the model abstains",
        ),
        State.READY: Look(
            "#5fe39a",
            "✔",
            (Stroke(((3.5, 12.5), (9.5, 18.5), (20.5, 5.5))),),
            "the label may be read",
        ),
    }
)


def rgb(colour: str) -> tuple[int, int, int]:
    """ "#rrggbb" -> (r, g, b), each 0..255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1..21, by WCAG 2.2 (relative luminance of sRGB)."""

    def luminance(colour: str) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb(colour))]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
