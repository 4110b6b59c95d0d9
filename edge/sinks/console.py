"""`console:`: the whole screen in a terminal, redrawn ten times a second by its own clock; one line per change where there is none.

The state is told by its word, glyph and colour; NO_COLOR is honoured. Space freezes and resumes, q ends the run.
"""

import sys
import threading
from datetime import datetime

from rich.align import Align
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edge.errors import UsageError
from edge.reading import Command, CommandPort, Sink, State, View
from edge.sinks.blocks import large
from edge.sinks.face import Face, face
from edge.sinks.keys import Keys
from edge.sinks.table import Surroundings
from edge.sinks.theme import FAINT, INK, LOOKS

__all__ = ["ConsoleSink", "line_of", "make", "screen_of"]

REDRAW_HZ = 10  # how often an old label is looked for when no newer view comes
BAR_CELLS = 28
LARGE_LINES = 6
TWO_COLUMNS_FROM = 68


class ConsoleSink:
    name = "console:"

    def __init__(self, console: Console, around: Surroundings) -> None:
        self._console, self._around = console, around
        self._view: View | None = None
        self._said: tuple[object, ...] | None = None
        self._live: Live | None = None
        self._commands: CommandPort | None = None
        self._keys = Keys(self._pressed)
        self._hears_keys = False
        self._lock = threading.Lock()

    def open(self, commands: CommandPort) -> None:
        self._commands = commands
        if self._console.is_terminal:
            self._hears_keys = self._keys.start()
            self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=REDRAW_HZ, transient=False)
            self._live.start()

    def show(self, view: View) -> None:
        with self._lock:
            self._view = view
        shown = face(view, self._around.clock_ns())
        said = (shown.state, shown.reason, shown.code, shown.headline, shown.live, shown.frozen_at)
        if said == self._said:
            return
        self._said = said
        if self._live is not None:
            self._live.refresh()  # a change is not kept waiting for the next redraw
        else:
            self._console.print(line_of(shown, view, self._around.wall()), soft_wrap=True, highlight=False)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
        self._keys.stop()

    def _render(self) -> RenderableType:
        with self._lock:
            view = self._view
        if view is None:
            return Text("waiting for the first view", style=FAINT)
        return screen_of(face(view, self._around.clock_ns()), self._console.width, hears_keys=self._hears_keys)

    def _pressed(self, key: str) -> None:
        if key in (" ", "f") and self._commands is not None:
            self._commands(Command.TOGGLE)
        elif key == "a" and self._commands is not None:
            self._commands(Command.ACKNOWLEDGE)
        elif key == "q":
            self._around.request_stop("q was pressed")


def line_of(shown: Face, view: View, at: datetime) -> Text:
    """One change as one line: time, glyph and state, label or reason, confidence, frame, marks."""
    look = LOOKS[shown.state]
    line = Text(f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}  ")
    line.append(f"{look.glyph} {shown.word}", style=f"bold {look.colour}")
    said = [
        shown.frozen_label or (shown.headline if shown.state is State.READY else None),
        f"({shown.code})" if shown.code else None,
        None if shown.confidence is None else f"{shown.confidence:.0%}",
        shown.reason,
        shown.alternative,
        shown.live,
        f"— {shown.do}" if shown.do else None,
    ]
    text = " ".join(part for part in said if part)
    line.append(f"  {text}" if text else "")
    tail = [f"frame {view.reading.frame}"] if view.reading.frame is not None else []
    tail += [f"age {shown.age_ms:.0f} ms"] if shown.age_ms is not None else []
    line.append("  · " + " · ".join([*tail, *shown.marks]), style=FAINT)
    return line


def screen_of(shown: Face, columns: int, *, hears_keys: bool = False) -> RenderableType:
    """The whole screen for a terminal `columns` wide."""
    look = LOOKS[shown.state]
    inside = max(20, min(columns, 110) - 6)
    rows: list[RenderableType] = [Text(f"{look.glyph} {shown.word}", style=f"bold {look.colour}"), Text("")]
    words = shown.frozen_label or shown.headline
    letters = large(words, LARGE_LINES, inside)
    colour = INK if shown.state in (State.READY, State.FROZEN) else look.colour
    rows += [Text(row, style=colour, no_wrap=True) for row in letters] or [Text(words, style=f"bold {colour}")]
    if letters and shown.state in (State.READY, State.FROZEN):
        rows.append(Text(f"{words}{f'  {shown.code}' if shown.code else ''}", style=f"bold {INK}"))
    rows.append(Text(""))
    if shown.confidence is not None:
        full = round(BAR_CELLS * min(1.0, max(0.0, shown.confidence)))
        bar = Text("█" * full, style=look.colour)
        bar.append("░" * (BAR_CELLS - full), style=FAINT)
        bar.append(f"  {shown.confidence:.0%}", style=f"bold {INK}")
        rows.append(bar)
    for words_, style in (
        (shown.reason, f"bold {INK}"),
        (shown.alternative, INK),
        (f"taken {shown.frozen_at}" if shown.frozen_at else None, INK),
        (shown.live, LOOKS[shown.live_state].colour if shown.live_state else INK),
        (shown.do, FAINT),
    ):
        if words_:
            rows.append(Text(words_, style=style))
    rows += [Text(f"! {note}", style=LOOKS[State.UNSURE].colour) for note in shown.notes]
    rows += [Text(""), _ledger(shown, 2 if inside >= TWO_COLUMNS_FROM else 1)]
    keys = "space freezes · q ends" if hears_keys else None
    box = Panel(
        Group(*rows),
        title=Text("  ".join(shown.marks), style=f"bold {INK}"),
        title_align="left",
        subtitle=Text(keys, style=FAINT) if keys else None,
        subtitle_align="right",
        border_style=look.colour,
        width=min(columns, 110),
        padding=(1, 2),
    )
    return Align.left(box)


def _ledger(shown: Face, pairs_a_row: int) -> Table:
    """The details, one or two pairs of name and value a row."""
    table = Table.grid(padding=(0, 2))
    rows = -(-len(shown.details) // pairs_a_row)
    for i in range(rows):
        pairs = [shown.details[j] for j in range(i, len(shown.details), rows)]
        table.add_row(*(Text(word, style=FAINT if n % 2 == 0 else INK) for n, word in enumerate(w for pair in pairs for w in pair)))
    return table


def make(target: str, around: Surroundings) -> Sink:
    """Raises UsageError for anything after the colon."""
    if target:
        raise UsageError(f"console: takes nothing after the colon, not {target!r}")
    return ConsoleSink(Console(file=sys.stdout, highlight=False), around)
