"""The composed canvas of `window:` and of `save:`: the picture untouched, everything that is said about it outside of it.

The source's pixels lie in `Canvas.picture` bit for bit as the camera gave them: no scaling, no line, no letter over them.
"""

from dataclasses import dataclass, replace

import numpy as np

from edge.frame import U8
from edge.reading import State, View
from edge.sinks.face import Face, face
from edge.sinks.pen import Pen
from edge.sinks.theme import BACKGROUND, FAINT, INK, LOOKS, PANEL, RENDERED, rgb

__all__ = ["Canvas", "Composer", "Rect"]

DESIGN_HEIGHT_PX = 560  # sizes below are in units of a canvas this high
PANEL_WIDTH = 400
MARGIN = 22
FRAME = 4  # line around the picture, in the colour of the state
MARK = 15  # size of the marks' letters
FIGURES_NS = 250_000_000
GROOVE = "#2a3340"
DEFAULT_SIZE_PX = (480, 640)  # of the picture's place before there was one: height, width


@dataclass(frozen=True, slots=True)
class Rect:
    """x, y: upper left corner, px from the canvas's own; w, h in px."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """pixels: (h, w, 3) uint8 RGB. picture: where the source's pixels lie, bit-identical; None when there are none."""

    pixels: U8
    picture: Rect | None


class Composer:
    """Draws views. Remembers the size of the last picture, so that the screen does not jump when the signal goes."""

    def __init__(self) -> None:
        self._pen = Pen()
        self._size_px = DEFAULT_SIZE_PX
        self._drawn: tuple[tuple[Face, Rect, int], U8] | None = None

    def compose(self, view: View, now_ns: int) -> Canvas:
        """What may be on the screen at `now_ns`. A picture behind an expired statement goes with it."""
        shown = face(view, now_ns)
        pixels = None if shown.state is State.NO_SIGNAL else view.pixels
        if pixels is not None:
            self._size_px = pixels.shape[0], pixels.shape[1]
        high, wide = self._size_px
        unit = min(2.4, max(0.9, high / DESIGN_HEIGHT_PX))
        margin, frame = round(MARGIN * unit), max(3, round(FRAME * unit))
        height = max(high + 2 * margin, round(DESIGN_HEIGHT_PX * unit))
        canvas = np.empty((height, wide + 2 * margin + round(PANEL_WIDTH * unit), 3), np.uint8)
        canvas[:] = rgb(BACKGROUND)
        place = Rect(margin, (height - high) // 2, wide, high)
        self._frame(canvas, place, frame, shown, unit)
        if pixels is None:
            self._no_picture(canvas, place, shown)
        panel = Rect(wide + 2 * margin, 0, canvas.shape[1] - wide - 2 * margin, height)
        canvas[:, panel.x :] = self._panel(panel, unit, shown, now_ns)
        if pixels is not None:  # last, so that nothing can lie over it
            canvas[place.y : place.y + high, place.x : place.x + wide] = pixels
        return Canvas(canvas, place if pixels is not None else None)

    def _panel(self, area: Rect, unit: float, shown: Face, now_ns: int) -> U8:
        """The panel's pixels, drawn anew when a word of it changed; the small figures are redrawn four times a second."""
        words = replace(shown, age_ms=None, details=(), confidence=None if shown.confidence is None else round(shown.confidence, 2))
        key = (words, area, now_ns // FIGURES_NS)
        if self._drawn is None or self._drawn[0] != key:
            pixels = np.empty((area.h, area.w, 3), np.uint8)
            pixels[:] = rgb(PANEL)
            _Panel(self._pen, pixels, Rect(0, 0, area.w, area.h), unit, shown).draw()
            self._drawn = key, pixels
        return self._drawn[1]

    def _frame(self, canvas: U8, place: Rect, frame: int, shown: Face, unit: float) -> None:
        """A line around the picture's place; RENDERED PHANTOM stands in the margin above it and below it."""
        colour = LOOKS[shown.state].colour
        canvas[place.y - frame : place.y + place.h + frame, place.x - frame : place.x + place.w + frame] = rgb(colour)
        canvas[place.y : place.y + place.h, place.x : place.x + place.w] = rgb(BACKGROUND)
        if RENDERED in shown.marks:
            size = min(MARK * unit, (MARGIN - FRAME) * unit * 0.9)
            text, size = self._pen.fit(f"{RENDERED} · no patient", place.w, size, 9, 700)
            self._pen.text(canvas, place.x, place.y - frame - size * 0.3, text, size_px=size, colour=INK, weight=700)
            self._pen.text(canvas, place.x, place.y + place.h + frame + size, text, size_px=size, colour=INK, weight=700)

    def _no_picture(self, canvas: U8, place: Rect, shown: Face) -> None:
        size = min(place.w, place.h) * 0.4
        self._pen.shape(canvas, place.x + (place.w - size) / 2, place.y + (place.h - size) / 2, size, LOOKS[shown.state])


class _Panel:
    """One drawing of the panel, from the top down and, for what always stands there, from the bottom up."""

    def __init__(self, pen: Pen, canvas: U8, area: Rect, unit: float, shown: Face) -> None:
        self._pen, self._canvas, self._unit, self._shown = pen, canvas, unit, shown
        self._x = area.x + 24 * unit
        self._room = area.w - 48 * unit
        self._y = area.y + 24 * unit
        self._bottom = area.y + area.h - 20 * unit

    def draw(self) -> None:
        shown = self._shown
        self._state()
        if shown.code:
            self._line(shown.code, 22, FAINT)
        if shown.frozen_label is not None:
            self._words(shown.frozen_label, 27, INK, 700)
        if shown.confidence is not None:
            self._bar(shown.confidence)
        if shown.alternative:
            self._words(shown.alternative, 22, INK, 500)
        if shown.reason:
            self._words(shown.reason, 26, INK, 500)
        if shown.frozen_at:
            self._line(f"taken {shown.frozen_at}", 18, FAINT)
        if shown.live and shown.live_state is not None:
            self._line(shown.live, 20, LOOKS[shown.live_state].colour, 600)
        if shown.do:
            self._words(shown.do, 18, FAINT)
        self._foot()

    def _state(self) -> None:
        """The state's shape and word; in READY the word is small and the label large."""
        unit, shown = self._unit, self._shown
        look = LOOKS[shown.state]
        size = 60 * unit
        self._pen.shape(self._canvas, self._x, self._y, size, look)
        if shown.state is State.READY:
            right, base = self._x + size + 14 * unit, self._y + 40 * unit
            self._pen.text(self._canvas, right, base, shown.word, size_px=26 * unit, colour=look.colour, weight=700)
            self._y += size + 18 * unit
            self._headline(shown.headline, 46, INK, most=2)
            return
        self._y += size + 18 * unit
        self._headline(shown.headline, 46, look.colour, most=1)

    def _headline(self, text: str, size: float, colour: str, *, most: int) -> None:
        """As large as it goes on no more than `most` lines, all of one size."""
        while size > 24:
            lines = self._pen.wrap(text, self._room, int(size * self._unit), 800)
            if len(lines) <= most and all(self._pen.width(line, int(size * self._unit), 800) <= self._room for line in lines):
                break
            size -= 2
        self._words(text, size, colour, 800, most=most)

    def _words(self, text: str, size: float, colour: str, weight: int = 400, most: int = 3) -> None:
        size_px = size * self._unit
        lines = self._pen.wrap(text, self._room, size_px, weight)
        if len(lines) > most:
            lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
        for line in lines:
            self._line(line, size, colour, weight)

    def _line(self, text: str, size: float, colour: str, weight: int = 400) -> None:
        text, size_px = self._pen.fit(text, self._room, size * self._unit, 0.5 * size * self._unit, weight)
        self._y += size * self._unit
        self._pen.text(self._canvas, self._x, self._y, text, size_px=size_px, colour=colour, weight=weight)
        self._y += 0.32 * size * self._unit

    def _bar(self, confidence: float) -> None:
        """Length tells it, and the figure beside it."""
        unit = self._unit
        top, high = round(self._y + 8 * unit), round(16 * unit)
        left, long = round(self._x), round(self._room - 74 * unit)
        self._canvas[top : top + high, left : left + long] = rgb(GROOVE)
        self._canvas[top : top + high, left : left + round(long * min(1.0, max(0.0, confidence)))] = rgb(LOOKS[self._shown.state].colour)
        self._pen.text(self._canvas, left + long + 14 * unit, top + high, f"{confidence:.0%}", size_px=24 * unit, colour=INK, weight=700)
        self._y = top + high + 8 * unit

    def _foot(self) -> None:
        unit, y = self._unit, self._bottom
        marks = self._shown.marks[0]
        text, size = self._pen.fit(marks, self._room, 24 * unit, 12, 800)
        self._pen.text(self._canvas, self._x, y, text, size_px=size, colour=INK, weight=800)
        y -= 38 * unit
        rows = [(FAINT, name, value) for name, value in self._shown.details]
        rows[:0] = [(LOOKS[State.UNSURE].colour, "note", note) for note in self._shown.notes]
        fitting = int((y - self._y) / (22 * unit)) + 1  # the state's own words come first
        for colour, name, value in reversed(rows[: max(0, fitting)]):
            text, size = self._pen.fit(value, self._room * 0.72, 15 * unit, 9)
            self._pen.text(self._canvas, self._x, y, name, size_px=14 * unit, colour=colour)
            self._pen.text(self._canvas, self._x + self._room * 0.28, y, text, size_px=size, colour=INK)
            y -= 22 * unit
