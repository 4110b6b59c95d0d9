"""A live run: puts the threads together, and runs the conductor on the calling one until the end.

Threads: this one (conductor), one that receives, one that infers, one for each sink. They share a mailbox, a ledger and one inbox of
events; the capture process is the source's. Whatever ends the run, all of them are ended within about two seconds.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.errors import SonodermError
from edge.pipeline import events as ev
from edge.pipeline.conductor import Conductor
from edge.pipeline.desk import Desk
from edge.pipeline.examine import open_and_examine
from edge.pipeline.fanout import Fanout
from edge.pipeline.keeper import ModelKeeper
from edge.pipeline.ledger import Cause, Ledger
from edge.pipeline.mailbox import Mailbox
from edge.pipeline.meter import AgeHistogram
from edge.pipeline.options import LiveOptions, OpenModel
from edge.pipeline.receive import LiveSource, MakeLiveness, receive
from edge.pipeline.tally import Summary, Tally
from edge.reading import Command, FrameCounts, Reading, Sink

__all__ = ["LiveRun", "Surround"]

TICK_S = 0.02  # how late the clock may be heard: part of the 250 ms to the banner
TICK_NS = int(TICK_S * 1e9)
JOIN_S = 1.0


@dataclass(frozen=True, slots=True)
class _Crashed:
    """A fault of our own in one of the threads: it ends the run and is raised where the run was called."""

    error: BaseException


def _nobody(_text: str) -> None:
    """No one asked to be told."""


def _unwatched() -> None:
    """No one watches this run."""


@dataclass(frozen=True, slots=True)
class Surround:
    """The world around a run, so that tests can put another one in its place. wall_s: Unix seconds. say: one line for people.

    alive: called each time the loop turns, for a supervisor that starts a hanging one again.
    """

    clock_ns: Callable[[], int] = time.monotonic_ns
    wall_s: Callable[[], float] = time.time
    say: Callable[[str], None] = _nobody
    alive: Callable[[], None] = _unwatched


class LiveRun:
    """One run. `command` and `stop` may be called from any thread, also from a signal handler; `run` once."""

    def __init__(
        self,
        source: LiveSource,
        make_liveness: MakeLiveness,
        open_model: OpenModel,
        *,
        uri: str,
        options: LiveOptions,
        around: Surround | None = None,
        keeper: ModelKeeper | None = None,
    ) -> None:
        """keeper: of a model that may change during the run; its `open` is then `open_model`."""
        self._source, self._make_liveness, self._open_model, self._keeper = source, make_liveness, open_model, keeper
        self._options, self._around = options, around or Surround()
        self._inbox: queue.SimpleQueue[ev.Event | _Crashed] = queue.SimpleQueue()
        self._ledger = Ledger()
        self._mailbox = Mailbox()
        self._desk = Desk(self._mailbox, self._ledger, self._inbox.put, self._around.clock_ns, options.age_limit_ns)
        self._fanout = Fanout((), self._around.clock_ns)
        self._conductor = Conductor(options, uri)
        self._began_ns = options.started_ns if options.started_ns is not None else self._around.clock_ns()
        self._tally = Tally(self._began_ns)
        self._notes: tuple[str, ...] = ()
        self._may_open = threading.Event()  # the source may be opened, or never needs to be
        self._is_ending = False
        self._is_over = threading.Event()

    def command(self, command: Command) -> None:
        self._inbox.put(ev.Commanded(command, self._around.wall_s()))

    def stop(self, why: ev.Stop = ev.Stop.ASKED) -> None:
        self._inbox.put(ev.Stopped(why))

    def run(self, sinks: Sequence[Sink]) -> Summary:
        """Runs until the source ends, the time is up, or someone stops it.

        Raises what made it impossible: SourceUnreachable (at the start, or lost with exit_on_loss), the error of a model that
        cannot be opened, of a sink that cannot, or of the last sink that died.
        """
        threads = [
            threading.Thread(target=self._guarded, args=(self._open_and_receive,), name="receive", daemon=True),
            threading.Thread(target=self._guarded, args=(open_and_examine, self._open_model, self._desk), name="inference", daemon=True),
        ]
        if self._keeper is not None:
            watch = (self._keeper.watch, self._inbox.put, self._is_over)
            threads.append(threading.Thread(target=self._guarded, args=watch, name="keeper", daemon=True))
        self._fanout = Fanout(sinks, self._around.clock_ns)
        if not self._options.wait_for_model:
            self._source.start()
            self._may_open.set()
        for thread in threads:
            thread.start()
        try:
            self._fanout.start(self.command)
            finish = self._conduct()
        finally:
            self._shut_down(threads)
        if finish.error is not None:
            raise finish.error
        return self._summary(finish.why)

    def _open_and_receive(self) -> None:
        if self._options.wait_for_model:
            self._may_open.wait()
            if self._is_ending:
                self._source.close()
                return
            self._source.start()
        receive(self._source, self._make_liveness, self._desk)

    def _guarded(self, work: Callable[..., None], *parts: object) -> None:
        try:
            work(*parts)
        except BaseException as error:  # noqa: BLE001 - handed to the calling thread, which raises it
            self._inbox.put(_Crashed(error))

    def _conduct(self) -> ev.Finish:
        conductor, clock_ns = self._conductor, self._around.clock_ns
        finish = self._do(conductor.start(clock_ns()))
        ticked_ns = clock_ns()
        while finish is None:
            self._around.alive()
            try:
                event = self._inbox.get(timeout=TICK_S)
            except queue.Empty:
                event = None
            if isinstance(event, _Crashed):
                if self._keeper is not None and not isinstance(event.error, SonodermError):
                    self._keeper.crashed(event.error)
                    self._keeper = None  # it has heard the end
                raise event.error
            now_ns = clock_ns()
            if event is not None:
                finish = self._do(conductor.handle(event, now_ns, self._ledger.count()))
                if isinstance(event, ev.ModelOpened | ev.ModelFailed) and finish is None:
                    self._may_open.set()
            if finish is None and (event is None or now_ns - ticked_ns >= TICK_NS):
                ticked_ns = now_ns
                finish = self._do(conductor.tick(now_ns, self._ledger.count())) or self._look_after_sinks(now_ns)
        return finish

    def _do(self, actions: Sequence[ev.Action]) -> ev.Finish | None:
        for action in actions:
            match action:
                case ev.Show():
                    self._fanout.offer(action.view)
                    self._tell_keeper(action.view.reading)
                    self._tally.feed(action.view, self._conductor.scene, self._conductor.scene_began_ns)
                case ev.Say():
                    self._around.say(action.text)
                case ev.Restart():
                    threading.Thread(target=self._source.restart, name="restart", daemon=True).start()  # it may wait for the kernel
                case ev.Swap():
                    self._mailbox.call_away()
                case ev.Finish():
                    return action
        return None

    def _tell_keeper(self, reading: Reading) -> None:
        if self._keeper is not None:
            self._keeper.heed(reading.live_state or reading.state, reading.live_reason if reading.live_state else reading.reason)

    def _look_after_sinks(self, now_ns: int) -> ev.Finish | None:
        failure = self._fanout.failure_to_open(now_ns)
        if failure is not None:
            raise failure
        notes = self._fanout.troubles(now_ns)
        if notes == self._notes:
            return None
        for note in notes:
            if note not in self._notes:
                self._around.say(note)
        self._notes = notes
        if self._fanout.are_all_dead():
            error = self._fanout.first_error()
            assert error is not None
            if isinstance(error, SonodermError):
                return ev.Finish(ev.Stop.FAILED, error)
            raise error
        return self._do(self._conductor.handle(ev.Noted(notes), now_ns, self._ledger.count()))

    def _shut_down(self, threads: Sequence[threading.Thread]) -> None:
        self._is_ending = True
        self._is_over.set()
        self._may_open.set()
        self._source.kill()
        if self._mailbox.close() is not None:
            self._ledger.drop(Cause.SHUTDOWN)
        self._fanout.close()
        deadline = time.monotonic() + JOIN_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if self._keeper is not None:
            self._keeper.ended()

    def _summary(self, why: ev.Stop) -> Summary:
        now_ns, count, conductor = self._around.clock_ns(), self._ledger.count(), self._conductor
        reports, inference = self._fanout.reports(), conductor.inference
        ages = AgeHistogram()
        for report in reports:
            ages.add(report.ages)
        p50, p95 = inference.quantile_ms(0.5), inference.quantile_ms(0.95)
        counts = FrameCounts(count.captured, count.inferred, count.pending, count.dropped, conductor.watch.pace.fps(now_ns), p50, p95)
        return Summary(
            ended=why,
            duration_s=(now_ns - self._began_ns) / 1e9,
            first_label_s=self._tally.first_label_s(),
            age_p50_ms=ages.quantile_ms(0.5),
            age_p99_ms=ages.quantile_ms(0.99),
            infer_p50_ms=p50,
            infer_p99_ms=inference.quantile_ms(0.99),
            stale_labels=sum(report.stale for report in reports),
            losses=conductor.watch.losses,
            states=self._tally.states(now_ns),
            scenes=self._tally.scenes(now_ns),
            counts=counts,
            sinks=reports,
        )
