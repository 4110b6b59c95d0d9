"""jsonl: never in the way, its loss counted in the file itself; save: whole files or none."""

import json
import os
import stat
import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import MachineLacks, UsageError
from edge.reading import Reason, State
from edge.sinks.jsonl import BUFFER_LINES, JsonlSink
from edge.sinks.save import keep
from edge.sinks.table import open_sink
from tests.edge.sinks.around import Around
from tests.edge.sinks.views import READY, a_view


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def nobody(_command: object) -> None:
    """No command is given."""


def test_a_line_for_each_new_reading_and_none_for_the_same_again(tmp_path: Path, around: Around) -> None:
    sink = open_sink(f"jsonl:{tmp_path / 'a.jsonl'}", around.world)
    sink.open(nobody)
    for seq, state in enumerate((State.STARTING, State.READY, State.READY, State.NO_SIGNAL)):
        sink.show(a_view(state, seq=seq))
    sink.close()
    written = lines_of(tmp_path / "a.jsonl")
    assert [line["state"] for line in written] == ["STARTING", "READY", "NO SIGNAL"]
    assert all("lost" not in line for line in written)


def test_an_existing_file_is_continued_also_after_a_torn_line(tmp_path: Path, around: Around) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"v":1}\n{"v":1,"t_ns":12')
    sink = open_sink(f"jsonl:{path}", around.world)
    sink.open(nobody)
    sink.show(a_view())
    sink.close()
    rows = path.read_bytes().split(b"\n")
    assert rows[:2] == [b'{"v":1}', b'{"v":1,"t_ns":12']
    assert json.loads(rows[2])["label"] == "bkl"


def test_views_that_never_came_are_counted_in_the_next_line(tmp_path: Path, around: Around) -> None:
    path = tmp_path / "a.jsonl"
    sink = open_sink(f"jsonl:{path}", around.world)
    sink.open(nobody)
    sink.show(a_view(seq=4))
    sink.show(a_view(State.UNSURE, seq=9))
    sink.close()
    assert [line.get("lost") for line in lines_of(path)] == [None, 4]


def test_a_reader_that_stands_still_costs_lines_and_not_the_loop(tmp_path: Path, around: Around) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    sink = open_sink(f"jsonl:{pipe}", around.world)
    sink.open(nobody)
    total = BUFFER_LINES + 500
    for seq in range(total):
        sink.show(a_view(seq=seq) if seq % 2 else a_view(State.UNSURE, seq=seq))
    got = bytearray()
    done = threading.Event()

    def read() -> None:
        os.set_blocking(reader, True)
        while part := os.read(reader, 65536):
            got.extend(part)
        done.set()

    threading.Thread(target=read, daemon=True).start()
    sink.close()
    assert done.wait(10)
    os.close(reader)
    written = [json.loads(line) for line in bytes(got).splitlines()]
    lost = sum(line.get("lost", 0) for line in written)
    assert lost > 0
    assert sum(line["state"] is not None for line in written) + lost == total


def test_a_reader_that_leaves_asks_for_a_quiet_end(around: Around) -> None:
    read_fd, write_fd = os.pipe()
    stopped = threading.Event()
    world = replace(around.world, request_stop=lambda why: (around.stops.append(why), stopped.set()))
    sink = JsonlSink("jsonl:-", os.fdopen(write_fd, "wb", buffering=0), world)
    os.close(read_fd)
    sink.open(nobody)
    sink.show(a_view())
    assert stopped.wait(5)
    sink.close()
    assert around.stops == ["the reader of jsonl:- is gone"]
    assert around.said == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_said_once_and_the_run_goes_on(around: Around) -> None:
    sink = open_sink("jsonl:/dev/full", around.world)
    sink.open(nobody)
    for seq in range(6):
        sink.show(a_view(State.READY if seq % 2 else State.UNSURE, seq=seq))
    sink.close()
    assert len(around.said) == 1
    assert "No space left" in around.said[0]
    assert around.stops == []


@pytest.mark.parametrize(("uri", "kind"), [("jsonl:", UsageError), ("jsonl:/no/such/folder/a.jsonl", MachineLacks), ("save:", UsageError)])
def test_what_cannot_be_written_is_refused_before_anything_opens(uri: str, kind: type[Exception], around: Around) -> None:
    with pytest.raises(kind):
        open_sink(uri, around.world)


def test_a_named_pipe_without_a_reader_is_refused_and_does_not_hang(tmp_path: Path, around: Around) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(MachineLacks):
        open_sink(f"jsonl:{tmp_path / 'pipe'}", around.world)


def test_each_frozen_view_is_kept_once_as_picture_screen_and_line(tmp_path: Path, around: Around) -> None:
    folder = tmp_path / "kept"
    sink = open_sink(f"save:{folder}", around.world)
    sink.open(nobody)
    view = a_view(State.FROZEN)
    for seq in range(3):
        sink.show(replace(view, seq=seq))
    sink.show(a_view(State.READY, seq=4))
    assert sorted(path.name for path in folder.iterdir()) == [
        "20260301-120000-1840.json",
        "20260301-120000-1840.picture.png",
        "20260301-120000-1840.screen.png",
    ]
    kept = cv2.imread(str(folder / "20260301-120000-1840.picture.png"))
    assert view.pixels is not None
    assert np.array_equal(kept[:, :, ::-1], view.pixels)
    assert json.loads((folder / "20260301-120000-1840.json").read_text())["label"] == "bkl"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_name_that_is_taken_is_never_overwritten(tmp_path: Path) -> None:
    first, second = keep(tmp_path, "a", "json", b"one"), keep(tmp_path, "a", "json", b"two")
    assert (first.read_bytes(), second.read_bytes()) == (b"one", b"two")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-1.json", "a.json"]


def test_null_takes_everything_and_does_nothing(around: Around) -> None:
    sink = open_sink("null:", around.world)
    sink.open(nobody)
    sink.show(a_view(replace(READY, state=State.NO_SIGNAL, reason=Reason.BLACK).state))
    sink.close()
    with pytest.raises(UsageError):
        open_sink("null:x", around.world)
