"""One simulated device: a pty, the server of `device serve` on it, and a `run` that tries what is flashed."""

import fcntl
import os
import pty
import struct
import termios
import tty
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.bundle.slotfiles import DiskFiles
from firmware_bridge.device.assembly import Setup, assemble, wall_clock
from firmware_bridge.device.server import Server
from firmware_bridge.simulate.fault import Fault, FullDisk
from firmware_bridge.simulate.living import Living
from firmware_bridge.wire.own import Confirm, Link

__all__ = ["SimDevice", "Wish"]

_READ_B: Final = 1 << 16
_AWAY_NS: Final = 2_000_000_000
_RESET_NS: Final = 250_000_000  # after its last reply, as a Zephyr device does: a port that is closed at once takes the reply with it
_UNREAD_NS: Final = 2_000_000_000  # and no longer than this while nobody reads
_OUTBOX_B: Final = 1 << 20  # replies nobody reads


@dataclass(frozen=True, slots=True)
class Wish:
    """half_b: where in an upload its fault strikes."""

    serial: str
    folder: Path
    trust_dir: Path | None
    link: Link
    baud: int
    confirm: Confirm
    fault: Fault | None
    half_b: int


class _Cable:
    """A pty. Its own end of the slave stays open, so that reading the master never ends while nobody is connected."""

    def __init__(self, *, locked: bool) -> None:
        self.master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self.port = os.ttyname(self._slave)
        if locked:
            fcntl.flock(self._slave, fcntl.LOCK_EX)

    @property
    def unread_b(self) -> int:
        """What was sent and not yet read at the other end: closing would lose it."""
        return int(struct.unpack("i", fcntl.ioctl(self._slave, termios.FIONREAD, bytes(4)))[0])

    def close(self) -> None:
        os.close(self.master)
        os.close(self._slave)


class SimDevice:
    def __init__(self, wish: Wish, living: Living) -> None:
        self.wish, self._living = wish, living
        self._fault = wish.fault
        self._received_b = 0
        self._outbox = bytearray()
        self._away_until_ns: int | None = None
        self._reset_asked_ns: int | None = None
        self._next: _Cable | None = None  # open before the old one is closed: it has another name
        self.cable: _Cable | None = self._plug()
        self._server = self._start()

    @property
    def port(self) -> str | None:
        """None: unplugged."""
        cable = self.cable  # another thread may ask, for the file of ports
        return None if cable is None else cable.port

    def read(self, now_ns: int) -> None:
        """Call it when the master can be read."""
        if self.cable is None:
            return
        try:
            data = os.read(self.cable.master, _READ_B)
        except OSError:
            return  # nothing yet
        self._received_b += len(data)
        if self._fault in (Fault.UNPLUG, Fault.REPLUG) and self._received_b > self.wish.half_b:
            if self._fault is Fault.REPLUG:
                self._away_until_ns, self._next = now_ns + _AWAY_NS, self._plug()
            self._fault = None
            self._unplug()
            return
        self._answer(data, now_ns)

    def step(self, now_ns: int) -> None:
        """Call it some times a second."""
        self._living.step(now_ns, wall_clock())
        if self.cable is None:
            if self._away_until_ns is not None and now_ns >= self._away_until_ns:
                self.cable, self._away_until_ns, self._next = self._next, None, None
            return
        self._answer(b"", now_ns)
        if self._server.reset_due and not self._outbox:
            self._reset_asked_ns = self._reset_asked_ns or now_ns
            if now_ns - self._reset_asked_ns >= (_UNREAD_NS if self.cable.unread_b else _RESET_NS):
                self._reset()

    def _answer(self, data: bytes, now_ns: int) -> None:
        for reply in self._server.feed(data, now_ns):
            self._outbox += reply
        del self._outbox[:-_OUTBOX_B]
        try:
            while self._outbox and self.cable is not None:
                del self._outbox[: os.write(self.cable.master, self._outbox)]
        except BlockingIOError:
            return

    def _reset(self) -> None:
        """A new process: what was only in memory is forgotten. The new port is opened first, so that it has another name."""
        old, self.cable = self.cable, self._plug()
        self._reset_asked_ns = None
        if old is not None:
            old.close()
        self._server = self._start()

    def _unplug(self) -> None:
        if self.cable is not None:
            self.cable.close()
        self.cable = None
        self._outbox.clear()

    def _plug(self) -> _Cable:
        return _Cable(locked=self.wish.fault is Fault.BUSY)

    def _start(self) -> Server:
        wish = self.wish
        files = FullDisk(wish.folder, wish.half_b) if wish.fault is Fault.DISK_FULL else DiskFiles(wish.folder)
        setup = Setup(files, wish.trust_dir, wish.serial, wish.link, wish.baud, wish.confirm)
        return assemble(setup, lambda: self._living.state)

    def close(self) -> None:
        self._unplug()
        if self._next is not None:
            self._next.close()
