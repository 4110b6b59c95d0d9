"""A noisy line: seeded bit flips, dropped and doubled bytes, and a cable between two pseudo-terminals that damages what it carries."""

import contextlib
import os
import pty
import select
import threading
import tty
from pathlib import Path
from typing import Protocol, Self

import numpy as np

from firmware_bridge.wire.cbor import decode, encode
from firmware_bridge.wire.console import Deframer, frame
from firmware_bridge.wire.smp import pack, unpack


class Noise:
    """rate: probability that a byte is hurt; then it is flipped in one bit, dropped, or doubled, a third each."""

    def __init__(self, rate: float, seed: int) -> None:
        self._rate, self._rng = rate, np.random.default_rng(seed)

    def damage(self, data: bytes) -> bytes:
        if not self._rate or not data:
            return data
        hurt = np.flatnonzero(self._rng.random(len(data)) < self._rate)
        out, last = bytearray(), 0
        for at in hurt:
            out += data[last:at]
            kind = self._rng.integers(3)
            if kind == 0:
                out.append(data[at] ^ (1 << int(self._rng.integers(8))))
            elif kind == 1:
                out += data[at : at + 1] * 2
            last = int(at) + 1
        return bytes(out + data[last:])


class OneForgedChunk:
    """Changes one byte of the first chunk of an upload and gives the message a CRC that fits: what happens once in 65,536 damages."""

    def __init__(self) -> None:
        self._input = Deframer()
        self.done = False

    def damage(self, data: bytes) -> bytes:
        return data if self.done else b"".join(self._forge(message) for message in self._input.feed(data))

    def _forge(self, message: bytes) -> bytes:
        parts = unpack(message)
        assert parts is not None
        header, body = parts[0], decode(parts[1])
        chunk = body.get("data")
        if (header.op, header.group, header.command) == (2, 1, 1) and isinstance(chunk, bytes):
            middle = len(chunk) // 2
            body["data"] = chunk[:middle] + bytes([chunk[middle] ^ 1]) + chunk[middle + 1 :]
            self.done = True
        return frame(pack(header, encode(body)))


class Damage(Protocol):
    def damage(self, data: bytes) -> bytes: ...


class NoisyCable:
    """A port of its own that leads to one device of a ports file, also after that came back under another name."""

    def __init__(self, ports_file: Path, serial: str, noise: Damage) -> None:
        self._file, self._serial, self._noise = ports_file, serial, noise
        self._near, self._held = pty.openpty()
        tty.setraw(self._held)
        os.set_blocking(self._near, False)
        self.port = os.ttyname(self._held)
        self._far: int | None = None
        self._far_name = self._left = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._carry)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for handle in (self._near, self._held, self._far):
            if handle is not None:
                os.close(handle)

    def _carry(self) -> None:
        while not self._stop.is_set():
            if self._far is None:
                self._attach()
                continue
            ready, _, _ = select.select([self._near, self._far], [], [], 0.05)
            for source in ready:
                try:
                    data = os.read(source, 65536)
                except OSError:
                    data = b""
                if not data and source == self._far:
                    os.close(self._far)
                    self._far, self._left = None, self._far_name
                    break
                self._send(self._far if source == self._near else self._near, self._noise.damage(data))

    def _attach(self) -> None:
        lines = [line.split() for line in self._file.read_text().splitlines()]
        port = next((words[0] for words in lines if words[-1] == self._serial), self._left)
        if port == self._left:
            self._stop.wait(0.05)  # it is not back yet
            return
        with contextlib.suppress(OSError):
            self._far = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            self._far_name = port

    def _send(self, handle: int, data: bytes) -> None:
        while data and not self._stop.is_set():
            _, ready, _ = select.select([], [handle], [], 0.05)
            if ready:
                try:
                    data = data[os.write(handle, data) :]
                except BlockingIOError:
                    continue
                except OSError:
                    return  # the device pulled its plug: what was on the way is lost
