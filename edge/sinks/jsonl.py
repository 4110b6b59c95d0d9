"""`jsonl:FILE` (`-` is stdout): one JSON object a line, flushed at once, never in the way of the loop.

`show` only puts a line into a bounded buffer; a thread of this sink writes. What cannot be kept is counted in the
file itself: the next line that is written carries `lost`, the number of lines missing before it. A loss at the very
end becomes a last line with state null. An existing file is continued, never overwritten.

A full disk costs lines (counted, said once), never the run. A reader of stdout that has gone (`| head`) asks for a quiet
end of the run: exit 0, as nothing went wrong.
"""

import contextlib
import errno
import io
import os
import sys
import threading
from collections import deque
from pathlib import Path
from typing import BinaryIO

from edge.errors import MachineLacks, UsageError
from edge.reading import CommandPort, Reading, Sink, View
from edge.sinks.record import ReadingLine, encode, view_line
from edge.sinks.table import Surroundings

__all__ = ["BUFFER_LINES", "JsonlSink", "make"]

BUFFER_LINES = 2_000  # a minute at 30 readings a second, about 2 MB: longer than any healthy disk sleeps
CLOSE_S = 1.0  # what a stuck reader may cost at the end


class JsonlSink:
    """Writes to `target`, an unbuffered binary file that it owns. every_view: the fan-out keeps it a buffer of its own, not one slot."""

    every_view = True

    def __init__(self, name: str, target: BinaryIO, around: Surroundings, *, torn: bool = False) -> None:
        self.name = name
        self._target, self._around = target, around
        self._lines: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._lost, self._last_seq = 0, -1
        self._last: Reading | None = None
        self._closing = self._dead = self._complained = False
        self._torn = torn  # the file ends in the middle of a line: the next write starts a new one
        self._writer = threading.Thread(target=self._write_all, name=name, daemon=True)

    def open(self, commands: CommandPort) -> None:  # noqa: ARG002
        """A file gives no commands."""
        self._writer.start()

    def show(self, view: View) -> None:
        """Takes a line for a new reading or a change of state; a view that says nothing new is no line."""
        with self._changed:
            missed = max(0, view.seq - self._last_seq - 1) if self._last_seq >= 0 else 0
            self._lost += missed
            self._last_seq = view.seq
            if view.reading == self._last and not missed:
                return
            self._last = view.reading
            if len(self._lines) >= BUFFER_LINES or self._dead:
                self._lost += 1
                return
            line = view_line(view, now_ns=self._around.clock_ns(), at=self._around.wall(), lost=self._lost)
            self._lines.append(encode(line) + b"\n")
            self._lost = 0
            self._changed.notify()

    def close(self) -> None:
        """Writes what is left, for at most CLOSE_S."""
        with self._changed:
            if self._lost and not self._dead:
                line = ReadingLine(t_ns=self._around.clock_ns(), at=self._around.wall().isoformat(timespec="milliseconds"), lost=self._lost)
                self._lines.append(encode(line) + b"\n")
            self._closing = True
            self._changed.notify()
        if self._writer.is_alive():
            self._writer.join(CLOSE_S)
        if not self._writer.is_alive():
            with contextlib.suppress(OSError):
                self._target.close()

    def _write_all(self) -> None:
        while True:
            with self._changed:
                while not self._lines and not self._closing:
                    self._changed.wait()
                if not self._lines:
                    return
                line = self._lines.popleft()
            if not self._write(line):
                return

    def _write(self, line: bytes) -> bool:
        """False once nobody will ever read again."""
        try:
            if self._torn:
                line = b"\n" + line
            rest = memoryview(line)
            while rest:
                self._torn = True
                rest = rest[self._target.write(rest) or 0 :]
            self._torn = False
        except OSError as failed:
            if failed.errno == errno.EPIPE:
                with self._changed:
                    self._dead = True
                    self._lines.clear()
                self._around.request_stop(f"the reader of {self.name} is gone")
                return False
            with self._changed:
                self._lost += 1
            if not self._complained:
                self._complained = True
                self._around.say(f"{self.name}: {failed.strerror}; readings are lost until it can be written again")
        return True


def make(target: str, around: Surroundings) -> Sink:
    """Raises UsageError without a file, MachineLacks where it cannot be written."""
    if not target:
        raise UsageError("jsonl: needs a file", do="jsonl:readings.jsonl, or jsonl:- for stdout")
    if target == "-":
        return JsonlSink("jsonl:-", _stdout(), around)
    path = Path(target)
    try:
        is_file = not path.exists() or path.is_file()
        # O_NONBLOCK: a named pipe without a reader is refused here instead of hanging the start.
        how = os.O_RDWR | os.O_CREAT | os.O_APPEND if is_file else os.O_WRONLY | os.O_NONBLOCK
        fd = os.open(path, how | os.O_CLOEXEC, 0o644)
    except OSError as failed:
        raise MachineLacks(
            f"jsonl:{target} cannot be written: {failed.strerror}", do="name a file in a folder that you may write"
        ) from failed
    os.set_blocking(fd, True)
    torn = False
    if is_file:
        size_b = os.fstat(fd).st_size
        torn = size_b > 0 and os.pread(fd, 1, size_b - 1) != b"\n"
    return JsonlSink(f"jsonl:{target}", os.fdopen(fd, "r+b" if is_file else "wb", buffering=0), around, torn=torn)


def _stdout() -> BinaryIO:
    """stdout without a buffer of its own, so that its death is ours alone and not the interpreter's at exit."""
    try:
        return os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    except io.UnsupportedOperation:  # stdout was replaced by something without a descriptor
        return sys.stdout.buffer
