"""A source that comes back by itself."""

import threading
import time
from pathlib import Path

import pytest

from edge.errors import InputRefused, SourceUnreachable
from edge.reading import Reason
from edge.sources.events import Arrived, Ended, Event, Failed, Lost, Opened
from edge.sources.live import LiveSource
from edge.sources.reconnect import Patience
from tests.clips import a_clip
from tests.fake_driver import World, install

LONG_S = 40.0


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.syspath_prepend(install(tmp_path / "site"))
    return World(tmp_path / "world")


def until(source: LiveSource, kind: type[Event]) -> Event:
    """The next event of that kind."""
    deadline = time.monotonic() + LONG_S
    while time.monotonic() < deadline:
        event = source.next_event(0.1)
        if isinstance(event, kind):
            return event
        assert not source.is_over, event
    raise AssertionError(f"no {kind.__name__} within {LONG_S} s")


def test_five_rounds_of_unplug_and_replug_end_in_new_frames(world: World) -> None:
    with LiveSource(world.uri) as source:
        source.start()
        until(source, Arrived)
        for _ in range(5):
            world.set("gone")
            lost = until(source, Lost)
            assert isinstance(lost, Lost)
            assert lost.reason is Reason.UNPLUGGED
            assert not source.is_open
            assert source.next_event(0.15) is None
            world.set("ok")
            until(source, Opened)
            back = until(source, Arrived)
            assert isinstance(back, Arrived)
            assert back.frame.index <= 1


@pytest.mark.parametrize(("habit", "reason"), [("crash", Reason.DRIVER_CRASHED), ("hang", Reason.STALLED), ("stall", Reason.STALLED)])
def test_a_driver_that_crashes_or_hangs_is_replaced(habit: str, reason: Reason, world: World) -> None:
    with LiveSource(world.uri) as source:
        source.start()
        until(source, Arrived)
        before = source.pid
        world.set(habit)
        lost = until(source, Lost)
        assert isinstance(lost, Lost)
        assert lost.reason is reason
        assert not Path(f"/proc/{before}").exists()
        world.set("ok")
        until(source, Arrived)
        assert source.pid != before


def test_a_driver_that_hangs_while_it_opens_is_given_up_also_on_a_reconnect(world: World) -> None:
    with LiveSource(world.uri, patience=Patience(open_ns=6_000_000_000)) as source:
        source.start()
        until(source, Arrived)
        world.set("gone")
        until(source, Lost)
        world.set("hang-open")
        lost = until(source, Lost)
        assert isinstance(lost, Lost)
        assert lost.reason is Reason.STALLED
        world.set("ok")
        until(source, Arrived)


def test_one_that_cannot_be_reached_at_the_first_attempt_fails(world: World) -> None:
    world.set("gone")
    with LiveSource(world.uri) as source:
        source.start()
        failed = source.next_event(LONG_S)
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, SourceUnreachable)
        assert failed.error.exit_code == 4
        assert source.is_over


def test_an_input_that_turns_out_to_be_refused_is_not_tried_again(world: World) -> None:
    with LiveSource(world.uri) as source:
        source.start()
        until(source, Arrived)
        world.set("gone")
        until(source, Lost)
        world.set("refuse")
        failed = until(source, Failed)
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, InputRefused)


def test_waiting_for_a_source_costs_little_and_starts_no_process_each_time(world: World) -> None:
    with LiveSource(world.uri) as source:
        source.start()
        until(source, Arrived)
        world.set("gone")
        until(source, Lost)
        until_pid = time.monotonic() + LONG_S
        while source._current is None or source._current.attempts == 0:
            assert source.next_event(0.05) is None
            assert time.monotonic() < until_pid
        pid, attempts, spent = source.pid, source._current.attempts, _cpu_ticks(source.pid)
        assert source.next_event(2.0) is None
        assert source.pid == pid
        assert 1 <= source._current.attempts - attempts <= 8
        assert _cpu_ticks(pid) - spent <= 20  # of 100 a second


def test_restart_opens_anew_from_another_thread(world: World) -> None:
    world.set("repeat")
    with LiveSource(world.uri) as source:
        source.start()
        until(source, Arrived)
        before = source.pid
        threading.Thread(target=source.restart).start()
        until(source, Opened)
        assert source.pid != before


def test_kill_from_another_thread_ends_a_waiting_receiver(world: World) -> None:
    with LiveSource(world.uri) as source:
        source.start()
        until(source, Arrived)
        world.set("hang")
        killer = threading.Thread(target=source.kill)
        killer.start()
        began = time.monotonic()
        while not source.is_over:
            source.next_event(5.0)
        killer.join()
        assert time.monotonic() - began < 5.0
        assert source.next_event(1.0) is None


def test_the_end_of_a_clip_is_no_loss(tmp_path: Path) -> None:
    with LiveSource(f"file:{a_clip(tmp_path / 'a.mp4', fps=50)}") as source:
        source.start()
        until(source, Arrived)
        assert until(source, Ended) == Ended()
        assert source.is_over


def _cpu_ticks(pid: int | None) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
