"""Terminal and window: what they show, what they refuse before anything opens, and a terminal that is left as it was."""

import io
import os
import pty
import shutil
import subprocess
import sys
import termios
import threading
from pathlib import Path

import pytest
from rich.console import Console

from edge.errors import MachineLacks, UsageError
from edge.reading import State
from edge.sinks.blocks import large
from edge.sinks.console import ConsoleSink, screen_of
from edge.sinks.face import face
from edge.sinks.table import SINKS, open_sink, schemes
from edge.sinks.window import display_problem, gui_of
from tests.edge.sinks.around import Around
from tests.edge.sinks.views import MS, a_view


def text_of(state: State, columns: int = 100) -> str:
    out = io.StringIO()
    Console(file=out, width=columns, color_system=None, force_terminal=False).print(
        screen_of(face(a_view(state, rendered=True), 1_020 * MS), columns)
    )
    return out.getvalue()


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("columns", [40, 80, 140])
def test_the_screen_tells_every_state_without_colour_at_any_width(state: State, columns: int) -> None:
    text = text_of(state, columns)
    assert state.value in text
    assert "RESEARCH USE ONLY" in text
    assert "derm7 1.0.0" in text
    assert max(len(line) for line in text.splitlines()) <= columns


def test_ready_shows_label_code_confidence_and_the_second_class() -> None:
    text = text_of(State.READY)
    for words in ("Benign keratosis-like lesion", "83%", "or mel 12%", "RENDERED PHANTOM"):
        assert words in text


def test_without_a_terminal_there_is_one_line_for_each_change(around: Around) -> None:
    out = io.StringIO()
    sink = ConsoleSink(Console(file=out, width=200, force_terminal=False), around.world)
    sink.open(lambda _: None)
    for seq, state in enumerate((State.STARTING, State.READY, State.READY, State.NO_SIGNAL)):
        sink.show(a_view(state, seq=seq))
    sink.close()
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    assert "READY  Benign keratosis-like lesion (bkl) 83%" in lines[1]
    assert "NO SIGNAL  unplugged" in lines[2]
    assert all("RESEARCH USE ONLY" in line for line in lines)


def test_an_old_view_is_said_as_no_signal_and_not_as_its_label(around: Around) -> None:
    out = io.StringIO()
    sink = ConsoleSink(Console(file=out, width=200, force_terminal=False), around.world)
    sink.open(lambda _: None)
    around.now_ns = 1_501 * MS
    sink.show(a_view())
    assert "keratosis" not in out.getvalue()
    assert "NO SIGNAL" in out.getvalue()


def test_large_letters_fit_or_are_left_out() -> None:
    rows = large("NO SIGNAL", 6, 90)
    assert rows
    assert max(len(row) for row in rows) <= 90
    assert len(rows) <= 8
    assert large("a label that is far too long for large letters", 6, 40) == ()


KEYS_PROGRAM = """
import os, threading
from edge.sinks.table import Surroundings, open_sink
heard, done = [], threading.Event()
sink = open_sink("console:", Surroundings(request_stop=lambda why: done.set()))
sink.open(lambda command: heard.append(command.value))
os.write(2, b"listening\\n")
done.wait(20)
sink.close()
os.write(2, (",".join(heard) + "\\n").encode())
"""


def test_keys_freeze_and_quit_and_the_terminal_is_left_as_it_was() -> None:
    main_fd, their_fd = pty.openpty()
    before = termios.tcgetattr(their_fd)
    process = subprocess.Popen(
        [sys.executable, "-c", f"import os,fcntl,termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n{KEYS_PROGRAM}"],
        stdin=their_fd,
        stdout=their_fd,
        stderr=subprocess.PIPE,
    )
    threading.Thread(target=_drain, args=(main_fd,), daemon=True).start()
    assert process.stderr is not None
    assert process.stderr.readline() == b"listening\n"
    os.write(main_fd, b" aq")
    said = process.stderr.read()
    assert process.wait(20) == 0
    assert said.strip() == b"toggle,acknowledge"
    after = termios.tcgetattr(their_fd)
    assert after[3] == before[3]  # echo and line mode are back
    process.stderr.close()
    os.close(their_fd)


def _drain(fd: int) -> None:
    try:
        while os.read(fd, 4096):
            pass
    except OSError:
        return


QT = "  GUI:                           QT5\n    QT: YES\n"
NONE = "  GUI:                           NONE\n"


@pytest.mark.parametrize(
    ("environ", "gui", "word"),
    [
        ({}, "QT5", "DISPLAY"),
        ({"DISPLAY": ""}, "GTK3", "DISPLAY"),
        ({"DISPLAY": ":0"}, "NONE", "headless"),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "", "headless"),
    ],
)
def test_no_screen_and_the_headless_wheel_are_found_before_a_window_is_tried(environ: dict[str, str], gui: str, word: str) -> None:
    problem = display_problem(environ, gui, "linux")
    assert problem is not None
    assert word in problem


@pytest.mark.parametrize("environ", [{"DISPLAY": ":0"}, {"WAYLAND_DISPLAY": "wayland-0"}])
def test_with_a_screen_and_a_window_toolkit_nothing_is_wrong(environ: dict[str, str]) -> None:
    assert display_problem(environ, gui_of(QT), "linux") is None
    assert gui_of(NONE) == "NONE"


def test_window_without_a_screen_is_one_line_with_a_way_out(monkeypatch: pytest.MonkeyPatch, around: Around) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(MachineLacks) as refused:
        open_sink("window:", around.world)
    assert "web:" in refused.value.line()
    assert "\n" not in refused.value.line()


def test_a_display_that_does_not_answer_is_one_line_and_does_not_end_the_program(monkeypatch: pytest.MonkeyPatch, around: Around) -> None:
    monkeypatch.setenv("DISPLAY", "127.0.0.1:4093")  # nothing listens there: the toolkit itself would abort the process
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(MachineLacks, match=r"window: this|window: the screen"):
        open_sink("window:", around.world)


def test_the_window_opens_draws_and_closes_on_a_real_display(tmp_path: Path) -> None:
    xvfb = shutil.which("Xvfb")
    if xvfb is None:
        pytest.skip("no Xvfb on this machine: the window is not opened in this run")
    read_fd, write_fd = os.pipe()
    server = subprocess.Popen(
        [xvfb, "-displayfd", str(write_fd), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
        pass_fds=(write_fd,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write_fd)
    try:
        with os.fdopen(read_fd) as said:
            display = f":{said.readline().strip()}"
        ended = subprocess.run(
            [sys.executable, "-c", WINDOW_PROGRAM], env={**os.environ, "DISPLAY": display}, capture_output=True, timeout=60, check=False
        )
    finally:
        server.terminate()
        server.wait(10)
    assert ended.returncode == 0, ended.stderr.decode()
    assert b"drawn" in ended.stdout


WINDOW_PROGRAM = """
import threading, time
from dataclasses import replace
from edge.sinks.table import Surroundings, open_sink
from tests.edge.sinks.views import MS, a_view
asked = threading.Event()
def clock():
    asked.set()  # the window's thread asks for the time when it draws
    return 1_020 * MS
sink = open_sink("window:", Surroundings(clock_ns=clock))
sink.open(lambda _: None)
for seq in range(5):
    asked.clear()
    sink.show(a_view(seq=seq))
    assert asked.wait(20)
sink.close()
print("drawn")
"""


@pytest.mark.parametrize("uri", ["", "nothing", "mail:me", "console:x", "window:x", "web:host:port", "null:x", "jsonl:", "CONSOLE:"])
def test_a_sink_that_cannot_be_meant_is_a_usage_error_in_one_line(uri: str, around: Around) -> None:
    with pytest.raises(UsageError) as refused:
        open_sink(uri, around.world)
    assert "\n" not in refused.value.line()


def test_the_table_names_a_module_for_every_scheme_of_ours() -> None:
    folder = Path(__file__).parents[3] / "edge" / "sinks"
    for scheme in SINKS:
        assert (folder / (scheme.module.removeprefix("edge.sinks.").replace(".", "/") + ".py")).is_file()
    assert schemes()[:6] == tuple(s.scheme for s in SINKS)
