"""A driver that hangs when it is opened anew is given the time that it usually takes, not the patience for an unknown one."""

from hypothesis import given
from hypothesis import strategies as st

from edge.sources.reconnect import FIRST_DELAY_NS, Life, Patience, is_hung, restart_ns

MS = 1_000_000


def a_life_that_brought_frames(after_ms: int) -> Life:
    return Life(started_ns=0).opened(after_ms * MS // 2, 30).arrived(after_ms * MS)


def test_a_source_that_was_there_at_once_is_not_waited_for_seconds_again() -> None:
    patience = Patience().learned(a_life_that_brought_frames(200))
    assert not is_hung(Life(started_ns=0), 999 * MS, patience)
    assert is_hung(Life(started_ns=0), 1001 * MS, patience)


def test_a_slow_source_keeps_its_time() -> None:
    patience = Patience().learned(a_life_that_brought_frames(1500))
    assert not is_hung(Life(started_ns=0), 5900 * MS, patience)
    assert is_hung(Life(started_ns=0), 6100 * MS, patience)


def test_a_life_without_frames_teaches_nothing() -> None:
    assert Patience().learned(Life(started_ns=0).opened(5, 30)) == Patience()


@given(after_ms=st.integers(0, 20_000))
def test_patience_never_grows(after_ms: int) -> None:
    learned, given_ = Patience().learned(a_life_that_brought_frames(after_ms)), Patience()
    assert learned.open_ns <= given_.open_ns
    assert learned.first_frame_ns <= given_.first_frame_ns


@given(failures=st.integers(1, 40), lasted_ms=st.integers(0, 10_000))
def test_the_wait_counts_from_the_start_of_the_life_and_is_never_none(failures: int, lasted_ms: int) -> None:
    now_ns = lasted_ms * MS
    wait_ns = restart_ns(Life(started_ns=0), failures, now_ns) - now_ns
    assert FIRST_DELAY_NS <= wait_ns <= 1_000 * MS
    if lasted_ms >= 1_000:
        assert wait_ns == FIRST_DELAY_NS
