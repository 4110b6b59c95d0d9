"""The small parts of the live path: mailbox, ledger, meters, slowness, scene, outlets' words, tables."""

import dataclasses
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.aggregate import Verdict
from edge.frame import Frame
from edge.pipeline.health import MOVES, SIGNAL_STATES, Event, Health, Signal, move, state_of
from edge.pipeline.ledger import Cause, Ledger
from edge.pipeline.mailbox import Letter, Mailbox
from edge.pipeline.meter import AgeHistogram, Durations, Pace
from edge.pipeline.outlet import is_stale
from edge.pipeline.process_age import process_began_ns
from edge.pipeline.scene import SceneWatch
from edge.pipeline.signal_watch import SignalWatch
from edge.pipeline.slowness import Slowness
from edge.pipeline.states_page import states_page
from edge.pipeline.tally import Tally
from edge.pipeline.words import DO
from edge.reading import Reading, Reason, State, View
from tests.edge.pipeline.fakes import INFO, MS, S, a_frame


def test_the_mailbox_holds_the_newest_and_hands_back_what_it_replaced() -> None:
    box = Mailbox()
    first, second = Letter(a_frame(0), 1), Letter(a_frame(1), 1)
    assert box.put(first) is None
    assert box.put(second) is first
    assert box.take() is second
    assert box.empty() is None


def test_a_closed_mailbox_takes_nothing_and_wakes_its_reader() -> None:
    box, taken = Mailbox(), []
    reader = threading.Thread(target=lambda: taken.append(box.take()))
    reader.start()
    assert box.close() is None
    reader.join(5)
    assert taken == [None]
    letter = Letter(a_frame(0), 1)
    assert box.put(letter) is letter


def test_the_ledger_adds_up_at_every_moment_while_threads_move_frames() -> None:
    ledger, box = Ledger(), Mailbox()
    over = threading.Event()
    wrong: list[object] = []

    def watch() -> None:
        while not over.is_set():
            count = ledger.count()
            total = count.inferred + sum(n for _, n in count.dropped) + count.pending
            if count.captured != total or not 0 <= count.pending <= 3:  # at the writer, in the mailbox, at the reader
                wrong.append(count)

    def read() -> None:
        while box.take() is not None:
            ledger.infer()

    threads = [threading.Thread(target=watch), threading.Thread(target=read)]
    for thread in threads:
        thread.start()
    for i in range(2000):
        ledger.capture()
        if i % 5 == 0:
            ledger.drop(Cause.BLACK)
        elif box.put(Letter(a_frame(0), 1)) is not None:
            ledger.drop(Cause.REPLACED)
        if i % 100 == 0:
            ledger.skip("torn", 2)
    if box.close() is not None:
        ledger.drop(Cause.SHUTDOWN)
    over.set()
    for thread in threads:
        thread.join(5)
    assert not wrong
    count = ledger.count()
    assert (count.captured, count.pending) == (2040, 0)
    assert dict(count.dropped)["torn"] == 40


def test_pace_is_the_median_of_recent_gaps_and_the_nominal_only_until_then() -> None:
    pace = Pace(30.0)
    assert pace.period_ns() == pytest.approx(S / 30)
    for i in range(10):
        pace.feed(i * 100 * MS)
    assert pace.period_ns() == 100 * MS
    assert pace.fps(900 * MS) == pytest.approx(10)
    assert pace.fps(10 * S) is None
    assert Pace().period_ns() is None


def test_durations_leave_the_warm_up_out() -> None:
    durations = Durations(warm_up=2)
    for ms in (900, 900, 5, 6, 7):
        durations.feed(ms * MS)
    assert durations.quantile_ms(0.5) == 6
    assert Durations().quantile_ms(0.5) is None


@given(st.lists(st.integers(0, 1_900 * MS), min_size=1, max_size=200), st.floats(0.01, 0.99))
def test_the_age_histogram_is_right_to_its_bin(ages: list[int], q: float) -> None:
    histogram = AgeHistogram()
    for age in ages:
        histogram.feed(age)
    found = histogram.quantile_ms(q)
    exact = float(np.quantile(np.array(ages), q, method="inverted_cdf")) / MS
    assert found is not None
    assert exact <= found + 1e-9 <= exact + 0.25 + 1e-6


def test_too_slow_is_said_at_once_and_taken_back_only_after_calm() -> None:
    slow = Slowness(500 * MS)
    said = []
    for age_ms, p95_ms, looks, times in [
        (100, 200.0, 5, 1),
        (100, 240.0, 10, 1),  # 33 + 480 > 500
        (100, 225.0, 20, 5),  # 483: below the limit, not clearly
        (100, 200.0, 20, 4),
        (100, 200.0, 20, 1),
        (501, 10.0, 20, 1),
    ]:
        for _ in range(times):
            slow.looked(age_ms * MS, 33 * MS, p95_ms, looks)
        said.append(slow.is_slow)
    assert said == [False, True, True, True, False, True]


def test_every_signal_has_a_state_and_every_event_leads_somewhere() -> None:
    assert set(SIGNAL_STATES) == set(Signal)
    assert {event for _, event in MOVES} == set(Event)
    reached = {Signal.OPENING} | set(MOVES.values())
    assert reached == set(Signal)


def test_the_end_is_the_end() -> None:
    assert all(move(Signal.ENDED, event) is Signal.ENDED for event in Event)


def test_a_lost_signal_comes_back_only_by_opening() -> None:
    assert {event for event in Event if move(Signal.LOST, event) not in (Signal.LOST, Signal.ENDED)} == {Event.OPENED}
    assert move(Signal.LOST, Event.LIVING) is Signal.LOST


READY = Verdict(State.READY, None, 0, 0.9, (0,))


@pytest.mark.parametrize(
    ("health", "state", "reason"),
    [
        (Health(), State.STARTING, Reason.OPENING_MODEL),
        (Health(step=None), State.STARTING, Reason.OPENING_SOURCE),
        (Health(Signal.LIVE, None), State.STARTING, Reason.WARMING_UP),
        (Health(Signal.LIVE, None, verdict=READY), State.READY, None),
        (Health(Signal.LIVE, Reason.WARMING_UP, verdict=READY), State.STARTING, Reason.WARMING_UP),
        (Health(Signal.LIVE, None, was_lost=True), State.NO_SIGNAL, Reason.RECONNECTING),
        (Health(Signal.LIVE, None, fault=Reason.TOO_SLOW, verdict=READY), State.FAULT, Reason.TOO_SLOW),
        (Health(Signal.LOST, None, lost_why=Reason.DRIVER_CRASHED, verdict=READY), State.NO_SIGNAL, Reason.DRIVER_CRASHED),
        (Health(Signal.BLACK, Reason.OPENING_MODEL), State.NO_SIGNAL, Reason.BLACK),
        (Health(Signal.STALLED, None, verdict=READY), State.NO_SIGNAL, Reason.STALLED),
        (Health(Signal.ENDED, None, fault=Reason.MODEL_CANNOT_RUN), State.FAULT, Reason.MODEL_CANNOT_RUN),
    ],
)
def test_the_state_follows_precedence(health: Health, state: State, reason: Reason | None) -> None:
    assert state_of(health) == (state, reason)


@given(st.lists(st.sampled_from(list(Event)), max_size=30))
def test_ready_is_shown_only_while_the_signal_lives(events: list[Event]) -> None:
    signal = Signal.OPENING
    for event in events:
        signal = move(signal, event)
        state, _ = state_of(Health(signal, None, verdict=READY))
        assert (state is State.READY) == (signal is Signal.LIVE)


def test_the_page_of_states_is_drawn_from_the_tables(root: Path) -> None:
    assert (root / "docs/states.md").read_text() == states_page(), "run: python -m edge.pipeline.states_page > docs/states.md"


@pytest.mark.parametrize(("fps", "banner_ms"), [(60.0, 180), (30.0, 180), (15.0, 180), (10.0, 250), (5.0, 500), (1.0, 500)])
def test_silence_is_two_and_a_half_periods_but_never_longer_than_a_label_lives(fps: float, banner_ms: int) -> None:
    watch = SignalWatch(500 * MS)
    watch.opened(1, dataclasses.replace(INFO, fps=fps), 0)
    watch.arrived(1, 0, None, 0)
    said = []
    for at_ns in (banner_ms * MS - 1, banner_ms * MS + 1):
        watch.tick(at_ns)
        said.append(watch.signal)
    assert said == [Signal.LIVE, Signal.STALLED]


def test_a_frame_of_an_older_opening_is_no_sign_of_life() -> None:
    watch = SignalWatch(500 * MS)
    watch.opened(1, INFO, 0)
    watch.lost(Reason.UNPLUGGED, 0)
    watch.opened(2, INFO, 0)
    assert not watch.arrived(1, 0, None, 0)
    assert watch.signal is Signal.REOPENED


def test_a_source_that_opens_and_gives_nothing_is_stalled_after_three_seconds() -> None:
    watch = SignalWatch(500 * MS)
    watch.opened(1, INFO, 0)
    said = []
    for at_ns in (3 * S - 1, 3 * S):
        watch.tick(at_ns)
        said.append(watch.signal)
    assert said == [Signal.WAITING, Signal.STALLED]


def shifted(frame: Frame, by_px: int, at_ns: int, gain: float = 1.0) -> Frame:
    pixels = np.clip(np.roll(frame.pixels, by_px, axis=1).astype(np.float32) * gain, 0, 255).astype(np.uint8)
    return dataclasses.replace(frame, pixels=np.ascontiguousarray(pixels), captured_ns=at_ns)


def a_lesion(*, at: tuple[int, int], seed: int, captured_ns: int) -> Frame:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:240, 0:320]
    blob = np.exp(-(((x - at[0]) / 60) ** 2 + ((y - at[1]) / 40) ** 2))[..., None]
    skin, dark = np.array([210, 160, 140]), np.array([90, 50, 40])
    pixels = np.clip(skin + (dark - skin) * blob + rng.normal(0, 3, (240, 320, 3)), 0, 255).astype(np.uint8)
    return Frame(pixels, captured_ns, 0, "fake")


def test_another_scene_number_another_opening_and_another_size_are_a_cut() -> None:
    watch = SceneWatch()
    assert watch.is_cut(a_frame(0, 0), 1)
    assert not watch.is_cut(a_frame(1, 33 * MS), 1)
    assert watch.is_cut(a_frame(2, 66 * MS, scene=1), 1)
    assert watch.is_cut(a_frame(3, 99 * MS, scene=1), 2)


@pytest.mark.parametrize("gain", [0.7, 1.0, 1.2])
def test_a_moving_hand_and_a_changing_gain_are_no_cut(gain: float) -> None:
    watch, frame = SceneWatch(), a_lesion(at=(160, 120), seed=0, captured_ns=0)
    watch.is_cut(frame, 1)
    assert not watch.is_cut(shifted(frame, 10, 33 * MS, gain), 1)


def test_another_subject_between_two_frames_is_a_cut() -> None:
    watch = SceneWatch()
    watch.is_cut(a_lesion(at=(80, 80), seed=0, captured_ns=0), 1)
    assert watch.is_cut(a_lesion(at=(250, 180), seed=1, captured_ns=33 * MS), 1)


def a_view(state: State, *, label: str | None = None, scene_ns: int = 0, shown_ns: int = 0, frame: int = 0) -> View:
    return View(0, Reading(scene_ns, frame, state, label=label), None, shown_ns, 500 * MS)


def test_a_view_is_stale_only_as_a_label_past_its_age() -> None:
    assert not is_stale(a_view(State.READY, label="a"), 500 * MS)
    assert is_stale(a_view(State.READY, label="a"), 501 * MS)
    assert not is_stale(a_view(State.FROZEN, label="a"), 501 * MS)
    assert not is_stale(a_view(State.POOR_IMAGE), 501 * MS)


def test_the_tally_counts_flips_within_scenes_and_time_to_the_first_label() -> None:
    tally = Tally(started_ns=0)
    tally.feed(a_view(State.STARTING, shown_ns=0), 0, None)
    for shown_ms, state, label, scene, began_ms in [
        (100, State.STARTING, None, 1, 90),
        (400, State.READY, "a", 1, 90),
        (500, State.UNSURE, None, 1, 90),
        (600, State.READY, "b", 1, 90),
        (1000, State.STARTING, None, 2, 1000),
        (1300, State.READY, "a", 2, 1000),
    ]:
        tally.feed(a_view(state, label=label, shown_ns=shown_ms * MS), scene, began_ms * MS)
    scenes = tally.scenes(2000 * MS)
    assert (scenes.scenes, scenes.labelled, scenes.flips) == (2, 2, 1)
    assert scenes.median_s == pytest.approx(0.31)
    assert tally.first_label_s() == pytest.approx(0.4)
    states = dict(tally.states(2000 * MS))
    assert states[State.READY] == pytest.approx((100 + 400 + 700) / 1900)
    assert sum(states.values()) == pytest.approx(1)


def test_reasons_that_a_person_can_mend_say_how() -> None:
    nothing_to_do = {
        Reason.RECONNECTING,
        Reason.ENDED,
        Reason.OPENING_MODEL,
        Reason.BUILDING_ENGINE,
        Reason.WARMING_UP,
        Reason.OPENING_SOURCE,
        Reason.SETTLING,
    }
    assert set(DO) == set(Reason) - nothing_to_do


def test_the_process_began_before_now_and_an_unreadable_record_is_unknown(tmp_path: Path) -> None:
    import time

    began = process_began_ns()
    if began is not None:
        assert began < time.monotonic_ns()
    assert process_began_ns(tmp_path / "absent") is None
    (tmp_path / "stat").write_text("1 (a) b) S 1")
    assert process_began_ns(tmp_path / "stat") is None
