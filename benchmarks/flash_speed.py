"""How fast an upload goes into a device over a pseudo-terminal: ours, and that of other clients where an environment has one.

    SMPCLIENT_PYTHON=.../bin/python MCUMGR_PYTHON=.../bin/python python -m benchmarks.flash_speed
        [--runs 5] [--mb 8] [--baud 921600] [--json FILE]

The device is `sonoderm device simulate 1` in a process of its own: the server, hashing and fsync of a real one, console framing, messages
of 65,535 bytes. Clients take turns; each upload has other bytes than the one before, and is timed from its first request to the answer to
its last. The device then throws it away, since it is no bundle. --baud: a cable lets the bytes of each direction through no faster
than that line would (10 bits a byte), and the device says that it is a UART, so that messages have 16,384 bytes. What framing allows is
that rate times the share of a message in its bytes on the wire, in the lines that ours sends.
"""

import argparse
import hashlib
import os
import platform
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from firmware_bridge.flash.ports import PortBook
from firmware_bridge.flash.session import Session
from firmware_bridge.flash.upload import Upload
from firmware_bridge.wire.console import frame

PROMISED_MB_PER_S: Final = 8.0
PROMISED_SHARE: Final = 0.9
SLICE_B: Final = 256
DEVICE: Final = "from firmware_bridge.commands import app; app()"
SMPCLIENT: Final = """
import asyncio, sys, time
from smpclient import SMPClient
from smpclient.transport.serial import SMPSerialTransport
async def upload(port, data):
    async with SMPClient(SMPSerialTransport(), port) as client:
        started_s = time.monotonic()
        async for at in client.upload(data):
            pass
        print(time.monotonic() - started_s)
        assert at == len(data)
asyncio.run(upload(sys.argv[1], open(sys.argv[2], "rb").read()))
"""
TOOLKIT: Final = """
import sys, time
from mcumgr_toolkit import MCUmgrClient
data = open(sys.argv[2], "rb").read()
client = MCUmgrClient.serial(sys.argv[1], int(sys.argv[3]), 5000)
client.use_auto_frame_size()
started_s = time.monotonic()
client.image_upload(data)
print(time.monotonic() - started_s)
"""
OTHERS: Final = (("smpclient", "SMPCLIENT_PYTHON", SMPCLIENT), ("mcumgr-toolkit", "MCUMGR_PYTHON", TOOLKIT))


@contextmanager
def a_device(folder: Path, baud: int | None) -> Iterator[str]:
    """Its port."""
    link = [] if baud is None else ["--link", "uart", "--baud", str(baud)]
    words = [sys.executable, "-c", DEVICE, "simulate", "1", "--slots", str(folder / "slots"), "--json", *link]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise SystemExit("the simulated device did not start")
            yield msgspec.json.decode(line)["port"]
        finally:
            process.terminate()


@contextmanager
def a_cable(device: str, baud: int) -> Iterator[str]:
    """The near port of a line to the device that carries baud / 10 bytes a second each way."""
    near, held = pty.openpty()
    far = os.open(device, os.O_RDWR | os.O_NOCTTY)
    for end in (held, far):
        tty.setraw(end)
    is_over = threading.Event()

    def carry(source: int, target: int) -> None:
        free_s = 0.0
        while not is_over.is_set():
            if not select.select([source], [], [], 0)[0]:  # idle: what comes next starts when it comes
                if not select.select([source], [], [], 0.05)[0]:
                    continue
                free_s = max(free_s, time.monotonic())
            data = os.read(source, SLICE_B)
            free_s += len(data) * 10 / baud
            time.sleep(max(free_s - time.monotonic(), 0))
            os.write(target, data)

    threads = [threading.Thread(target=carry, args=ends) for ends in ((near, far), (far, near))]
    for thread in threads:
        thread.start()
    try:
        yield os.ttyname(held)
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
        for handle in (near, held, far):
            os.close(handle)


@contextmanager
def a_session(port: str, baud: int) -> Iterator[Session]:
    book = PortBook(lambda: (port,), baud)
    found, troubles = book.look([port])
    if troubles:
        raise SystemExit(troubles[0].error.line())
    session = Session(found[0], book, baud=baud, replug_s=1, stop=threading.Event(), say=print)
    try:
        yield session
    finally:
        session.close()


def ours_s(port: str, baud: int, data: bytes) -> float:
    """As `flash` sends it."""
    with a_session(port, baud) as session:
        size = {"buffer_b": session.message_b, "window": session.window, "line_b": session.first_info.line_b}
        started_s = time.monotonic()
        session.send(Upload(data, hashlib.sha256(data).digest(), **size, byte_ns=session.byte_ns), lambda _: None)
        return time.monotonic() - started_s


def theirs_s(python: str, program: str, file: Path, port: str, baud: int, data: bytes) -> float:
    file.write_bytes(data)
    done = subprocess.run([python, "-c", program, port, str(file), str(baud)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.strip().splitlines()[-1])
    return float(done.stdout)


def settle(port: str, baud: int) -> None:
    """Until the device is done with the last upload."""
    with a_session(port, baud) as session:
        while session.info().installing:
            time.sleep(0.1)


def allowed_mb_per_s(port: str, baud: int) -> float:
    """Of whole messages, one after the other, on a line that never waits."""
    with a_session(port, baud) as session:
        message_b, line_b = session.message_b - 4, session.first_info.line_b
    return baud / 10 * message_b / len(frame(bytes(message_b), line_b)) / 1e6


@dataclass(frozen=True)
class Client:
    who: str
    upload_s: Callable[[str, int, bytes], float]
    mb_per_s: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.mb_per_s)


def measure(clients: list[Client], port: str, baud: int, runs: int, size_b: int) -> None:
    """The first round is not counted."""
    for run in range(runs + 1):
        for number, each in enumerate(clients):
            took_s = each.upload_s(port, baud, np.random.default_rng([run, number]).bytes(size_b))
            settle(port, baud)
            if run:
                each.mb_per_s.append(size_b / took_s / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--mb", type=float, default=8.0)
    parser.add_argument("--baud", type=int)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    load, size_b, allowed = os.getloadavg()[0], int(asked.mb * 1e6), None
    print(f"{os.cpu_count()} cores, load {load:.1f}, {platform.machine()}, Python {platform.python_version()}; {asked.mb:g} MB, ", end="")
    print("USB" if asked.baud is None else f"UART of {asked.baud} baud (emulated)")
    with tempfile.TemporaryDirectory() as name, a_device(Path(name), asked.baud) as device:
        clients = [Client("ours", ours_s)]
        for who, variable, program in OTHERS:
            if (python := os.environ.get(variable)) is not None:
                clients.append(Client(who, partial(theirs_s, python, program, Path(name) / "upload")))
        if asked.baud is None:
            measure(clients, device, 115_200, asked.runs, size_b)
        else:
            with a_cable(device, asked.baud) as port:
                allowed = allowed_mb_per_s(port, asked.baud)
                measure(clients, port, asked.baud, asked.runs, size_b)
    for each in clients:
        share = "" if allowed is None else f", {each.median / allowed:.1%} of what framing allows"
        print(f"{each.who:15} median {each.median:.4g} MB/s, {min(each.mb_per_s):.4g} to {max(each.mb_per_s):.4g}{share}")
    if asked.json:
        speeds = {each.who: each.mb_per_s for each in clients}
        result = {"v": 1, "baud": asked.baud, "load": load, "mb": asked.mb, "allowed_mb_per_s": allowed, "mb_per_s": speeds}
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2))
    ours = clients[0].median
    promised = PROMISED_MB_PER_S if allowed is None else PROMISED_SHARE * allowed
    if ours < promised or any(each.median > ours for each in clients):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
