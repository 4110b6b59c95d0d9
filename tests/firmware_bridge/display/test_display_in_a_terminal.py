import io
import os
import pty
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from edge.reading import Command, Reading, Reason, State
from firmware_bridge.display.codes import COMMANDS, REASONS, STATE_IDS, STATES
from firmware_bridge.display.dotfont import dots, wrap
from firmware_bridge.display.receiver import Receiver, Screen
from firmware_bridge.display.show import headline_of, line_of, panel_of
from firmware_bridge.display.sink import make
from tests.firmware_bridge.display.link_builders import MS, Joined, a_bare, a_frozen, a_ready, a_statement
from tests.firmware_bridge.display.test_the_sink_on_a_port import Around, a_live_view


def a_screen(*readings: Reading, rendered: bool = False) -> Screen:
    link = Joined()
    for reading in readings:
        link.sender.say(a_statement(reading, rendered=rendered))
        link.run(link.now_ns + 120 * MS)
    return link.receiver.screen(link.now_ns // MS)


def text_of(screen: Screen, columns: int = 100) -> str:
    out = io.StringIO()
    Console(file=out, width=columns, force_terminal=False).print(panel_of(screen, columns))
    return out.getvalue()


def test_every_face_says_research_use_only_whatever_it_shows() -> None:
    screens = [
        Receiver(1).screen(0),
        a_screen(a_ready()),
        a_screen(a_frozen()),
        a_screen(a_ready(), rendered=True),
        *(a_screen(a_bare(state)) for state in State if state not in (State.READY, State.FROZEN)),
    ]
    for screen in screens:
        assert "RESEARCH USE ONLY" in text_of(screen)
        assert line_of(screen).startswith("RESEARCH USE ONLY")


@pytest.mark.parametrize(
    ("readings", "line"),
    [
        ((a_ready(fits=("mel", "nv")),), "RESEARCH USE ONLY | READY | Melanoma | mel  83% | or nv"),
        ((a_ready(confidence=0.998),), "RESEARCH USE ONLY | READY | Melanoma | mel  99%"),
        ((a_bare(State.POOR_IMAGE, Reason.MOVING),), "RESEARCH USE ONLY | POOR IMAGE | moving"),
        ((a_frozen(),), "RESEARCH USE ONLY | FROZEN | Melanoma | mel  83% | FROZEN 0 s ago | live: NO SIGNAL, unplugged"),
    ],
)
def test_lines(readings: tuple[Reading, ...], line: str) -> None:
    assert line_of(a_screen(*readings)) == line


def test_without_a_link_it_says_stale_and_no_label() -> None:
    link = Joined()
    link.sender.say(a_statement(a_ready()))
    link.run(100 * MS)
    screen = link.receiver.screen(link.now_ns // MS + 300)
    assert (headline_of(screen), screen.label) == ("STALE", None)
    assert "Melanoma" not in text_of(screen) + line_of(screen)


def test_a_phantom_is_called_a_phantom() -> None:
    assert "RENDERED PHANTOM" in text_of(a_screen(a_ready(), rendered=True))


@given(st.integers(20, 200))
def test_a_face_never_grows_wider_than_the_terminal(columns: int) -> None:
    assert all(len(line) <= columns for line in text_of(a_screen(a_ready(label="bcc")), columns).splitlines())


def test_large_letters_are_four_lines_high_and_every_state_has_them() -> None:
    for state in State:
        assert len(dots(state.value)) == 4
    assert dots("Ж") == ()
    assert list(wrap("BASAL CELL CARCINOMA", 80)) == ["BASAL CELL", "CARCINOMA"]
    assert list(wrap("OTORHINOLARYNGOLOGY", 60)) == []


def test_every_state_reason_and_command_has_one_number_for_ever() -> None:
    assert set(STATES) == set(State)
    assert len(STATES) == len(STATE_IDS) == 8
    assert sorted(REASONS) == list(range(1, len(Reason) + 1))
    assert set(REASONS.values()) == set(Reason)
    assert set(COMMANDS.values()) == set(Command)


def test_the_command_names_its_port_and_shows_what_comes_also_where_its_terminal_is_of_another_session() -> None:
    master, terminal = pty.openpty()
    line = "from firmware_bridge.commands import app; app()"
    command = [sys.executable, "-c", line, "display", "--seconds", "30"]
    with subprocess.Popen(
        command, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stderr is not None
        assert running.stdout is not None
        said, before = running.stderr.readline(), running.stdout.readline()
        port = next(word for word in said.split() if word.startswith("/dev/")).rstrip(":")
        sink = make(port, Around(time.monotonic_ns))
        sink.open(lambda _: None)
        sink.show(a_live_view())
        lines: list[str] = []
        while not lines or "Melanoma" not in lines[-1]:
            lines.append(running.stdout.readline())
            assert lines[-1]
        sink.close()
        running.terminate()
    os.close(master)
    os.close(terminal)
    assert before == "RESEARCH USE ONLY | STALE | no link, or nothing true to show\n"
    assert os.path.basename(port) in said
