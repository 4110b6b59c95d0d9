"""What the screen says, and when: the conductor under an injected clock. No thread, no waiting."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import BackendFault, InputRefused, MachineLacks, PartialInput, SonodermError, SourceUnreachable
from edge.frame import Frame
from edge.model.fault import ModelFault
from edge.pipeline import events as ev
from edge.pipeline.conductor import Conductor
from edge.pipeline.ledger import Count
from edge.pipeline.options import LiveOptions, Speaker, speaker_of
from edge.reading import Command, Reading, Reason, State, View
from edge.sources.lost import SourceLost
from tests.edge.pipeline.fakes import INFO, MS, ALook, FakeModel, S, a_frame, judged, look_at

SPEAKER = speaker_of(FakeModel())
NOTHING = Count(0, 0, 0, ())
PERIOD_NS = S // 30
LOOK_NS = 8 * MS


class Stage:
    """A conductor with a clock in the test's hand. Time goes on in ticks of at most 20 ms, as in the loop."""

    def __init__(self, options: LiveOptions | None = None, *, opened: bool = True, model: bool = True) -> None:
        self.now_ns = 1000 * S
        self.conductor = Conductor(options or LiveOptions(), "fake:")
        self.views: list[View] = []
        self.said: list[str] = []
        self.finish: ev.Finish | None = None
        self.restarts = 0
        self.index = 0
        self.opening = 0
        self.pending = 0
        self._do(self.conductor.start(self.now_ns))
        if opened:
            self.open()
        if model:
            self.hear(ev.ModelOpened(SPEAKER))

    def _do(self, actions: list[ev.Action]) -> None:
        for action in actions:
            assert self.finish is None, "nothing is said after the end"
            if isinstance(action, ev.Show):
                self.views.append(action.view)
            elif isinstance(action, ev.Say):
                self.said.append(action.text)
            elif isinstance(action, ev.Finish):
                self.finish = action
            else:
                self.restarts += 1

    def hear(self, event: ev.Event) -> None:
        self._do(self.conductor.handle(event, self.now_ns, replace(NOTHING, pending=self.pending)))

    def wait(self, duration_ns: int) -> None:
        end_ns = self.now_ns + duration_ns
        while self.now_ns < end_ns and self.finish is None:
            self.now_ns = min(end_ns, self.now_ns + 20 * MS)
            self._do(self.conductor.tick(self.now_ns, replace(NOTHING, pending=self.pending)))

    def open(self) -> None:
        self.opening += 1
        self.hear(ev.SourceOpened(self.opening, INFO))

    def frame(self, *, dead: Reason | None = None, scene: int = 0, rendered: bool = False) -> Frame:
        frame = a_frame(self.index, self.now_ns, scene=scene, rendered=rendered)
        self.index += 1
        self.hear(ev.Arrived(self.opening, frame, dead))
        return frame

    def look(self, frame: Frame, look: ALook | None = None, *, cut: bool = False, took_ns: int = LOOK_NS) -> None:
        self.hear(ev.LookBegan(self.opening, frame, cut))
        self.wait(took_ns)
        self.hear(ev.Looked(self.opening, frame, look or look_at(), cut, took_ns))

    def play(self, seconds: float, look: ALook | None = None, *, scene: int = 0, cut: bool = False) -> None:
        """A living source and a fast model, 30 frames a second."""
        for _ in range(round(seconds * 30)):
            self.look(self.frame(scene=scene), look, cut=cut)
            cut = False
            self.wait(PERIOD_NS - LOOK_NS)

    def now(self) -> Reading:
        """What is on the screen (a method, so that no reader takes it for something that stays)."""
        return self.views[-1].reading

    def notes(self) -> tuple[str, ...]:
        model = self.now().model
        return () if model is None else model.notes

    def end(self) -> ev.Finish | None:
        return self.finish

    def states_since(self, seq: int) -> list[State]:
        return [v.reading.state for v in self.views if v.seq >= seq]


def test_the_screen_starts_by_saying_what_it_waits_for() -> None:
    stage = Stage(opened=False, model=False)
    assert (stage.now().state, stage.now().reason) == (State.STARTING, Reason.OPENING_MODEL)
    stage.hear(ev.ModelStep(Reason.BUILDING_ENGINE))
    assert stage.now().reason is Reason.BUILDING_ENGINE
    stage.hear(ev.ModelOpened(SPEAKER))
    assert stage.now().reason is Reason.OPENING_SOURCE
    stage.open()
    stage.frame()
    assert stage.now().reason is Reason.WARMING_UP


def test_the_picture_is_live_while_the_model_still_opens() -> None:
    stage = Stage(model=False)
    first, second = stage.frame(), stage.frame()
    assert [v.reading.frame for v in stage.views[-2:]] == [first.index, second.index]
    assert stage.views[-1].pixels is second.pixels
    assert stage.now().state is State.STARTING


def test_a_label_comes_after_settling_with_its_picture() -> None:
    stage = Stage()
    stage.play(1)
    view = stage.views[-1]
    assert (view.reading.state, view.reading.label, view.reading.label_name) == (State.READY, "mel", "Melanoma")
    assert view.reading.model == SPEAKER.identity
    assert sum(p for _, p in view.reading.probabilities) == pytest.approx(1, abs=1e-5)
    ready = next(v for v in stage.views if v.reading.state is State.READY)
    assert State.STARTING in {v.reading.state for v in stage.views if v.seq < ready.seq}


def test_every_look_is_one_view_and_every_view_has_the_next_number() -> None:
    stage = Stage()
    stage.play(1)
    assert [v.seq for v in stage.views] == list(range(len(stage.views)))
    ready = [v.reading.frame or 0 for v in stage.views if v.reading.state is State.READY]
    assert ready == sorted(set(ready))
    assert len(ready) > 20


def test_silence_becomes_a_banner_within_a_quarter_of_a_second_and_takes_label_and_picture() -> None:
    stage = Stage()
    stage.play(1)
    last_good_ns = stage.views[-1].reading.captured_ns
    stage.wait(S // 2)
    view = stage.views[-1]
    assert (view.reading.state, view.reading.reason, view.reading.label, view.pixels) == (State.NO_SIGNAL, Reason.STALLED, None, None)
    assert last_good_ns is not None
    assert view.shown_ns - last_good_ns <= 230 * MS


@pytest.mark.parametrize(("dead", "reason"), [(Reason.BLACK, Reason.BLACK), (Reason.FROZEN_PICTURE, Reason.FROZEN_PICTURE)])
def test_no_label_stands_on_a_dead_picture(dead: Reason, reason: Reason) -> None:
    stage = Stage()
    stage.play(1)
    stage.frame(dead=dead)
    assert (stage.now().state, stage.now().reason, stage.now().label) == (State.NO_SIGNAL, reason, None)
    for _ in range(30):
        stage.wait(PERIOD_NS)
        stage.frame(dead=dead)
    assert stage.now().reason is reason


def test_a_lost_source_says_why_until_a_fresh_verdict_is_there() -> None:
    stage = Stage()
    stage.play(1)
    stage.hear(ev.SourceLost(Reason.UNPLUGGED, "gone"))
    assert (stage.now().state, stage.now().reason) == (State.NO_SIGNAL, Reason.UNPLUGGED)
    assert any("gone" in text for text in stage.said)
    seq = stage.views[-1].seq
    stage.wait(S)
    stage.open()
    assert stage.now().reason is Reason.RECONNECTING
    frame = stage.frame()
    assert stage.now().reason is Reason.RECONNECTING, "a fresh frame alone is no recovery"
    stage.look(frame, cut=True)
    assert stage.now().state is State.STARTING
    stage.play(0.5)
    assert stage.now().state is State.READY
    assert State.READY not in stage.states_since(seq)[:3]


def test_a_look_from_before_the_loss_says_nothing_after_it() -> None:
    stage = Stage()
    stage.play(1)
    late = stage.frame()
    stage.hear(ev.LookBegan(stage.opening, late, False))
    old_opening = stage.opening
    stage.hear(ev.SourceLost(Reason.DRIVER_CRASHED, "crash"))
    stage.open()
    stage.frame()
    stage.hear(ev.Looked(old_opening, late, look_at(), False, LOOK_NS))
    assert (stage.now().state, stage.now().label) == (State.NO_SIGNAL, None)


def test_a_short_stall_comes_back_without_settling_anew() -> None:
    stage = Stage()
    stage.play(1)
    stage.wait(240 * MS)
    assert stage.now().reason is Reason.STALLED
    stage.look(stage.frame())
    assert stage.now().state is State.READY


def test_a_label_is_gone_at_its_age_limit_even_while_the_engine_hangs() -> None:
    stage = Stage()
    stage.play(1)
    stuck = stage.frame()
    stage.hear(ev.LookBegan(stage.opening, stuck, False))
    captured_ns = stage.views[-1].reading.captured_ns
    assert captured_ns is not None
    for _ in range(30):  # the source goes on
        stage.wait(PERIOD_NS)
        stage.frame()
    gone = next(v for v in stage.views if v.reading.state is State.FAULT)
    assert gone.reading.reason is Reason.TOO_SLOW
    assert gone.shown_ns - captured_ns <= 520 * MS
    assert all(v.shown_ns - (v.reading.captured_ns or 0) <= 500 * MS for v in stage.views if v.reading.state is State.READY)
    assert stage.views[-1].reading.frame == stage.index - 1, "the picture goes on under FAULT"


def test_after_a_hang_the_label_is_back_once_looks_are_in_time() -> None:
    stage = Stage()
    stage.play(1)
    stuck = stage.frame()
    stage.hear(ev.LookBegan(stage.opening, stuck, False))
    for _ in range(20):
        stage.wait(PERIOD_NS)
        stage.frame()
    stage.hear(ev.Looked(stage.opening, stuck, look_at(), False, 700 * MS))
    assert stage.now().state is State.FAULT
    stage.play(1)
    assert stage.now().state is State.READY


def test_a_machine_that_is_too_slow_says_so_and_shows_no_label() -> None:
    stage = Stage()
    for _ in range(30):
        frame = stage.frame()
        stage.hear(ev.LookBegan(stage.opening, frame, False))
        for _ in range(9):
            stage.wait(PERIOD_NS)
            stage.frame()
        stage.hear(ev.Looked(stage.opening, frame, look_at(), False, 300 * MS))
    assert (stage.now().state, stage.now().reason) == (State.FAULT, Reason.TOO_SLOW)
    assert stage.now().do


def test_a_model_slower_than_the_frame_period_still_labels() -> None:
    stage = Stage()
    for _ in range(30):
        frame = stage.frame()
        stage.hear(ev.LookBegan(stage.opening, frame, False))
        for _ in range(3):
            stage.wait(PERIOD_NS)
            stage.frame()
        stage.hear(ev.Looked(stage.opening, frame, look_at(), False, 100 * MS))
    assert stage.now().state is State.READY


def test_a_failing_engine_is_a_fault_with_words_and_the_picture_goes_on() -> None:
    stage = Stage()
    stage.play(1)
    stage.hear(ev.ModelFailed(BackendFault("the engine died", do="restart the device"), opening=False))
    assert (stage.now().state, stage.now().reason, stage.now().do) == (State.FAULT, Reason.MODEL_CANNOT_RUN, "restart the device")
    frame = stage.frame()
    assert stage.views[-1].pixels is frame.pixels
    assert stage.end() is None


def test_a_form_never_proven_here_is_a_fault_that_says_so() -> None:
    stage = Stage(model=False)
    stage.hear(ev.ModelFailed(ModelFault(Reason.FORM_UNPROVEN, "never proven", do="sonoderm check --accept"), opening=True))
    assert (stage.now().state, stage.now().reason) == (State.FAULT, Reason.FORM_UNPROVEN)
    assert stage.end() is None


def test_a_model_that_cannot_be_opened_ends_the_run() -> None:
    stage = Stage(model=False)
    error = MachineLacks("openvino is missing")
    stage.hear(ev.ModelFailed(error, opening=True))
    assert stage.end() == ev.Finish(ev.Stop.FAILED, error)


def test_a_source_that_cannot_be_reached_at_start_ends_the_run() -> None:
    stage = Stage(opened=False)
    error = SourceUnreachable("no such camera")
    stage.hear(ev.SourceEnded(error))
    stage.wait(40 * MS)
    assert stage.end() == ev.Finish(ev.Stop.FAILED, error)


def test_exit_on_loss_ends_the_run_with_the_loss() -> None:
    stage = Stage(LiveOptions(exit_on_loss=True))
    stage.play(0.5)
    stage.hear(ev.SourceLost(Reason.UNPLUGGED, "pulled"))
    finish = stage.end()
    assert finish is not None
    assert finish.why is ev.Stop.LOST
    assert isinstance(finish.error, SourceUnreachable)
    assert stage.now().state is State.NO_SIGNAL


def test_the_last_frames_of_a_clip_still_speak_before_the_end() -> None:
    stage = Stage()
    stage.play(1)
    last = stage.frame()
    stage.pending = 1
    stage.hear(ev.LookBegan(stage.opening, last, False))
    stage.hear(ev.SourceEnded())
    stage.wait(60 * MS)
    assert stage.end() is None
    stage.pending = 0
    stage.hear(ev.Looked(stage.opening, last, look_at(), False, LOOK_NS))
    assert stage.now().frame == last.index
    stage.wait(40 * MS)
    assert stage.end() == ev.Finish(ev.Stop.ENDED)
    assert (stage.now().state, stage.now().reason) == (State.NO_SIGNAL, Reason.ENDED)


def test_a_poor_picture_says_what_to_do() -> None:
    stage = Stage()
    stage.play(1)
    stage.look(stage.frame(), ALook(quality=Reason.NO_CONTACT))
    assert (stage.now().state, stage.now().reason, stage.now().label) == (State.POOR_IMAGE, Reason.NO_CONTACT, None)
    assert stage.now().do == "more gel or more pressure"
    assert stage.now().probabilities == ()


def test_a_blur_that_is_borne_keeps_the_capture_time_of_the_last_good_picture() -> None:
    stage = Stage()
    stage.play(1)
    good = stage.now()
    blurred = stage.frame()
    stage.look(blurred, ALook(quality=Reason.MOVING))
    assert (stage.now().state, stage.now().frame) == (State.READY, blurred.index)
    assert stage.now().captured_ns == good.captured_ns


def test_a_new_scene_takes_the_label_before_the_model_has_seen_it() -> None:
    stage = Stage()
    stage.play(1, scene=1)
    frame = stage.frame(scene=2)
    assert (stage.now().state, stage.now().reason, stage.now().label) == (State.STARTING, Reason.SETTLING, None)
    assert stage.views[-1].pixels is frame.pixels


def test_a_cut_found_by_looking_takes_the_label_before_the_look_is_done() -> None:
    stage = Stage()
    stage.play(1)
    frame = stage.frame()
    stage.hear(ev.LookBegan(stage.opening, frame, cut=True))
    assert (stage.now().state, stage.now().label) == (State.STARTING, None)


def test_a_late_look_at_the_old_scene_brings_no_label_back() -> None:
    stage = Stage()
    stage.play(1, scene=1)
    old = stage.frame(scene=1)
    stage.hear(ev.LookBegan(stage.opening, old, False))
    stage.wait(30 * MS)
    stage.frame(scene=2)
    stage.hear(ev.Looked(stage.opening, old, look_at(), False, 60 * MS))
    assert stage.now().label is None


def test_frozen_keeps_picture_label_and_its_own_time_and_says_the_live_state_beside_it() -> None:
    stage = Stage()
    stage.play(1)
    seen = stage.views[-1]
    stage.wait(10 * MS)
    stage.hear(ev.Commanded(Command.FREEZE, 1_700_000_000.0))
    frozen = stage.views[-1]
    assert (frozen.reading.state, frozen.reading.label, frozen.reading.frame) == (State.FROZEN, "mel", seen.reading.frame)
    assert frozen.pixels is seen.pixels
    assert frozen.reading.captured_ns == seen.reading.captured_ns
    assert frozen.reading.frozen_at is not None
    assert "T" in frozen.reading.frozen_at
    stage.hear(ev.SourceLost(Reason.UNPLUGGED, "pulled"))
    after = stage.views[-1]
    assert (after.reading.state, after.reading.label, after.reading.live_state) == (State.FROZEN, "mel", State.NO_SIGNAL)
    assert after.reading.live_reason is Reason.UNPLUGGED
    assert after.pixels is seen.pixels
    stage.wait(5 * S)
    assert (stage.now().state, stage.now().label) == (State.FROZEN, "mel")


def test_resume_goes_back_to_the_live_state_and_settles_anew() -> None:
    stage = Stage()
    stage.play(1)
    stage.hear(ev.Commanded(Command.TOGGLE, 0.0))
    stage.play(1)
    assert (stage.now().state, stage.now().live_state) == (State.FROZEN, State.READY)
    stage.hear(ev.Commanded(Command.TOGGLE, 0.0))
    assert (stage.now().state, stage.now().label) == (State.STARTING, None)
    stage.play(0.5)
    assert stage.now().state is State.READY


def test_there_is_nothing_to_freeze_without_a_picture() -> None:
    stage = Stage()
    stage.hear(ev.Commanded(Command.FREEZE, 0.0))
    assert stage.now().state is State.STARTING


def test_freezing_twice_or_resuming_what_is_live_changes_nothing() -> None:
    stage = Stage()
    stage.play(1)
    stage.hear(ev.Commanded(Command.RESUME, 0.0))
    assert stage.now().state is State.READY
    stage.hear(ev.Commanded(Command.FREEZE, 0.0))
    kept = stage.views[-1]
    stage.wait(300 * MS)
    stage.hear(ev.Commanded(Command.FREEZE, 99.0))
    assert stage.now().frozen_at == kept.reading.frozen_at


def test_a_fault_lies_over_a_frozen_picture() -> None:
    stage = Stage()
    stage.play(1)
    stage.hear(ev.Commanded(Command.FREEZE, 0.0))
    stage.hear(ev.ModelFailed(BackendFault("dead"), opening=False))
    assert stage.now().state is State.FAULT


def test_the_clip_ends_but_a_frozen_picture_is_still_looked_at() -> None:
    stage = Stage()
    stage.play(1)
    stage.hear(ev.Commanded(Command.FREEZE, 0.0))
    stage.hear(ev.SourceEnded())
    stage.wait(5 * S)
    assert stage.end() is None
    assert (stage.now().state, stage.now().live_state, stage.now().live_reason) == (State.FROZEN, State.NO_SIGNAL, Reason.ENDED)
    stage.hear(ev.Commanded(Command.RESUME, 0.0))
    stage.wait(40 * MS)
    assert stage.end() == ev.Finish(ev.Stop.ENDED)


def test_a_picture_that_repeats_for_long_is_opened_anew_with_growing_patience() -> None:
    stage = Stage()
    stage.play(1)
    for _ in range(30 * 16):
        stage.frame(dead=Reason.FROZEN_PICTURE)
        stage.wait(PERIOD_NS)
    assert stage.restarts == 2  # after 5 s, and after 10 s more


def test_a_rendered_picture_is_marked_on_every_view_that_shows_it() -> None:
    stage = Stage()
    for _ in range(20):
        stage.look(stage.frame(rendered=True))
        stage.wait(PERIOD_NS)
    assert all(v.rendered for v in stage.views if v.pixels is not None)


def test_a_slow_sink_is_named_on_every_view() -> None:
    stage = Stage()
    stage.play(1)
    stage.hear(ev.Noted(("sink web: is slow",)))
    assert stage.notes() == ("sink web: is slow",)
    assert stage.now().state is State.READY


def test_a_run_of_given_length_ends_by_itself() -> None:
    stage = Stage(LiveOptions(seconds=1.0))
    stage.play(0.5)
    assert stage.end() is None
    stage.wait(S)
    assert stage.end() == ev.Finish(ev.Stop.SECONDS)


MOVES = st.sampled_from(
    ["frame", "dead", "black", "poor", "far", "lost", "open", "freeze", "resume", "hang", "wait", "late", "cut", "other"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(MOVES, st.integers(1, 700)), max_size=60))
def test_whatever_happens_no_live_label_is_older_than_its_limit_or_without_a_living_source(moves: list[tuple[str, int]]) -> None:
    stage = Stage()
    held: Frame | None = None
    signal_gone = False
    for what, ms in moves:
        label = stage.index % 2 if what == "other" else 0
        match what:
            case "frame" | "other":
                stage.look(stage.frame(), look_at(label), took_ns=min(ms, 40) * MS)
            case "dead" | "black":
                stage.frame(dead=Reason.FROZEN_PICTURE if what == "dead" else Reason.BLACK)
                assert stage.now().label is None or stage.now().state is State.FROZEN
            case "poor":
                stage.look(stage.frame(), ALook(quality=Reason.MOVING))
            case "far":
                stage.look(stage.frame(), ALook(judgement=judged(0.9, 0.05, 0.05, in_scope=False)))
            case "lost":
                stage.hear(ev.SourceLost(Reason.UNPLUGGED, "x"))
            case "open":
                stage.open()
            case "freeze" | "resume":
                stage.hear(ev.Commanded(Command.FREEZE if what == "freeze" else Command.RESUME, 0.0))
            case "hang":
                held = stage.frame()
                stage.hear(ev.LookBegan(stage.opening, held, False))
            case "late":
                if held is not None:
                    stage.hear(ev.Looked(stage.opening, held, look_at(), False, ms * MS))
            case "cut":
                stage.look(stage.frame(), cut=True)
            case _:
                stage.wait(ms * MS)
        signal_gone = what in ("dead", "black", "lost") or (signal_gone and what in ("freeze", "resume", "late", "wait"))
        if signal_gone:
            assert stage.now().state in (State.NO_SIGNAL, State.FROZEN)
        # What is on the screen now is the last view: no live label past its age, at any tick.
        if stage.now().state is State.READY:
            assert stage.now_ns - (stage.now().captured_ns or 0) <= 520 * MS
            assert stage.views[-1].pixels is not None
        assert (stage.now().label is not None) <= (stage.now().state in (State.READY, State.FROZEN))


def test_the_model_speaks_under_its_own_name() -> None:
    other = Speaker(replace(SPEAKER.identity, notes=("no scope check",)), SPEAKER.labels, SPEAKER.policy)
    stage = Stage(model=False)
    stage.hear(ev.ModelOpened(other))
    stage.play(0.5)
    assert stage.notes() == ("no scope check",)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (InputRefused("clip.mp4: no such file"), Reason.NOT_OPENED),
        (SourceLost("url:…: no answer", reason=Reason.STALLED), Reason.STALLED),
        (SourceLost("camera 0 is not there", reason=Reason.UNPLUGGED), Reason.UNPLUGGED),
    ],
)
def test_a_source_that_never_opened_did_not_end(error: SonodermError, reason: Reason) -> None:
    stage = Stage(opened=False)
    stage.hear(ev.SourceEnded(error))
    stage.wait(40 * MS)
    assert stage.end() == ev.Finish(ev.Stop.FAILED, error)
    assert (stage.now().state, stage.now().reason) == (State.NO_SIGNAL, reason)


def test_a_clip_that_breaks_off_after_good_pictures_has_ended() -> None:
    stage = Stage()
    stage.play(0.5)
    stage.hear(ev.SourceEnded(PartialInput("clip.mp4: partial")))
    stage.wait(5 * S)
    assert (stage.now().state, stage.now().reason) == (State.NO_SIGNAL, Reason.ENDED)
