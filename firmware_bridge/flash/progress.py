"""What a technician sees while devices are flashed: bars on a terminal, one line a step everywhere else. All on standard error."""

import sys
from types import TracebackType
from typing import Protocol, Self

from edge.cli.output import say
from firmware_bridge.flash.result import Result, ending
from firmware_bridge.flash.steps import Watch

__all__ = ["Screen", "open_screen"]


class Screen(Protocol):
    def watch(self, serial: str) -> Watch: ...
    def end(self, result: Result) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None: ...


def open_screen() -> Screen:
    if not sys.stderr.isatty():
        return _Lines()
    from firmware_bridge.flash.bars import Bars

    return Bars()


class _LineWatch:
    def __init__(self, serial: str) -> None:
        self._serial, self._quarter = serial, 0

    def note(self, text: str) -> None:
        say(f"{self._serial}: {text}")

    say = note

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
