"""A live run, with the whole pipeline as it runs at a patient, watched by a sink while the target blinks."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from calibration.latency.delay import Shown, Toggle
from calibration.latency.target import Target
from edge.errors import SourceUnreachable
from edge.pipeline.options import LiveOptions, OpenModel
from edge.pipeline.start import live_run
from edge.reading import CommandPort, State, View

__all__ = ["Plan", "Recording", "record"]

CELLS = (32, 24)
START_S = 90.0  # for a model to be opened, and an engine to be built
SETTLE_S = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """toggles: how many changes. hold_ms: shortest and longest time between two. seed: of those times."""

    toggles: int
    hold_ms: tuple[float, float]
    seed: int = 0

    def holds_s(self) -> list[float]:
        return [float(ms) / 1000 for ms in np.random.default_rng(self.seed).uniform(*self.hold_ms, self.toggles)]


@dataclass(frozen=True, slots=True)
class Recording:
    toggles: tuple[Toggle, ...]
    shown: tuple[Shown, ...]


@dataclass(slots=True)
class _Watcher:
    """A sink that notes when it was handed which picture. Its list is read when the run is over."""

    shown: list[Shown] = field(default_factory=list)
    is_live: threading.Event = field(default_factory=threading.Event)
    name: str = "latency:"

    def open(self, commands: CommandPort) -> None:
        """Nothing travels up from here."""

    def show(self, view: View) -> None:
        now_ns = time.monotonic_ns()
        if view.pixels is None:
            return
        if view.reading.state is not State.STARTING:
            self.is_live.set()
        small = cv2.resize(view.pixels, CELLS, interpolation=cv2.INTER_AREA).mean(axis=2, dtype=np.float32)
        self.shown.append(Shown(now_ns, view.reading.captured_ns, small.ravel()))

    def close(self) -> None:
        """Nothing is held."""


def record(uri: str, open_model: OpenModel, target: Target, plan: Plan, say: Callable[[str], None]) -> Recording:
    """Runs the source with the model while the target blinks; the calling thread is the target's (a window belongs to the main one).

    Raises what the run raises, and SourceUnreachable where no picture was shown in time.
    """
    watcher, failed = _Watcher(), list[BaseException]()
    run = live_run(uri, open_model, LiveOptions(exit_on_loss=True))
    over = threading.Event()

    def live() -> None:
        try:
            run.run([watcher])
        except BaseException as error:  # noqa: BLE001 - raised again on the calling thread
            failed.append(error)
        finally:
            over.set()
            watcher.is_live.set()

    thread = threading.Thread(target=live, name="live", daemon=True)
    target.set(is_on=False)
    thread.start()
    toggles: list[Toggle] = []
    try:
        watcher.is_live.wait(START_S)
        if not over.is_set() and not watcher.shown:
            raise SourceUnreachable(f"{uri}: no picture was shown within {START_S:.0f} s", do="try it with: sonoderm run")
        say(f"{target.name} blinks {plan.toggles} times")
        over.wait(SETTLE_S)
        for at, hold_s in enumerate(plan.holds_s()):
            if over.is_set():
                break
            toggles.append(Toggle(time.monotonic_ns(), at % 2 == 0))
            target.set(is_on=at % 2 == 0)
            over.wait(hold_s)
    finally:
        run.stop()
        thread.join(5.0)
    if failed:
        raise failed[0]
    return Recording(tuple(toggles), tuple(watcher.shown))
