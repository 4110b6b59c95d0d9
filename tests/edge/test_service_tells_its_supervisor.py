import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.service import Pulse

S = 1_000_000_000


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


def heard(supervisor: socket.socket) -> list[str]:
    said = []
    while True:
        try:
            said.append(supervisor.recv(100).decode())
        except BlockingIOError:
            return said


def a_pulse(supervisor: socket.socket, now: list[int], **environment: str) -> Pulse:
    return Pulse({"NOTIFY_SOCKET": supervisor.getsockname(), **environment}, lambda: now[0])


def test_the_first_turn_says_ready_and_later_ones_feed_the_watchdog(supervisor: socket.socket) -> None:
    now = [0]
    pulse = a_pulse(supervisor, now, WATCHDOG_USEC="8000000", WATCHDOG_PID=str(os.getpid()))
    for now[0] in range(0, 8 * S, S // 50):
        pulse.alive()
    assert heard(supervisor) == ["READY=1", *["WATCHDOG=1"] * 3]  # every 2 s of 8


def test_a_loop_that_hangs_is_silent(supervisor: socket.socket) -> None:
    now = [0]
    a_pulse(supervisor, now, WATCHDOG_USEC="1000000").alive()
    now[0] = 60 * S
    assert heard(supervisor) == ["READY=1"]


@pytest.mark.parametrize("environment", [{}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}])
def test_without_a_watchdog_only_ready_is_said(supervisor: socket.socket, environment: dict[str, str]) -> None:
    now = [0]
    pulse = a_pulse(supervisor, now, **environment)
    for now[0] in range(0, 10 * S, S):
        pulse.alive()
    assert heard(supervisor) == ["READY=1"]


def test_without_a_supervisor_nothing_happens_and_a_lost_one_is_no_error(tmp_path: Path) -> None:
    Pulse({}).alive()
    gone = Pulse({"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "4"})
    gone.alive()
    gone.alive()


def test_an_abstract_socket_is_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0sonoderm-test-{os.getpid()}")
        Pulse({"NOTIFY_SOCKET": f"@sonoderm-test-{os.getpid()}"}).alive()
        assert listening.recv(100) == b"READY=1"
