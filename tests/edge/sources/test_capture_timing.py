"""The rules of time at a source, pure: pace, patience, back-off, the age of a stream's picture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.sources.pace import Pacer, repeats
from edge.sources.reconnect import Life, Patience, delay_ns, is_hung
from edge.sources.stream_clock import StreamClock

MS = 1_000_000
S = 1000 * MS


def test_a_picture_is_due_at_its_own_time_after_the_first() -> None:
    pacer = Pacer()
    assert pacer.due_ns(5.0, 100 * S) == 100 * S
    assert pacer.due_ns(5.2, 100 * S) == 100 * S + 200 * MS
    assert pacer.due_ns(5.23, 100 * S + 220 * MS) == 100 * S + 230 * MS


def test_a_picture_late_by_a_frame_is_shown_and_one_later_still_is_passed_over() -> None:
    for late_ms, is_shown in ((0, True), (39, True), (40, True), (41, False), (400, False)):
        pacer = Pacer()
        pacer.due_ns(0.0, 0)
        assert (pacer.due_ns(0.04, (40 + late_ms) * MS) is not None) is is_shown, late_ms


def test_a_machine_too_slow_to_decode_still_shows_pictures() -> None:
    pacer, shown = Pacer(), 0
    for n in range(100):  # each picture takes three periods
        shown += pacer.due_ns(n * 0.04, n * 120 * MS) is not None
    assert shown >= 20


@given(st.lists(st.floats(0, 1e6), max_size=40), st.integers(0, 10**15))
def test_no_clip_time_makes_the_pacer_wait_into_the_past_or_for_ever(times_s: list[float], start_ns: int) -> None:
    pacer = Pacer()
    first = times_s[0] if times_s else 0.0
    for time_s in times_s:
        due_ns = pacer.due_ns(time_s, start_ns)
        assert due_ns is None or due_ns - start_ns <= (max(times_s) - min(first, *times_s)) * 1e9 + 1


@pytest.mark.parametrize(("stands_ms", "again"), [(33, 0), (199, 0), (200, 0), (201, 1), (250, 1), (251, 2), (1000, 9)])
def test_a_picture_that_stands_is_shown_again_at_ten_a_second(stands_ms: int, again: int) -> None:
    moments = repeats(0, stands_ms * MS)
    assert len(moments) == again
    assert all(late - early == 100 * MS for early, late in zip((0, *moments), moments, strict=False))
    assert all(moment < stands_ms * MS for moment in moments)


def test_the_wait_doubles_from_a_tenth_of_a_second_to_one() -> None:
    assert [delay_ns(n) // MS for n in (0, 1, 2, 3, 4, 5, 6, 60, 10**9)] == [0, 100, 200, 400, 800, 1000, 1000, 1000, 1000]


PATIENCE = Patience(open_ns=8 * S, first_frame_ns=4 * S, silence_ns=1 * S, silence_periods=4)


@pytest.mark.parametrize(("waited_ms", "hung"), [(0, False), (7999, False), (8000, False), (8001, True)])
def test_a_driver_that_does_not_open_is_hung_after_eight_seconds(waited_ms: int, hung: bool) -> None:
    assert is_hung(Life(started_ns=5 * S), 5 * S + waited_ms * MS, PATIENCE) is hung


@pytest.mark.parametrize(("waited_ms", "hung"), [(3999, False), (4000, False), (4001, True)])
def test_a_driver_that_opens_and_delivers_nothing_is_hung_after_four_seconds(waited_ms: int, hung: bool) -> None:
    assert is_hung(Life(started_ns=0).opened(5 * S, 30), 5 * S + waited_ms * MS, PATIENCE) is hung


@pytest.mark.parametrize(
    ("fps", "waited_ms", "hung"),
    [(30, 999, False), (30, 1000, False), (30, 1001, True), (2, 1999, False), (2, 2000, False), (2, 2001, True)],
)
def test_silence_is_hung_after_a_second_or_four_periods(fps: int, waited_ms: int, hung: bool) -> None:
    life, now_ns = Life(started_ns=0).opened(1 * S, fps), 2 * S
    for _ in range(20):
        now_ns += S // fps
        life = life.arrived(now_ns)
    assert is_hung(life, now_ns + waited_ms * MS, PATIENCE) is hung


def test_a_source_slower_than_it_says_is_not_killed_for_it() -> None:
    life, now_ns = Life(started_ns=0).opened(0, 30), 0
    for _ in range(10):
        now_ns += 900 * MS
        assert not is_hung(life, now_ns, PATIENCE)
        life = life.arrived(now_ns)
    assert not is_hung(life, now_ns + 2 * S, PATIENCE)


def test_earlier_failures_are_forgotten_after_two_good_seconds() -> None:
    life = Life(started_ns=0).opened(0, 30).arrived(1 * S)
    assert [life.settled(1 * S + waited * MS) for waited in (0, 1999, 2000)] == [False, False, True]
    assert not Life(started_ns=0).opened(0, 30).settled(10 * S)


def test_a_steady_stream_is_as_old_as_its_way() -> None:
    clock = StreamClock()
    for n in range(100):
        arrived = 50 * S + n * 40 * MS
        assert clock.captured_ns(n * 0.04, arrived, waited=True) == pytest.approx(arrived, abs=MS)


def test_a_backlog_is_as_old_as_it_is_although_it_arrives_now() -> None:
    clock = StreamClock()
    for n in range(25):
        clock.captured_ns(n * 0.04, n * 40 * MS, waited=True)
    stalled_until = 3 * S
    ages = [stalled_until - clock.captured_ns(n * 0.04, stalled_until, waited=n == 25) for n in range(25, 75)]
    assert ages[0] == pytest.approx(2 * S, abs=5 * MS)
    assert ages[-1] == pytest.approx(40 * MS, abs=5 * MS)
    assert clock.keeps_time


def test_a_new_time_line_begins_anew() -> None:
    clock = StreamClock()
    clock.captured_ns(1000.0, 0, waited=True)
    assert clock.captured_ns(0.0, 1 * S, waited=True) == 1 * S
    assert clock.captured_ns(5000.0, 2 * S, waited=True) == 2 * S


def test_a_camera_that_does_not_keep_its_own_rate_is_believed_by_arrival() -> None:
    clock, now_ns = StreamClock(), 0
    for n in range(100):  # 25 a second on paper, 15 in fact
        now_ns = n * 66 * MS
        captured_ns = clock.captured_ns(n * 0.04, now_ns, waited=True)
    assert not clock.keeps_time
    assert captured_ns == now_ns


def test_a_machine_that_cannot_keep_up_does_not_make_old_pictures_new() -> None:
    clock = StreamClock()
    for n in range(200):  # decoding takes longer than the period: the reader never waits
        captured_ns = clock.captured_ns(n * 0.04, n * 66 * MS, waited=False)
    assert 199 * 66 * MS - captured_ns > 4 * S


@given(st.lists(st.tuples(st.floats(-1e6, 1e9), st.integers(0, 10**9), st.booleans()), max_size=50))
def test_no_time_stamp_puts_a_capture_after_its_arrival(pairs: list[tuple[float, int, bool]]) -> None:
    clock, now_ns = StreamClock(), 0
    for pts_s, gap_ns, waited in pairs:
        now_ns += gap_ns
        assert clock.captured_ns(pts_s, now_ns, waited=waited) <= now_ns
