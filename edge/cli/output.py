"""How commands print: results to standard output (a table for people, JSON for programs), talk and progress to standard error."""

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import msgspec

from edge.reading import Reading, State

__all__ = ["Progress", "answer", "columns", "label_with_code", "print_json", "print_json_line", "say"]

BAR_AFTER_S = 1.0  # work that takes less needs no bar


def say(text: str) -> None:
    """One line of talk on standard error."""
    print(text, file=sys.stderr, flush=True)


def print_json_line(line: bytes) -> None:
    """One object a line, flushed at once: a reader sees each result when it is there."""
    sys.stdout.flush()
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def print_json(value: object) -> None:
    """One whole result as indented JSON. Floats that are no number become null."""
    print_json_line(msgspec.json.format(msgspec.json.encode(value), indent=2))


def columns(rows: Sequence[Sequence[str]], indent: int = 0) -> str:
    """Rows of cells as aligned text; a cell that looks like a number stands to the right. No colour, no borders: it is data."""
    if not rows:
        return ""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) if cell[:1].isdigit() else cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append(" " * indent + "  ".join(cells).rstrip())
    return "\n".join(lines)


def answer(reading: Reading) -> str:
    """What a reading says, as on the screen: the label with its confidence, or why there is none."""
    best = sorted(reading.probabilities, key=lambda pair: -pair[1])[:2]
    leading = ", ".join(f"{code} {p:.2f}" for code, p in best)
    if reading.state is State.READY:
        second = [code for code in reading.set if code != reading.label]
        return f"{label_with_code(reading)} {reading.confidence or 0.0:.2f}" + (f", or {second[0]}" if second else "")
    why = reading.reason.value if reading.reason else ""
    return f"{why} ({leading})" if reading.state is State.UNSURE and leading else why


def label_with_code(reading: Reading) -> str:
    """`Melanoma (mel)`; the code alone where it has no other name."""
    named = reading.label_name and reading.label_name != reading.label
    return f"{reading.label_name} ({reading.label})" if named else f"{reading.label}"


class Progress:
    """A bar on standard error, drawn only on a terminal and only once the work has taken a second. total None: unknown, and shown so."""

    def __init__(self, what: str, total: int | None) -> None:
        self._what, self._total, self._done = what, total, 0
        self._started_s = time.monotonic()
        self._bar: _Bar | None = None

    def advance(self) -> None:
        """One more is done. A total that turns out too small is no longer believed."""
        self._done += 1
        if self._total is not None and self._done > self._total:
            self._total = None
        if self._bar is None and sys.stderr.isatty() and time.monotonic() - self._started_s > BAR_AFTER_S:
            self._bar = _Bar(self._what)
        if self._bar is not None:
            self._bar.update(self._done, self._total)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()


class _Bar:
    """Rich's bar; imported when the first one is drawn."""

    def __init__(self, what: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        parts = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._rich = RichProgress(*parts, console=Console(stderr=True), transient=True)
        self._task = self._rich.add_task(what, total=None)
        self._rich.start()

    def update(self, done: int, total: int | None) -> None:
        self._rich.update(self._task, completed=done, total=total)

    def close(self) -> None:
        self._rich.stop()
