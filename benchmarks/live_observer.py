"""The outside observer: starts a live_device on a fake driver, reads its screen from a pipe, and knows the age of what it shows."""

import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from benchmarks.live_device import HEADER, REASONS, STAMP_ROW_PX, STATES
from edge.reading import Reason, State
from tests.fake_driver import World, install, read_stamp

__all__ = ["Device", "Shown"]

MESSAGE_B = HEADER.size + STAMP_ROW_PX * 3
MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Shown:
    """One view, as it came out of the device. at_ns: when; stamp_ns: the time in its pixels, None without a picture."""

    at_ns: int
    state: State
    reason: Reason | None
    captured_ns: int | None
    stamp_ns: int | None

    @property
    def age_ms(self) -> float | None:
        """Age of the picture at the moment it was shown, by its pixels."""
        return None if self.stamp_ns is None else (self.at_ns - self.stamp_ns) / MS


class Device:
    """A device process with a fake driver, and everything that its screen has shown."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = list(arguments)
        self._folder = tempfile.TemporaryDirectory(prefix="sonoderm-bench-")
        self.world = World(Path(self._folder.name) / "world")
        self.shown: list[Shown] = []
        self._rest = b""

    def __enter__(self) -> Self:
        self._reader, writer = os.pipe()
        search = os.pathsep.join([install(Path(self._folder.name)), os.environ.get("PYTHONPATH", "")])
        command = [sys.executable, "-m", "benchmarks.live_device", str(writer), self.world.uri, *self._arguments]
        self.process = subprocess.Popen(command, pass_fds=(writer,), env={**os.environ, "PYTHONPATH": search})
        os.close(writer)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._reader)
        self._folder.cleanup()

    def watch(self, seconds: float, until: Callable[[Shown], bool] | None = None) -> Shown | None:
        """Reads the screen for so long, or until a view for which `until` is true. Raises RuntimeError when the device is gone."""
        end = time.monotonic() + seconds
        while (left_s := end - time.monotonic()) > 0:
            if not select.select([self._reader], [], [], left_s)[0]:
                continue
            data = os.read(self._reader, 1 << 20)
            at_ns = time.monotonic_ns()
            if not data:
                raise RuntimeError(f"the device ended with code {self.process.wait()}")
            self._rest += data
            while len(self._rest) >= MESSAGE_B:
                shown = _parse(self._rest[:MESSAGE_B], at_ns)
                self._rest = self._rest[MESSAGE_B:]
                self.shown.append(shown)
                if until is not None and until(shown):
                    return shown
        return None

    def ages_ms(self, since_ns: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """Age of each label when it was first shown, by the pixels beside it."""
        ages = [s.age_ms for s in self.shown if s.state is State.READY and s.at_ns >= since_ns]
        return np.array([age for age in ages if age is not None])

    def oldest_ms(self, since_ns: int = 0) -> float:
        """The greatest age that a label reached while it was shown: until the next view took its place."""
        pairs = zip(self.shown, self.shown[1:], strict=False)
        return max(
            ((b.at_ns - a.stamp_ns) / MS for a, b in pairs if a.state is State.READY and a.stamp_ns and a.at_ns >= since_ns), default=0.0
        )


def _parse(message: bytes, at_ns: int) -> Shown:
    captured_ns, state, reason, has_picture = HEADER.unpack_from(message)
    row = np.frombuffer(message, np.uint8, offset=HEADER.size).reshape(1, STAMP_ROW_PX, 3)
    stamp_ns = read_stamp(np.repeat(row, 8, axis=0)) if has_picture else None
    return Shown(
        at_ns=at_ns,
        state=STATES[state],
        reason=REASONS[reason] if reason >= 0 else None,
        captured_ns=captured_ns if captured_ns >= 0 else None,
        stamp_ns=stamp_ns or None,
    )
