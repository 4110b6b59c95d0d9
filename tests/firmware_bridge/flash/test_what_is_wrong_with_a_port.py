"""Three messages for three causes: no such port, no permission, in use by whom."""

import contextlib
import errno
import fcntl
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.errors import InputRefused, SourceUnreachable, UsageError
from firmware_bridge.flash.client import Client, NoAnswer
from firmware_bridge.flash.holder import holders_of
from firmware_bridge.flash.line import Line, LineLost, PortBusy, PortDenied, PortMissing, why_closed
from firmware_bridge.flash.ports import read_ports_file
from firmware_bridge.flash.where import Where

pytest.importorskip("serial")


@pytest.fixture
def a_pty() -> Iterator[tuple[int, str]]:
    ours, theirs = pty.openpty()
    yield ours, os.ttyname(theirs)
    for handle in (ours, theirs):
        with contextlib.suppress(OSError):  # the test pulled it
            os.close(handle)


def test_a_port_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PortMissing, match="there is no port") as raised:
        Line(str(tmp_path / "ttyACM9"), 115200)
    assert "sonoderm device ports" in raised.value.line()


def test_a_file_is_no_port(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("x")
    with pytest.raises(PortMissing):
        Line(str(tmp_path / "text"), 115200)


def test_a_port_in_use_names_its_holder(a_pty: tuple[int, str]) -> None:
    port = a_pty[1]
    hold = "import fcntl, os, sys; f = os.open(sys.argv[1], os.O_RDWR); fcntl.flock(f, 2); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", hold, port], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(PortBusy, match=rf"in use by \S+ \(pid {holder.pid}\)"):
            Line(port, 115200)
        assert holders_of(port) == (f"{Path(f'/proc/{holder.pid}/comm').read_text().strip()} (pid {holder.pid})",)
        holder.communicate(b"")


def test_our_own_two_flashes_do_not_share_a_port(a_pty: tuple[int, str]) -> None:
    with Line(a_pty[1], 115200), pytest.raises(PortBusy):
        Line(a_pty[1], 115200)


def test_a_denied_port_names_the_group_and_the_line_that_helps(a_pty: tuple[int, str]) -> None:
    denied = why_closed(a_pty[1], OSError(errno.EACCES, "Permission denied"))
    assert isinstance(denied, PortDenied)
    assert "sudo usermod -aG" in denied.line()
    assert denied.exit_code == 6


def test_a_port_that_goes_away_is_lost_not_a_traceback(a_pty: tuple[int, str]) -> None:
    ours, port = a_pty
    line = Line(port, 115200)
    os.close(ours)
    with pytest.raises(LineLost, match="is gone"):
        line.read(0.05)
    with pytest.raises(LineLost, match="is gone"):
        line.write(b"x")
    line.close()


def test_nothing_that_answers_and_noise_are_told_apart(a_pty: tuple[int, str]) -> None:
    ours, port = a_pty
    with Line(port, 115200) as line:
        with pytest.raises(NoAnswer, match="nothing answers"):
            Client(line, 115200).buffer_b(patience_s=0.1)
        os.write(ours, b"login: \n")
        with pytest.raises(NoAnswer, match="damaged"):
            Client(line, 115200).buffer_b(patience_s=0.1)


def test_a_ports_file_takes_comments_and_counts_a_port_once(tmp_path: Path) -> None:
    file = tmp_path / "ports"
    file.write_text("/dev/a  # sim-01\n\n# none\n/dev/b\n/dev/a\n")
    assert read_ports_file(file) == ("/dev/a", "/dev/b")
    with pytest.raises(InputRefused, match="cannot be read"):
        read_ports_file(tmp_path / "none")


def test_a_search_that_finds_nothing_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "ports").write_text("")
    with pytest.raises(SourceUnreachable, match="names no port"):
        Where((), tmp_path / "ports", everything=False, baud=115200).reach()


def test_one_device_on_two_names_is_not_flashed_twice(tmp_path: Path, a_pty: tuple[int, str]) -> None:
    os.symlink(a_pty[1], tmp_path / "by-id")
    named = Where((a_pty[1], str(tmp_path / "by-id")), None, everything=False, baud=115200).named()
    assert named == (a_pty[1],)


def test_a_lock_of_another_program_is_respected(a_pty: tuple[int, str]) -> None:
    handle = os.open(a_pty[1], os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        with pytest.raises(PortBusy):
            Line(a_pty[1], 115200)
    finally:
        os.close(handle)


@pytest.mark.parametrize(
    ("number", "words", "exit_code"),
    [
        (errno.EACCES, "you may not open", 6),
        (errno.EBUSY, "is in use by", 4),  # TIOCEXCL
        (errno.EAGAIN, "is in use by", 4),  # a lock
        (errno.ENOENT, "there is no port", 4),
        (errno.ENOTTY, "is not a serial port", 4),
    ],
)
def test_o17_each_cause_has_its_own_line(number: int, words: str, exit_code: int, tmp_path: Path) -> None:
    error = why_closed(str(tmp_path), OSError(number, os.strerror(number)))
    assert words in error.line()
    assert error.exit_code == exit_code


def test_a_fault_that_is_not_known_is_a_wrong_usage() -> None:
    from firmware_bridge.simulate.fault import parse_faults

    assert parse_faults(["2=unplug"], 3)
    for text in ("9=unplug", "x=unplug", "1=fire", "1"):
        with pytest.raises(UsageError, match="not understood"):
            parse_faults([text], 3)
