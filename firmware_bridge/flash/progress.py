"""What a technician sees while devices are flashed: bars on a terminal, one line a step everywhere else. All on standard error."""

import sys
from types import TracebackType
from typing import Protocol, Self

from edge.cli.output import say
from firmware_bridge.flash.result import Outcome, Result
from firmware_bridge.flash.steps import Watch

__all__ = ["Screen", "ending", "open_screen"]


class Screen(Protocol):
    def watch(self, serial: str) -> Watch: ...
    def end(self, result: Result) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None: ...


def open_screen() -> Screen:
    return _Bars() if sys.stderr.isatty() else _Lines()


def ending(result: Result) -> str:
    """One line that says how it ended."""
    who = result.serial or result.port
    match result.outcome:
        case Outcome.FLASHED:
            return f"{who}: {result.model} {result.version} runs, checked and confirmed ({result.took_s:.0f} s)"
        case Outcome.ALREADY:
            return f"{who}: {result.model} {result.version} runs already"
        case Outcome.ON_TRIAL:
            return f"{who}: {result.version} passed its check and waits for a yes: sonoderm device confirm"
        case Outcome.WAITING:
            return f"{who}: stored; the device takes it after the examination. Ask later: sonoderm device info"
        case Outcome.WOULD_FLASH:
            return f"{who}: would be flashed"
        case _:
            return f"{result.serial}: {result.reason}" if result.serial else result.reason  # which names the port itself


class _LineWatch:
    def __init__(self, serial: str) -> None:
        self._serial, self._quarter = serial, 0

    def say(self, text: str) -> None:
        say(f"{self._serial}: {text}")

    def sent(self, done_b: int, total_b: int) -> None:
        quarter = done_b * 4 // total_b
        if quarter > self._quarter:
            self._quarter = quarter
            say(f"{self._serial}: {quarter * 25} %")


class _Lines:
    def watch(self, serial: str) -> Watch:
        return _LineWatch(serial)

    def end(self, result: Result) -> None:
        say(ending(result))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return


class _BarWatch:
    def __init__(self, bars: "_Bars", serial: str) -> None:
        self._rich, self._serial = bars.rich, serial
        self._task = self._rich.add_task(serial, total=None, note="")

    def say(self, text: str) -> None:
        self._rich.update(self._task, note=text)

    def sent(self, done_b: int, total_b: int) -> None:
        self._rich.update(self._task, completed=done_b, total=total_b, note="")


class _Bars:
    """Bytes, rate and time left of each device."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

        parts = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
        )
        self.rich = Progress(*parts, console=Console(stderr=True), transient=True)

    def watch(self, serial: str) -> Watch:
        return _BarWatch(self, serial)

    def end(self, result: Result) -> None:
        for task in self.rich.tasks:
            if task.description == result.serial:
                self.rich.remove_task(task.id)
        self.rich.console.print(ending(result), markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        self.rich.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.rich.stop()
