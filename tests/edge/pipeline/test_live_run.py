"""The threads together: real threads and clock, fake source, model and sinks. Time is judged in test_conductor, under its own clock."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from edge.errors import BackendFault, MachineLacks, SonodermError, SourceUnreachable
from edge.frame import Frame, SourceInfo
from edge.pipeline.events import Stop
from edge.pipeline.live import LiveRun, Surround
from edge.pipeline.options import LiveModel, LiveOptions
from edge.pipeline.outlet import OutletState
from edge.pipeline.receive import Liveness
from edge.pipeline.tally import Summary
from edge.reading import Command, Reason, Sink, State, View
from edge.sources.events import Arrived, Ended, Failed, Lost, Opened, Skipped
from edge.sources.liveness import Liveness as RealLiveness
from tests.edge.pipeline.fakes import INFO, MS, AliveAlways, ALook, FakeModel, FakeSink, FakeSource, a_frame, look_at

SLOW_CLOCK = LiveOptions(age_limit_ns=5_000 * MS)  # a busy machine must not turn these tests into tests of its speed


class Camera:
    """Feeds a FakeSource with living frames at about 50 a second from a thread of its own, until the block ends."""

    def __init__(self, source: FakeSource) -> None:
        self.source, self.index, self.opening = source, 0, 0
        self._paused = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Camera":
        self.plug()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(5)

    def plug(self) -> None:
        self.opening += 1
        self.source.queue.put(Opened(INFO))
        self._paused.clear()

    def pull(self) -> None:
        self._paused.set()
        self.source.queue.put(Lost(Reason.UNPLUGGED, "pulled"))

    def _run(self) -> None:
        while not self._over.wait(0.02):
            if not self._paused.is_set():
                self.source.send(a_frame(self.index, time.monotonic_ns()))
                self.index += 1


class Ran:
    """A run on a thread of its own, and how it ended."""

    def __init__(self, live: LiveRun, sinks: list[Sink]) -> None:
        self.live = live
        self.summary: Summary | None = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(sinks,), daemon=True)
        self._thread.start()

    def _run(self, sinks: list[Sink]) -> None:
        try:
            self.summary = self.live.run(sinks)
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.error = error

    def ended(self) -> Summary:
        self._thread.join(15)
        assert not self._thread.is_alive(), "the run does not end"
        if self.error is not None:
            raise self.error
        assert self.summary is not None
        return self.summary


@contextmanager
def running(
    source: FakeSource,
    *sinks: Sink,
    model: LiveModel | SonodermError | None = None,
    options: LiveOptions = SLOW_CLOCK,
    liveness: Callable[[float | None], Liveness] = lambda fps: AliveAlways(),
    said: list[str] | None = None,
) -> Iterator[Ran]:
    def open_model(step: Callable[[Reason], None]) -> LiveModel:
        step(Reason.WARMING_UP)
        if isinstance(model, SonodermError):
            raise model
        return model or FakeModel()

    around = Surround(say=(said if said is not None else []).append)
    ran = Ran(LiveRun(source, liveness, open_model, uri="fake:", options=options, around=around), list(sinks))
    try:
        yield ran
    finally:
        ran.live.stop()
        ran._thread.join(15)
        assert source.closed, "the source was not given back"


def ready(view: View) -> bool:
    return view.reading.state is State.READY


def adds_up(summary: Summary) -> bool:
    counts = summary.counts
    return counts.captured == counts.inferred + sum(n for _, n in counts.dropped) + counts.pending


def test_a_label_reaches_the_sink_with_its_own_picture() -> None:
    source, sink = FakeSource(), FakeSink()
    with running(source, sink) as ran, Camera(source):
        view = sink.wait_for(ready)
        assert view.pixels is not None
        assert (view.reading.label, view.source) == ("mel", "fake source")
        assert (view.pixels == a_frame(view.reading.frame or 0).pixels).all(), "picture and reading are one pair"
        ran.live.stop()
        summary = ran.ended()
    assert summary.ended is Stop.ASKED
    assert summary.first_label_s is not None
    assert summary.stale_labels == 0
    assert summary.counts.pending == 0
    assert adds_up(summary)
    assert sink.closed.is_set()


def test_every_frame_is_accounted_for_under_stress() -> None:
    """Frames in bursts, losses, black pictures and skipped ones, with a slow model: nothing is counted twice or not at all."""

    class Sometimes:
        def __init__(self) -> None:
            self.n = 0

        def feed(self, frame: Frame) -> Reason | None:
            self.n += 1
            return Reason.BLACK if self.n % 7 == 0 else Reason.FROZEN_PICTURE if self.n % 11 == 0 else None

    source, sink = FakeSource(), FakeSink()
    never = threading.Event()

    def slowly(_frame: Frame) -> ALook:
        never.wait(0.002)
        return look_at()

    model = FakeModel(see=slowly)
    sent = skipped = 0
    with running(source, sink, model=model, liveness=lambda fps: Sometimes()) as ran:
        for burst in range(40):
            source.queue.put(Opened(INFO))
            for _ in range(25):
                source.send(a_frame(sent, time.monotonic_ns()))
                sent += 1
            source.queue.put(Skipped("torn", 3))
            skipped += 3
            if burst % 4 == 3:
                source.queue.put(Lost(Reason.STALLED, "x"))
        source.queue.put(Ended())
        summary = ran.ended()
    assert summary.ended is Stop.ENDED
    assert summary.counts.captured == sent + skipped
    assert summary.counts.pending == 0
    assert adds_up(summary)
    dropped = dict(summary.counts.dropped)
    assert dropped["torn"] == skipped
    assert dropped["black"] > 0
    assert dropped["repeated"] > 0
    assert summary.counts.inferred == len(model.looked)


def test_a_sink_that_hangs_and_one_that_raises_hold_nobody() -> None:
    never = threading.Event()

    def hang(_view: View) -> None:
        never.wait(30)

    def fail(_view: View) -> None:
        raise RuntimeError("the screen fell off")

    source, good = FakeSource(), FakeSink("good:")
    said: list[str] = []
    with running(source, FakeSink("stuck:", hang), FakeSink("broken:", fail), good, said=said) as ran, Camera(source):
        noted = good.wait_for(lambda v: v.reading.model is not None and len(v.reading.model.notes) == 2)
        assert noted.reading.model is not None
        assert noted.reading.model.notes == ("sink stuck: is slow", "sink broken: is dead")
        good.wait_for(lambda v: ready(v) and v.seq > noted.seq)
        ran.live.stop()
        summary = ran.ended()
    assert any("broken: is dead" in text for text in said)
    states = {report.name: report.state for report in summary.sinks}
    assert states == {"stuck:": OutletState.SLOW, "broken:": OutletState.DEAD, "good:": OutletState.CLOSED}
    never.set()


def test_when_the_last_sink_dies_the_run_ends_with_its_error() -> None:
    def fail(_view: View) -> None:
        raise BrokenPipeError

    source = FakeSource([Opened(INFO)])
    with running(source, FakeSink(on_show=fail)) as ran, pytest.raises(BrokenPipeError):
        ran.ended()


def test_a_sink_that_cannot_be_opened_stops_the_run_at_the_start() -> None:
    class Closed(FakeSink):
        def open(self, commands: object) -> None:
            raise MachineLacks("port 80 is taken", do="take another")

    source = FakeSource()
    with running(source, Closed()) as ran, pytest.raises(MachineLacks, match="port 80"):
        ran.ended()


def test_a_hanging_engine_takes_the_label_from_the_screen() -> None:
    source, sink, gate = FakeSource(), FakeSink(), threading.Event()
    gate.set()
    model = FakeModel(gate=gate)
    with running(source, sink, model=model, options=LiveOptions(age_limit_ns=1_000 * MS)), Camera(source):
        sink.wait_for(ready)
        gate.clear()
        fault = sink.wait_for(lambda v: v.reading.reason is Reason.TOO_SLOW)
        assert fault.reading.label is None
        gate.set()
        sink.wait_for(lambda v: ready(v) and v.seq > fault.seq)
    assert model.closed


def test_unplugged_and_plugged_again_and_again_it_is_ready_each_time() -> None:
    source, sink = FakeSource(), FakeSink()
    with running(source, sink) as ran, Camera(source) as camera:
        seq = sink.wait_for(ready).seq
        for _ in range(10):
            camera.pull()
            seq = sink.wait_for(lambda v, after=seq: v.seq > after and v.reading.reason is Reason.UNPLUGGED).seq  # type: ignore[misc]
            camera.plug()
            seq = sink.wait_for(lambda v, after=seq: v.seq > after and ready(v)).seq  # type: ignore[misc]
        ran.live.stop()
        summary = ran.ended()
    assert summary.losses == 10
    assert adds_up(summary)


def test_freeze_comes_from_a_sink_and_keeps_the_picture_when_the_probe_is_pulled() -> None:
    source, sink = FakeSource(), FakeSink()
    with running(source, sink), Camera(source) as camera:
        sink.wait_for(ready)
        assert sink.commands is not None
        sink.commands(Command.TOGGLE)
        frozen = sink.wait_for(lambda v: v.reading.state is State.FROZEN)
        camera.pull()
        after = sink.wait_for(lambda v: v.reading.live_reason is Reason.UNPLUGGED)
        assert after.reading.label == frozen.reading.label
        assert after.pixels is frozen.pixels


def test_an_engine_that_fails_leaves_a_fault_and_a_living_picture() -> None:
    def die(_frame: Frame) -> ALook:
        raise BackendFault("the engine died", do="restart it")

    source, sink = FakeSource(), FakeSink()
    with running(source, sink, model=FakeModel(see=die)) as ran, Camera(source):
        fault = sink.wait_for(lambda v: v.reading.state is State.FAULT)
        assert fault.reading.do == "restart it"
        sink.wait_for(lambda v: v.seq > fault.seq + 5 and v.pixels is not None)
        ran.live.stop()
        summary = ran.ended()
    assert adds_up(summary)
    assert dict(summary.counts.dropped)["model failed"] >= 1


def test_a_model_that_cannot_be_opened_ends_the_run_with_its_error() -> None:
    source = FakeSource()
    with running(source, FakeSink(), model=MachineLacks("no engine")) as ran, pytest.raises(MachineLacks, match="no engine"):
        ran.ended()


def test_a_source_that_is_not_there_ends_the_run_with_its_error() -> None:
    source = FakeSource([Failed(SourceUnreachable("no such camera"))])
    with running(source, FakeSink()) as ran, pytest.raises(SourceUnreachable, match="no such camera"):
        ran.ended()


def test_a_fault_of_our_own_in_a_thread_ends_the_run_and_is_raised() -> None:
    def bug(_frame: Frame) -> ALook:
        raise ZeroDivisionError("a bug")

    source = FakeSource([Opened(INFO), Arrived(a_frame(0, time.monotonic_ns()))])
    with running(source, FakeSink(), model=FakeModel(see=bug)) as ran, pytest.raises(ZeroDivisionError):
        ran.ended()


def test_a_log_that_wants_every_view_gets_every_view() -> None:
    source, log = FakeSource(), FakeSink(every_view=True)
    with running(source, log) as ran, Camera(source):
        log.wait_for(lambda v: v.seq > 30)
        ran.live.stop()
        ran.ended()
    seqs = [v.seq for v in log.views]
    assert seqs == list(range(len(seqs)))


def test_repeated_frames_are_no_signal_by_the_real_liveness() -> None:
    source, sink = FakeSource([Opened(SourceInfo("fake:", "fake source", fps=50.0))]), FakeSink()
    stuck, over = a_frame(1), threading.Event()

    def repeat() -> None:
        index = 0
        while not over.wait(0.02):
            frame = a_frame(index, time.monotonic_ns())
            source.send(frame if index < 50 else Frame(stuck.pixels, frame.captured_ns, index, "fake source"))
            index += 1

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    with running(source, sink, liveness=lambda fps: RealLiveness(fps, 500 * MS), options=LiveOptions(age_limit_ns=1_000 * MS)):
        sink.wait_for(ready)
        gone = sink.wait_for(lambda v: v.reading.reason is Reason.FROZEN_PICTURE)
        assert gone.reading.label is None
        over.set()
    thread.join(5)
