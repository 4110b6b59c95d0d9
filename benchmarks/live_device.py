"""The device under test of live_age and soak: a real live run, in a process of its own, whose screen is a pipe.

    python -m benchmarks.live_device PIPE_FD URI [--model NAME] [--trust DIR] [--look-ms MS] [--sink URI …] [--sleepy-ms MS] [--stuck]

Capture process, shared memory, liveness, mailbox, inference thread, conductor and sinks are those of `sonoderm run`. Each look costs what
the model costs (plus --look-ms), but its answer is replaced by one sure class: what is measured is when a label is on a screen, not which.
The pipe sink writes, for each view that it is given, a fixed header and one row of the picture; the observer reads the time in it.
"""

import argparse
import os
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.bundle.manifest import Decision, Manifest
from edge.classify import Judgement
from edge.cli.run import stopped_by_signals
from edge.frame import Frame
from edge.model import Model, open_model
from edge.pipeline.live import Surround
from edge.pipeline.options import LiveModel, LiveOptions
from edge.pipeline.start import live_run
from edge.reading import CommandPort, ModelIdentity, Reason, State, View
from edge.sinks.table import Surroundings, open_sink

__all__ = ["HEADER", "STAMP_ROW_PX", "STATES"]

STAMP_ROW_PX = 512  # 64 bits of 8 px
STATES = tuple(State)
REASONS = tuple(Reason)
HEADER = struct.Struct("<qBbB")  # captured_ns (-1: none), state, reason (-1: none), has a picture


class PipeSink:
    """A screen that an outside observer can read."""

    name = "pipe:"

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def open(self, commands: CommandPort) -> None:
        """No one presses a key here."""

    def show(self, view: View) -> None:
        reading = view.reading
        reason = REASONS.index(reading.reason) if reading.reason is not None else -1
        captured_ns = -1 if reading.captured_ns is None else reading.captured_ns
        row = np.zeros((STAMP_ROW_PX, 3), np.uint8)
        if view.pixels is not None and view.pixels.shape[1] >= STAMP_ROW_PX:
            row = view.pixels[4, :STAMP_ROW_PX]
        os.write(self._fd, HEADER.pack(captured_ns, STATES.index(reading.state), reason, view.pixels is not None) + row.tobytes())

    def close(self) -> None:
        os.close(self._fd)


class SleepySink:
    """Takes ms for each view; 0: never comes back from its first."""

    def __init__(self, ms: int) -> None:
        self.name, self._ms = f"sleepy {ms} ms:" if ms else "stuck:", ms
        self._never = threading.Event()

    def open(self, commands: CommandPort) -> None:
        """No one presses a key here."""

    def show(self, view: View) -> None:  # noqa: ARG002 - it does not look
        self._never.wait(self._ms / 1000 if self._ms else None)

    def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True)
class SureLook:
    quality: Reason | None
    judgement: Judgement | None


class SureModel:
    """Costs what the real one costs, plus `extra_s`; is sure of its first class."""

    def __init__(self, real: Model, extra_s: float) -> None:
        self._real, self._extra_s = real, extra_s
        self._never = threading.Event()
        k = len(real.codes)
        probabilities = np.full(k, 0.05 / (k - 1), np.float32)
        probabilities[0] = 0.95
        self._look = SureLook(None, Judgement(probabilities, (0,), None, True))

    @property
    def identity(self) -> ModelIdentity:
        return self._real.identity

    @property
    def manifest(self) -> Manifest:
        return self._real.manifest

    @property
    def decision(self) -> Decision:
        return Decision(bias=self._real.decision.bias, set_at=(0.5,) * len(self._real.codes))

    def look(self, frame: Frame) -> SureLook:
        prepared = self._real.prepare(frame)
        self._real.judge(self._real.session.run(prepared.tensor))
        if self._extra_s:
            self._never.wait(self._extra_s)
        return self._look

    def close(self) -> None:
        self._real.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pipe", type=int)
    parser.add_argument("uri")
    parser.add_argument("--model", default="derm7")
    parser.add_argument("--trust", type=Path)
    parser.add_argument("--look-ms", type=float, default=0)
    parser.add_argument("--sink", action="append", default=[])
    parser.add_argument("--sleepy-ms", type=int, default=0)
    parser.add_argument("--stuck", action="store_true")
    asked = parser.parse_args()

    def opener(step: Callable[[Reason], None]) -> LiveModel:
        step(Reason.OPENING_MODEL)
        return SureModel(open_model(asked.model, asked.trust), asked.look_ms / 1000)

    live = live_run(asked.uri, opener, LiveOptions(), Surround())
    sinks = [PipeSink(asked.pipe), *(open_sink(uri, Surroundings()) for uri in asked.sink)]
    if asked.sleepy_ms:
        sinks.append(SleepySink(asked.sleepy_ms))
    if asked.stuck:
        sinks.append(SleepySink(0))
    with stopped_by_signals(live):
        live.run(sinks)


if __name__ == "__main__":
    main()
