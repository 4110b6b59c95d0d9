"""A bar for each device on a terminal, and above the bars what stays to be read."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Column
from rich.text import Text

from firmware_bridge.flash.result import Result, ending
from firmware_bridge.flash.steps import Watch

__all__ = ["Bars"]


class _Now(ProgressColumn):
    """Rate and time left while bytes are sent, else the step: side by side they do not fit 80 columns."""

    def __init__(self) -> None:
        super().__init__(Column(no_wrap=True, overflow="ellipsis"))
        self._rate, self._left = TransferSpeedColumn(), TimeRemainingColumn()

    def render(self, task: Task) -> Text:
        step = str(task.fields["step"])
        return Text(step) if step else Text.assemble(self._rate.render(task), " ", self._left.render(task))


class _BarWatch:
    def __init__(self, rich: Progress, serial: str) -> None:
        self._rich, self._serial = rich, serial
        self._task: TaskID = rich.add_task(serial, total=None, step="")

    def note(self, text: str) -> None:
        _print(self._rich, f"{self._serial}: {text}")

    def say(self, text: str) -> None:
        self._rich.update(self._task, step=text)

    def sent(self, done_b: int, total_b: int) -> None:
        self._rich.update(self._task, completed=done_b, total=total_b, step="")


class Bars:
    """A Screen."""

    def __init__(self) -> None:
        share = TextColumn("{task.percentage:>3.0f} %", markup=False)
        parts = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=20), share, _Now())
        self._rich = Progress(*parts, console=Console(stderr=True), transient=True)

    def watch(self, serial: str) -> Watch:
        return _BarWatch(self._rich, serial)

    def end(self, result: Result) -> None:
        for task in self._rich.tasks:
            if task.description == result.serial:
                self._rich.remove_task(task.id)
        _print(self._rich, ending(result))

    def __enter__(self) -> Self:
        self._rich.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._rich.stop()


def _print(rich: Progress, text: str) -> None:
    rich.console.print(text, markup=False, highlight=False, soft_wrap=True)
