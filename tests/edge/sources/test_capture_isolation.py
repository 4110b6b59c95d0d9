"""One source in a process of its own: whatever the driver does, the receiver is told, and never waits."""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.errors import InputRefused, PartialInput, SourceUnreachable, UsageError
from edge.reading import Reason
from edge.sources.events import Arrived, Ended, Event, Failed, Lost, Opened, Skipped
from edge.sources.isolate import IsolatedSource
from tests.clips import BLUE, RED, a_clip, index_first
from tests.fake_driver import World, install, read_stamp

LONG_S = 30.0  # a limit for a broken machine, not an expectation


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.syspath_prepend(install(tmp_path / "site"))
    return World(tmp_path / "world")


def events(source: IsolatedSource, within_s: float = LONG_S) -> Iterator[Event]:
    """Events until the source is over."""
    deadline = time.monotonic() + within_s
    while not source.is_over and time.monotonic() < deadline:
        event = source.next_event(0.1)
        if event is not None:
            yield event


def first(source: IsolatedSource, kind: type[Event]) -> Event:
    return next(event for event in events(source) if isinstance(event, kind))


def test_frames_arrive_with_their_own_pixels_and_the_time_of_their_capture(world: World) -> None:
    with IsolatedSource(world.uri) as source:
        source.start()
        opened = first(source, Opened)
        assert isinstance(opened, Opened)
        assert opened.info.name == "fake camera"
        frames = []
        for event in events(source):
            if isinstance(event, Arrived):
                frames.append(event.frame)
                assert event.frame.captured_ns == read_stamp(event.frame.pixels)
                assert time.monotonic_ns() - event.frame.captured_ns >= 0
            if len(frames) == 10:
                break
        assert [frame.captured_ns for frame in frames] == sorted({frame.captured_ns for frame in frames})
        before = frames[0].pixels.copy()
        for _ in range(6):
            first(source, Arrived)
        np.testing.assert_array_equal(frames[0].pixels, before)


@pytest.mark.parametrize(
    ("habit", "words"),
    [("crash", "code 3 (fake: about to leave)"), ("segv", "SIGSEGV"), ("raise", "ZeroDivisionError: fake: a driver's own mistake")],
)
def test_a_driver_that_crashes_is_lost_with_its_last_words(habit: str, words: str, world: World, capfd: pytest.CaptureFixture[str]) -> None:
    with IsolatedSource(world.uri) as source:
        source.start()
        first(source, Arrived)
        world.set(habit)
        lost = list(events(source))[-1]
        assert isinstance(lost, Lost)
        assert lost.reason is Reason.DRIVER_CRASHED
        assert words in lost.text
        assert source.is_over
        assert source.next_event(5.0) is None
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("habit", ["hang", "hang-gil", "stall"])
def test_a_driver_that_hangs_costs_the_receiver_its_time_out_and_is_ended_at_once(habit: str, world: World) -> None:
    with IsolatedSource(world.uri) as source:
        source.start()
        first(source, Arrived)
        world.set(habit)
        while source.next_event(0.3) is not None:
            pass
        began = time.monotonic()
        assert source.next_event(0.05) is None
        source.kill(grace_s=0)
        assert time.monotonic() - began < 2.0
        assert source.next_event(1.0) is None
        assert source.is_over
        assert source.pid is not None
        assert not Path(f"/proc/{source.pid}").exists()


def test_an_unplugged_source_says_so_and_its_process_is_gone(world: World) -> None:
    with IsolatedSource(world.uri) as source:
        source.start()
        first(source, Arrived)
        world.set("gone")
        assert list(events(source))[-1] == Lost(Reason.UNPLUGGED, "fake: unplugged")
        assert not Path(f"/proc/{source.pid}").exists()


@pytest.mark.parametrize(("habit", "kind"), [("gone", SourceUnreachable), ("refuse", InputRefused)])
def test_a_source_that_never_opens_fails_with_the_error_it_is(habit: str, kind: type[Exception], world: World) -> None:
    world.set(habit)
    with IsolatedSource(world.uri) as source:
        source.start()
        (failed,) = events(source)
        assert isinstance(failed, Failed)
        assert type(failed.error) is kind


def test_a_changed_resolution_only_makes_a_new_ring(world: World) -> None:
    with IsolatedSource(world.uri) as source:
        source.start()
        first(source, Arrived)
        for habit, shape in (("resize", (600, 800, 3)), ("ok", (480, 640, 3)), ("resize", (600, 800, 3))):
            world.set(habit)
            assert any(isinstance(event, Arrived) and event.frame.pixels.shape == shape for event in events(source))


def test_incomplete_pictures_are_counted_by_cause(world: World) -> None:
    world.set("torn")
    with IsolatedSource(world.uri) as source:
        source.start()
        skipped = first(source, Skipped)
        assert skipped == Skipped("torn", 1)


def test_a_receiver_that_does_not_listen_loses_frames_by_count_and_gets_the_newest(world: World) -> None:
    with IsolatedSource(world.uri.replace("fps=30", "fps=240")) as source:
        source.start()
        first(source, Arrived)
        threading.Event().wait(0.5)  # a receiver that is busy elsewhere
        counted, last = 0, None
        for event in events(source):
            if isinstance(event, Skipped):
                counted += event.count
            elif isinstance(event, Arrived):
                last = event.frame
                if counted and time.monotonic_ns() - last.captured_ns < 100_000_000:
                    break
        assert counted > 20
        assert last is not None
        assert last.captured_ns == read_stamp(last.pixels)
        assert last.index > counted


def test_a_clip_plays_at_its_own_pace_to_its_end_and_every_frame_is_accounted_for(tmp_path: Path) -> None:
    path = a_clip(tmp_path / "a.mp4", fps=20, colours=(RED, BLUE) * 10)
    with IsolatedSource(f"file:{path}") as source:
        source.start()
        seen = list(events(source))
    frames = [event.frame for event in seen if isinstance(event, Arrived)]
    skipped = sum(event.count for event in seen if isinstance(event, Skipped))
    assert isinstance(seen[0], Opened)
    assert isinstance(seen[-1], Ended)
    assert len(frames) + skipped == 20
    for early, late in itertools.pairwise(frames):
        assert early.time_s is not None
        assert late.time_s is not None
        assert late.captured_ns - frames[0].captured_ns >= (late.time_s - frames[0].time_s) * 1e9 - 1e6  # type: ignore[operator]


def test_a_clip_slower_than_five_fps_is_shown_again_as_stills(tmp_path: Path) -> None:
    path = a_clip(tmp_path / "a.mp4", fps=2, colours=(RED, BLUE))
    with IsolatedSource(f"file:{path}") as source:
        source.start()
        frames = [event.frame for event in events(source) if isinstance(event, Arrived)]
    assert len(frames) >= 6
    assert all(frame.still for frame in frames if frame.time_s == 0.0)
    assert [frame.index for frame in frames] == sorted({frame.index for frame in frames})


def test_a_cut_clip_ends_as_partial_after_its_good_frames(tmp_path: Path) -> None:
    whole = index_first(a_clip(tmp_path / "a.mp4", fps=100, colours=(RED, BLUE) * 20).read_bytes())
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 80 // 100])
    with IsolatedSource(f"file:{tmp_path / 'cut.mp4'}") as source:
        source.start()
        seen = list(events(source))
    assert sum(isinstance(event, Arrived) for event in seen) > 3
    assert isinstance(seen[-1], Failed)
    assert isinstance(seen[-1].error, PartialInput)


def test_an_unknown_option_is_wrong_usage_before_any_process_starts(world: World) -> None:
    with pytest.raises(UsageError, match="speed"):
        IsolatedSource(f"fake:{world.path}?speed=9")


_PARENT = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what it puts in the background deaf to it
sys.path.insert(0, sys.argv[1])
from edge.sources.isolate import IsolatedSource
from edge.sources.events import Arrived
source = IsolatedSource(sys.argv[2])
source.start()
while not isinstance(source.next_event(1.0), Arrived):
    pass
print(source.pid, flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("habit", ["ok", "hang", "hang-gil"])
def test_the_capture_process_dies_with_its_parent_even_while_the_driver_hangs(habit: str, world: World, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PARENT, str(tmp_path / "site"), world.uri]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        world.set(habit)
        threading.Event().wait(0.2)  # the driver looks at its world before each picture
        parent.kill()
        parent.wait()
        deadline = time.monotonic() + LONG_S
        while _is_running(child) and time.monotonic() < deadline:
            threading.Event().wait(0.02)
        assert not _is_running(child)


def test_ctrl_c_is_the_parents_business_alone(world: World, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PARENT, str(tmp_path / "site"), world.uri]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stderr is not None
        child = int(parent.stdout.readline())
        assert os.getpgid(child) != os.getpgid(parent.pid)
        os.killpg(parent.pid, signal.SIGINT)
        parent.wait(LONG_S)
        assert parent.stderr.read().count("Traceback") == 1  # its own KeyboardInterrupt, nothing of the capture process


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
