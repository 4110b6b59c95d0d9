"""Another model is taken only when no picture is judged, or when a person says so; nothing of the old one is said afterwards."""

import threading
import time
from collections.abc import Callable

import pytest

from edge.model.fault import ModelFault
from edge.pipeline import events as ev
from edge.pipeline.conductor import NO_COUNT, Conductor
from edge.pipeline.live import LiveRun
from edge.pipeline.mailbox import Letter, Mailbox
from edge.pipeline.options import LiveOptions, speaker_of
from edge.reading import Command, Reason, State
from edge.sources.events import Opened
from tests.edge.pipeline.fakes import INFO, MS, AliveAlways, ALook, FakeModel, FakeSink, FakeSource, S, a_frame, look_at

PERIOD_NS = 33 * MS


class Stage:
    """A conductor with a living source and model 1, which says label 0."""

    def __init__(self) -> None:
        self.conductor, self.now_ns, self.index = Conductor(LiveOptions(), "fake:"), 0, 0
        self.actions: list[ev.Action] = self.conductor.start(0)
        self.hear(ev.SourceOpened(1, INFO))
        self.hear(ev.ModelOpened(speaker_of(FakeModel())))

    def hear(self, event: ev.Event) -> None:
        self.actions += self.conductor.handle(event, self.now_ns, NO_COUNT)

    def look(self, times: int = 1, *, model: int = 1, label: int = 0) -> None:
        for _ in range(times):
            self.now_ns += PERIOD_NS
            frame = a_frame(self.index, self.now_ns)
            self.index += 1
            self.hear(ev.Arrived(1, frame, None))
            self.hear(ev.LookBegan(1, frame, self.index == 1, model))
            self.hear(ev.Looked(1, frame, look_at(label), self.index == 1, 5 * MS, model))

    def passes(self, ns: int) -> None:
        until_ns = self.now_ns + ns
        while self.now_ns < until_ns:
            self.now_ns += 20 * MS
            self.actions += self.conductor.tick(self.now_ns, NO_COUNT)

    @property
    def swaps(self) -> int:
        return sum(isinstance(action, ev.Swap) for action in self.actions)

    @property
    def shown(self) -> ev.Show:
        return [action for action in self.actions if isinstance(action, ev.Show)][-1]

    @property
    def state(self) -> tuple[State, Reason | None]:
        return self.shown.view.reading.state, self.shown.view.reading.reason


@pytest.fixture
def stage() -> Stage:
    """Labels on the screen, and a model that waits."""
    made = Stage()
    made.look(60)
    assert made.state[0] is State.READY
    made.hear(ev.ModelNews(True, ("version 8 waits",)))
    return made


def test_a_model_that_waits_is_named_and_not_taken_under_the_probe(stage: Stage) -> None:
    stage.look(60)
    assert stage.swaps == 0
    assert stage.state[0] is State.READY
    identity = stage.shown.view.reading.model
    assert identity is not None
    assert "version 8 waits" in identity.notes


def test_it_is_taken_when_the_signal_is_gone_and_its_first_label_needs_new_evidence(stage: Stage) -> None:
    stage.passes(1 * S)
    gone = stage.state
    stage.look(2, model=1)
    opening = stage.state
    stage.hear(ev.ModelOpened(speaker_of(FakeModel()), 2))
    stage.look(1, model=2, label=1)
    settling = stage.state
    stage.look(60, model=2, label=1)
    assert [gone, opening, settling] == [
        (State.NO_SIGNAL, Reason.STALLED),
        (State.STARTING, Reason.OPENING_MODEL),
        (State.STARTING, Reason.SETTLING),  # whatever evidence the old model had gathered
    ]
    assert (stage.shown.view.reading.label, stage.swaps) == ("nv", 1)


def test_it_is_taken_at_once_when_a_person_acknowledges_it(stage: Stage) -> None:
    stage.hear(ev.Commanded(Command.ACKNOWLEDGE, 0.0))
    assert stage.swaps == 1
    assert stage.state == (State.STARTING, Reason.OPENING_MODEL)
    stage.hear(ev.Commanded(Command.ACKNOWLEDGE, 0.0))
    assert stage.swaps == 1


def test_an_acknowledgement_without_a_waiting_model_changes_nothing() -> None:
    stage = Stage()
    stage.look(60)
    stage.hear(ev.Commanded(Command.ACKNOWLEDGE, 0.0))
    assert (stage.swaps, stage.state[0]) == (0, State.READY)


def test_late_words_of_the_model_that_was_given_up_change_nothing(stage: Stage) -> None:
    stage.hear(ev.Commanded(Command.ACKNOWLEDGE, 0.0))
    stage.hear(ev.ModelNews(True, (), 1))
    stage.hear(ev.ModelOpened(speaker_of(FakeModel()), 1))
    stage.look(5, model=1)
    assert stage.state == (State.STARTING, Reason.OPENING_MODEL)
    stage.passes(1 * S)
    assert stage.swaps == 1


def test_a_model_that_cannot_run_gives_way_to_the_next_also_under_the_probe() -> None:
    stage = Stage()
    stage.look(60)
    stage.hear(ev.ModelFailed(ModelFault(Reason.MODEL_CANNOT_RUN, "no", do="wait"), opening=False))
    assert stage.state == (State.FAULT, Reason.MODEL_CANNOT_RUN)
    stage.hear(ev.ModelNews(True))
    assert stage.swaps == 1
    assert stage.state == (State.STARTING, Reason.OPENING_MODEL)


def test_a_frozen_picture_stays_while_another_model_is_taken(stage: Stage) -> None:
    stage.hear(ev.Commanded(Command.FREEZE, 0.0))
    stage.passes(1 * S)
    assert stage.swaps == 1
    reading = stage.shown.view.reading
    assert (reading.state, reading.label, reading.live_state) == (State.FROZEN, "mel", State.NO_SIGNAL)


def test_a_reader_that_is_called_away_gets_no_letter_until_it_has_answered() -> None:
    mailbox = Mailbox()
    mailbox.put(Letter(a_frame(), 1))
    mailbox.call_away()
    assert mailbox.take() is None
    assert mailbox.await_call()
    assert mailbox.take() is not None
    mailbox.close()
    assert not mailbox.await_call()


class FakeKeeper:
    """Opens one fake model after the other; a second one waits from the start."""

    def __init__(self, models: list[FakeModel]) -> None:
        self.models, self.opened = models, 0
        self.heard: list[State] = []
        self.end: BaseException | str | None = None

    def open(self, step: Callable[[Reason], None], /) -> FakeModel:
        self.opened += 1
        return self.models[self.opened - 1]

    def heed(self, state: State, reason: Reason | None) -> None:
        self.heard.append(state)

    def watch(self, tell: Callable[[ev.Event], None], is_over: threading.Event) -> None:
        tell(ev.ModelNews(True))
        is_over.wait(30)

    def crashed(self, error: BaseException) -> None:
        self.end = error

    def ended(self) -> None:
        self.end = "ended"


def a_run(keeper: FakeKeeper, source: FakeSource) -> LiveRun:
    return LiveRun(source, lambda fps: AliveAlways(), keeper.open, uri="fake:", options=LiveOptions(seconds=0.5), keeper=keeper)


def test_the_run_closes_the_old_model_opens_the_new_one_and_tells_its_end() -> None:
    keeper = FakeKeeper([FakeModel(), FakeModel()])
    a_run(keeper, FakeSource([Opened(INFO)])).run([FakeSink()])
    assert keeper.opened == 2
    assert all(model.closed for model in keeper.models)
    assert State.STARTING in keeper.heard
    assert keeper.end == "ended"


def test_a_crash_of_the_run_is_told_to_the_keeper_before_it_is_raised() -> None:
    def breaks(_: object) -> ALook:
        raise ZeroDivisionError("of the model")

    keeper, source = FakeKeeper([FakeModel(see=breaks), FakeModel(see=breaks)]), FakeSource([Opened(INFO)])
    source.send(a_frame(0, time.monotonic_ns()))
    with pytest.raises(ZeroDivisionError):
        a_run(keeper, source).run([FakeSink()])
    assert isinstance(keeper.end, ZeroDivisionError)
