"""`sonoderm device display`: a display on the screen of a terminal, for people without one. It speaks the receiver's side of the link.

In a terminal the words stand in large dots; anywhere else each change is one line, for logs and tests. Space is the freeze button.
"""

import contextlib
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from typing import Final

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from edge.cli.output import say
from edge.reading import Command, State
from firmware_bridge.display.codes import REASONS
from firmware_bridge.display.dotfont import dots, wrap
from firmware_bridge.display.line import Line, Place, open_line
from firmware_bridge.display.ownport import OwnPort
from firmware_bridge.display.receiver import Button, Receiver, Screen, Shows

__all__ = ["RESEARCH", "headline_of", "line_of", "panel_of", "show"]

RESEARCH: Final = "RESEARCH USE ONLY"
RENDERED: Final = "RENDERED PHANTOM"
POLL_S: Final = 0.025
KEYS: Final = {" ": Command.FREEZE, "r": Command.RESUME, "a": Command.ACKNOWLEDGE}
_ACTIVITY: Final = "|/-\\"
_COLOURS: Final = {  # as on every other screen of ours (docs/screen.md)
    State.FAULT: "#ff8a8a",
    State.FROZEN: "#8fe3ff",
    State.NO_SIGNAL: "#ff9d7a",
    State.STARTING: "#8bb8ff",
    State.POOR_IMAGE: "#f2b67c",
    State.OUT_OF_SCOPE: "#cdb2ff",
    State.UNSURE: "#ffd75e",
    State.READY: "#5fe39a",
}
_BUTTON: Final = {Button.SENDING: "button …", Button.TAKEN: "button taken", Button.NOT_TAKEN: "BUTTON NOT TAKEN"}


def headline_of(screen: Screen) -> str:
    """The largest words: the label in READY and FROZEN, else what stands in its place."""
    if screen.said is None:
        return "OTHER VERSION" if screen.other_version else "STALE"
    if screen.shows is Shows.LOADING:
        return "LOADING LABELS"
    return screen.label[1] if screen.label is not None else screen.said.state.value


def _details(screen: Screen) -> list[str]:
    """The smaller lines below the headline, top to bottom."""
    said = screen.said
    if said is None:
        return ["update the display" if screen.other_version else "no link, or nothing true to show"]
    rows = []
    if screen.label is not None and said.confidence is not None:
        rows.append(f"{screen.label[0]}  {said.confidence // 2}%")
    reason = REASONS[said.reason].value if said.reason in REASONS else f"reason {said.reason}" if said.reason else ""
    others = [code for code, _ in screen.set if screen.label is None or code != screen.label[0]]
    if screen.shows is Shows.LIVE and others:
        rows.append(("fits: " if screen.label is None else "or ") + ", ".join(others))
    if said.state is State.FROZEN:
        rows.append(f"FROZEN {said.frozen_age_s} s ago")
        rows.append(f"live: {said.live_state.value if said.live_state else ''}" + (f", {reason}" if reason else ""))
    elif reason:
        rows.append(reason)
    return rows


def line_of(screen: Screen) -> str:
    """All of it as one line of text, without what moves by itself."""
    mark = f"{RESEARCH} · {RENDERED}" if screen.said is not None and screen.said.rendered else RESEARCH
    state = screen.said.state.value if screen.said is not None and screen.shows is Shows.LIVE else ""
    words = (mark, state, headline_of(screen), *_details(screen), _BUTTON.get(screen.button, ""))
    return " | ".join(dict.fromkeys(word for word in words if word))  # where there is no label, the headline is the state


def panel_of(screen: Screen, columns: int) -> RenderableType:
    """The face of the display, `columns` wide."""
    said = screen.said
    colour = "#a3afbf" if said is None or screen.shows is Shows.LOADING else _COLOURS[said.state]
    words = headline_of(screen)
    state = said.state.value if said is not None and screen.shows is Shows.LIVE else ""
    rows: list[RenderableType] = [Text(state, style=f"bold {colour}"), Text("")]
    lines = [dots(line) for line in wrap(words, min(columns, 110) - 6)]
    if lines and all(lines):
        for line in lines:
            rows += [*(Text(row, style=colour, no_wrap=True) for row in line)]
    else:
        rows.append(Text(words, style=f"bold {colour}"))
    rows += [Text(""), *(Text(row, style="bold") for row in _details(screen))]
    rows.append(Text(_BUTTON.get(screen.button, ""), style="#ffd75e"))
    marks = f"{RESEARCH}  {RENDERED}" if said is not None and said.rendered else RESEARCH
    foot = f"{_ACTIVITY[screen.activity % len(_ACTIVITY)]} {screen.title}"
    return Panel(Group(*rows), title=marks, title_align="left", subtitle=foot, subtitle_align="left", width=min(columns, 110), style=colour)


def show(port: str | None, baud: int, seconds: float | None) -> None:
    """Until q is pressed or the time is up. Raises what `open_line` raises, and LineLost."""
    console = Console()
    receiver = Receiver(boot=int.from_bytes(os.urandom(2), "little"))
    with contextlib.closing(OwnPort() if port is None else open_line(Place(port, baud))) as line, _keys() as keys:
        if isinstance(line, OwnPort):
            say(f"this display is at {line.name}: sonoderm run SOURCE --model NAME --sink mcu:{line.name}")
        ends_s = None if seconds is None else time.monotonic() + seconds
        if console.is_terminal:
            with Live(console=console, auto_refresh=False) as live:
                _serve(line, receiver, keys, ends_s, lambda screen: live.update(panel_of(screen, console.width), refresh=True))
        else:
            _serve(line, receiver, keys, ends_s, _Lines())


class _Lines:
    """One line for each change, on standard output."""

    def __init__(self) -> None:
        self._said = ""

    def __call__(self, screen: Screen) -> None:
        line = line_of(screen)
        if line != self._said:
            self._said = line
            typer.echo(line)


def _serve(line: Line | OwnPort, receiver: Receiver, keys: int | None, ends_s: float | None, draw: Callable[[Screen], None]) -> None:
    """Until q is pressed, the time is up, or the port is gone."""
    watched = [line.fileno(), *([keys] if keys is not None else [])]
    while ends_s is None or time.monotonic() < ends_s:
        ready, _, _ = select.select(watched, [], [], POLL_S)
        now_ms = time.monotonic_ns() // 1_000_000
        if keys is not None and keys in ready:
            pressed = os.read(keys, 16).decode("utf-8", "ignore")
            if "q" in pressed:
                return
            for key in pressed:
                if key in KEYS:
                    receiver.press(KEYS[key], now_ms)
        if line.fileno() in ready:
            receiver.feed(line.read(), now_ms)
        line.write(receiver.poll(now_ms))
        draw(receiver.screen(now_ms))


@contextlib.contextmanager
def _keys() -> Iterator[int | None]:
    """Single keys of this terminal, which is left as it was; None where there is none of ours."""
    try:
        fd = sys.stdin.fileno()
        is_ours = os.isatty(fd) and os.tcgetpgrp(fd) == os.getpgrp()
    except (OSError, ValueError):  # stdin is closed, or a terminal that controls another session
        is_ours = False
    if not is_ours:
        yield None
        return
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd)
    try:
        yield fd
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
