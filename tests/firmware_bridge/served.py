"""`device serve` as a process, at one end of a cable made of two pseudo-terminals."""

import os
import pty
import select
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.firmware_bridge.benches import SIMULATE as COMMANDS
from tests.firmware_bridge.benches import device, wait_for


@contextmanager
def a_cable() -> Iterator[tuple[str, str]]:
    """Two ports: the technician's end, the device's end."""
    ends = [pty.openpty() for _ in range(2)]
    for _, slave in ends:
        tty.setraw(slave)
    masters = [master for master, _ in ends]
    stop = threading.Event()

    def carry() -> None:
        while not stop.is_set():
            for source in select.select(masters, [], [], 0.05)[0]:
                target = masters[1] if source == masters[0] else masters[0]
                data = os.read(source, 65536)
                while data:
                    data = data[os.write(target, data) :]

    thread = threading.Thread(target=carry)
    thread.start()
    try:
        yield os.ttyname(ends[0][1]), os.ttyname(ends[1][1])
    finally:
        stop.set()
        thread.join(5)
        for handle in (handle for end in ends for handle in end):
            os.close(handle)


@contextmanager
def served(ends: tuple[str, str], slots: Path, trust: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Until the first reset, as its service sees it."""
    with start(ends[1], slots, trust) as process:
        try:
            wait_for(lambda: device("info", "--port", ends[0]).exit_code == 0, 60)
            yield process
        finally:
            process.kill()


@contextmanager
def served_for_ever(ends: tuple[str, str], slots: Path, trust: Path) -> Iterator[None]:
    """Started again after each reset, as systemd does it."""
    stop = threading.Event()

    def keep() -> None:
        while not stop.is_set():
            with start(ends[1], slots, trust) as process:
                while process.poll() is None and not stop.wait(0.1):
                    continue
                process.kill()

    thread = threading.Thread(target=keep)
    thread.start()
    try:
        wait_for(lambda: device("info", "--port", ends[0]).exit_code == 0, 60)
        yield
    finally:
        stop.set()
        thread.join(10)


def start(port: str, slots: Path, trust: Path) -> "subprocess.Popen[bytes]":
    words = [sys.executable, "-c", COMMANDS, "serve", "--port", port, "--slots", str(slots), "--trust", str(trust), "--serial", "bench-1"]
    return subprocess.Popen(words)
