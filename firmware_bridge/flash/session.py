"""One device through pulled cables and restarts: whatever is asked is asked again where the device is now."""

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from edge.errors import SourceUnreachable
from firmware_bridge.flash.client import Client, DeviceRefused, NoAnswer
from firmware_bridge.flash.line import LineLost
from firmware_bridge.flash.noise import BASE64
from firmware_bridge.flash.offer import Speed
from firmware_bridge.flash.ports import Found, Interrupted, PortBook
from firmware_bridge.flash.upload import Upload
from firmware_bridge.wire.own import DeviceInfo

__all__ = ["Session"]

T = TypeVar("T")
_SLICE_S: Final = 0.05
_ECHO_B: Final = 400  # short enough to come through on a bad line
_MOST_LOSSES: Final = 20  # of the line in one session: a plug that will not hold


class Session:
    """say: told what a person should know. replug_s: how long a lost device is waited for."""

    def __init__(
        self, found: Found, book: PortBook, *, baud: int, replug_s: float, stop: threading.Event, say: Callable[[str], None]
    ) -> None:
        self._found, self._book, self._baud, self._replug_s, self._stop, self._say = found, book, baud, replug_s, stop, say
        self._losses = 0
        self._holds_port = True  # its name may be another device's soon after it is lost
        self._resets = False  # it was told to: its port may go

    @property
    def port(self) -> str:
        return self._found.client.port

    @property
    def first_info(self) -> DeviceInfo:
        return self._found.info

    @property
    def message_b(self) -> int:
        return self._found.buffer_b

    @property
    def window(self) -> int:
        """A UART gains nothing from requests in flight: the line is the limit, and a lost message would cost them all."""
        return 4 if self.first_info.link == "usb" else 1

    @property
    def byte_ns(self) -> float:
        """Time of one byte on a UART; USB ignores the baud rate."""
        return 10e9 / self._baud if self.first_info.link == "uart" else 0.0

    def ask(self, question: Callable[[Client], T]) -> T:
        """Raises what the client raises, but LineLost only when the device does not come back."""
        while True:
            self.check_stop()
            try:
                return question(self._found.client)
            except LineLost as error:
                self._come_back(error)

    def info(self) -> DeviceInfo:
        return self.ask(lambda client: client.info())

    def speed(self) -> Speed | None:
        """Echoes, short and long, the fastest of each. None on a line where they get lost."""
        fastest = []
        try:
            for text in ("", "." * _ECHO_B):
                fastest.append(min(self._echo_s(text) for _ in range(3)))
        except (NoAnswer, DeviceRefused):
            return None
        byte_s = max(fastest[1] - fastest[0], 0.0) / (2 * _ECHO_B * BASE64)
        return Speed(fastest[0], max(byte_s, self.byte_ns / 1e9))

    def _echo_s(self, text: str) -> float:
        started_s = time.monotonic()
        self.ask(lambda client: client.echo(text))
        return time.monotonic() - started_s

    def reset(self) -> None:
        """The port may go with the answer; whether it comes back is the next question's matter."""
        self._resets = True
        try:
            self._found.client.reset()
        except SourceUnreachable:
            return

    def send(self, upload: Upload, on_bytes: Callable[[int], None]) -> None:
        """Until the device has it all. Raises UploadStopped, SourceUnreachable (unplugged for good), Interrupted."""
        while not upload.done:
            self.check_stop()
            try:
                self._step(upload)
            except LineLost as error:
                self._come_back(error)
                upload.lost_line()
            on_bytes(upload.acked_b)

    def _step(self, upload: Upload) -> None:
        line = self._found.client.line
        wire = upload.outgoing(time.monotonic_ns())
        if wire:
            line.write(wire)
        wake_ns = upload.wake_ns()
        wait_s = _SLICE_S if wake_ns is None else min(max((wake_ns - time.monotonic_ns()) / 1e9, 0.001), _SLICE_S)
        upload.feed(line.read(wait_s), time.monotonic_ns())

    def _come_back(self, error: LineLost) -> None:
        self._losses += 1
        if self._losses > _MOST_LOSSES:
            raise SourceUnreachable(f"{self.port}: it was lost {self._losses} times", do="try another cable, another hub") from error
        if not self._resets:
            self._say("the port is gone, waiting for it")
        self._found.client.close()
        info = self.first_info
        self._holds_port = False
        back = self._book.again(info.serial, self.port, self._replug_s, self._stop)
        self._found, self._holds_port = Found(back.client, info, back.buffer_b), True
        if not self._resets:
            self._say(f"it is back on {self.port}")
        self._resets = False

    def check_stop(self) -> None:
        if self._stop.is_set():
            raise Interrupted

    def close(self) -> None:
        self._found.client.close()
        if self._holds_port:
            self._book.release(self.port)
