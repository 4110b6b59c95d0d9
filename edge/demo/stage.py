"""What the demo plays at the moment: one model on one source, one live run at a time. A change is a new run; the page stays."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.demo.faults import Fault, FaultKind, Switch
from edge.demo.sinks import ProbeSink, StuckSink
from edge.demo.trial import Trial, begin, repaired, saw
from edge.errors import SonodermError
from edge.pipeline.events import Stop
from edge.pipeline.live import LiveRun, Surround
from edge.pipeline.options import LiveModel, LiveOptions
from edge.pipeline.start import live_run
from edge.pipeline.tally import Summary
from edge.reading import Reason, Sink, State, View
from edge.sources.uri import SourceUri

__all__ = ["Play", "Stage"]


@dataclass(frozen=True, slots=True)
class Play:
    """source: what a person would type after `sonoderm run`. other: what "wrong organ" moves the probe to; None: nothing.

    lacks: what is missing here to play it, in words; None: nothing.
    """

    id: str
    title: str
    model: str
    source: str
    other: str | None = None
    lacks: str | None = None


class Stage:
    """Owns the switch, the runs and the trials. Every method may be called from any thread."""

    def __init__(
        self,
        sinks: Sequence[Sink],
        open_model: Callable[[str, Callable[[Reason], None]], LiveModel],
        say: Callable[[str], None],
        *,
        started_ns: int | None = None,
        home: Play | None = None,
    ) -> None:
        """home: what is played again when another play cannot go on."""
        self._open_model, self._say = open_model, say
        self._started_ns, self._home = started_ns, home
        self._folder = Path(tempfile.mkdtemp(prefix="sonoderm-demo-"))
        self.switch = Switch.create(self._folder / "switch")
        self._stuck = StuckSink()
        self._sinks = [*sinks, ProbeSink(self._seen, time.monotonic_ns), self._stuck]
        self._lock = threading.Lock()
        self._run: LiveRun | None = None
        self._thread: threading.Thread | None = None
        self._trial: Trial | None = None
        self._changed = threading.Condition(self._lock)
        self.trials: list[Trial] = []
        self.summaries: list[Summary] = []
        self.play: Play | None = None
        self.trouble: SonodermError | None = None  # why the last play could not go on
        self._view: View | None = None

    # ---- runs ------------------------------------------------------------------------------------

    def start(self, play: Play) -> None:
        """End what runs, begin this. A play that cannot begin leaves `trouble`. Raises UsageError and InputRefused for its source."""
        self.stop()
        with self._lock:
            self.play, self.trouble, self._view = play, None, None
            self.switch.order(FaultKind.NONE)
            options = (("of", play.source), *((("other", play.other),) if play.other else ()))
            uri = str(SourceUri("demo", str(self._folder / "switch"), options))
            run = live_run(
                uri,
                lambda step: self._open_model(play.model, step),
                LiveOptions(started_ns=self._started_ns),
                Surround(say=lambda text: self._say(text.replace(uri, "demo source"))),
            )
            self._started_ns = None  # only the first run began with the process
            self._run = run
            self._thread = threading.Thread(target=self._carry_out, args=(run,), name="demo run", daemon=True)
            self._thread.start()

    def _carry_out(self, run: LiveRun) -> None:
        try:
            summary = run.run(self._sinks)
        except SonodermError as error:
            with self._changed:
                self.trouble = error
                self._changed.notify_all()
                at_home = self._home is None or self.play == self._home
            self._say(error.line())
            if self._home is not None and not at_home:
                threading.Thread(target=self._go_home, args=(error,), name="demo home", daemon=True).start()
            return
        with self._changed:
            self.summaries.append(summary)
            self._changed.notify_all()

    def _go_home(self, why: SonodermError) -> None:
        assert self._home is not None
        self.start(self._home)
        self.trouble = why

    def stop(self) -> None:
        """End the present run and wait for it."""
        self.repair()
        with self._lock:
            run, thread, self._run, self._trial = self._run, self._thread, None, None
        if run is not None and thread is not None:
            run.stop(Stop.ASKED)
            thread.join(5.0)

    def close(self) -> None:
        self.stop()
        self.switch.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def is_running(self) -> bool:
        thread = self._thread
        return thread is not None and thread.is_alive()

    # ---- faults ----------------------------------------------------------------------------------

    def order(self, fault: Fault) -> None:
        """From the next picture on. One that is still in work is repaired first."""
        self.repair()
        with self._lock:
            reading = self._view.reading if self._view else None
            self._trial = begin(fault, reading.label if reading else None, time.monotonic_ns())
            if fault.kind is FaultKind.SLOW_SINK:
                self._stuck.stick()
            else:
                self.switch.order(fault.kind)

    def repair(self) -> None:
        """The device is as good as new; the trial ends with the next label."""
        with self._lock:
            self._stuck.release()
            self.switch.order(FaultKind.NONE)
            if self._trial is not None and self._trial.repaired_ns is None:
                self._trial = repaired(self._trial, time.monotonic_ns())

    @property
    def trial(self) -> Trial | None:
        return self._trial

    def _seen(self, view: View, now_ns: int) -> None:
        with self._changed:
            self._view = view
            if self._trial is not None:
                self._trial = saw(self._trial, view, now_ns, self.switch.good_ns)
                if self._trial.back_ns is not None:
                    self.trials.append(self._trial)
                    self._trial = None
            self._changed.notify_all()

    # ---- waiting ---------------------------------------------------------------------------------

    def wait(self, until: Callable[["Stage"], bool], deadline_ns: int) -> bool:
        """True once `until(self)` holds; False at the deadline, or when the run is over."""
        with self._changed:
            while not until(self):
                left_s = (deadline_ns - time.monotonic_ns()) / 1e9
                if left_s <= 0 or self.trouble is not None or not self.is_running:
                    return False
                self._changed.wait(min(left_s, 0.25))
            return True

    @property
    def is_ready(self) -> bool:
        return self._view is not None and self._view.reading.state is State.READY

    def pause(self, seconds: float) -> None:
        """Let it play on; ends early with the run."""
        self.wait(lambda _stage: False, time.monotonic_ns() + round(seconds * 1e9))

    def give_up(self) -> Trial | None:
        """The trial as it stands, when its label does not come back: kept as failed."""
        with self._lock:
            trial, self._trial = self._trial, None
            if trial is not None:
                self.trials.append(trial)
            return trial
