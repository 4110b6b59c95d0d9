"""Questions to one device over one line, repeated until they are answered. Every command of ours may be repeated."""

import time
from typing import Final

import msgspec

from edge.errors import CheckFailed, SourceUnreachable
from firmware_bridge.flash.line import Line
from firmware_bridge.flash.talk import READ, WRITE, Replies, Reply, Request, refusal_of, to_wire
from firmware_bridge.wire.cbor import Value
from firmware_bridge.wire.own import FIRST_KEY, GROUP, INFO, ROLLBACK, TRUST, DeviceInfo, TrustState, from_map, trust_from_map

__all__ = ["Client", "DeviceRefused", "NoAnswer", "NotOurs"]

PATIENCE_S: Final = 10.0
_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 2.0
_BITS_PER_B: Final = 10  # start, eight, stop
_BUSY: Final = 10
_BUSY_S: Final = 0.3
_LOG_LIMIT_B: Final = 16 << 20


class DeviceRefused(CheckFailed):
    """The device answered, and said no."""

    def __init__(self, rc: int, reason: str) -> None:
        super().__init__(reason)
        self.rc = rc


class NoAnswer(SourceUnreachable):
    """Nothing on this port speaks SMP, or the line is too noisy for a single message."""


class NotOurs(SourceUnreachable):
    """It speaks SMP, and is no device of ours."""


class Client:
    """baud: of a UART; the time of a message on the wire is added to each wait."""

    def __init__(self, line: Line, baud: int) -> None:
        self.line, self._baud = line, baud
        self._sequence = 0

    @property
    def port(self) -> str:
        return self.line.port

    def ask(self, request: Request, *, patience_s: float = PATIENCE_S, wait_s: float = _WAIT_S) -> dict[str, Value]:
        """Raises DeviceRefused, NoAnswer, LineLost. A device that is busy is asked again, as long as the patience lasts."""
        until_s = time.monotonic() + patience_s
        replies = Replies()
        self._sequence = (self._sequence + 1) % 256
        wire = to_wire(request, self._sequence)  # repeated as it is: the late answer to the first one counts too
        wait_s += len(wire) * _BITS_PER_B * 2 / self._baud
        while True:
            self.line.write(wire)
            answer = self._await(request, replies, time.monotonic() + wait_s)
            refusal = None if answer is None else refusal_of(answer)
            if answer is not None and refusal is None:
                return answer.body
            if refusal is not None and (refusal.rc != _BUSY or time.monotonic() >= until_s):
                raise DeviceRefused(refusal.rc, refusal.reason)
            if time.monotonic() >= until_s:
                raise self._silence(replies)
            if refusal is None:
                wait_s = min(1.5 * wait_s, _LONGEST_WAIT_S)
            else:
                time.sleep(_BUSY_S)

    def _await(self, request: Request, replies: Replies, until_s: float) -> Reply | None:
        while (left_s := until_s - time.monotonic()) > 0:
            for reply in replies.feed(self.line.read(left_s)):
                if reply.answers(request, self._sequence):
                    return reply
        return None

    def _silence(self, replies: Replies) -> NoAnswer:
        if replies.damaged or replies.received_b:
            do = "use a shorter or better cable, another hub, or a lower --baud; close what else writes to this line"
            return NoAnswer(f"{self.port}: what arrives is damaged: {replies.received_b} bytes came, and no reply in them", do=do)
        do = "is the device on, and does `sonoderm device serve` run on it? Is this its port, and on a UART its --baud?"
        return NoAnswer(f"{self.port}: nothing answers", do=do)

    def buffer_b(self, patience_s: float = PATIENCE_S) -> int:
        """What the device advertises; 384 where it does not say (Zephyr's default)."""
        try:
            size = self.ask(Request(READ, 0, 6), patience_s=patience_s).get("buf_size")
        except DeviceRefused:
            return 384
        return size if isinstance(size, int) and 64 <= size <= 65_535 else 384

    def info(self) -> DeviceInfo:
        """Raises NotOurs."""
        try:
            return from_map(self.ask(Request(READ, GROUP, INFO)))
        except (DeviceRefused, msgspec.ValidationError) as error:
            do = "flash it with the tool of its maker, or update what runs on it"
            raise NotOurs(f"{self.port}: it speaks SMP, but is no sonoderm device of this version ({error})", do=do) from error

    def echo(self, text: str) -> None:
        self.ask(Request(WRITE, 0, 0, (("d", text),)), patience_s=2.0)

    def test(self, image_hash: bytes) -> None:
        self.ask(Request(WRITE, 1, 0, (("hash", image_hash), ("confirm", False))))

    def confirm(self) -> None:
        self.ask(Request(WRITE, 1, 0, (("confirm", True),)))

    def reset(self) -> None:
        """A reply that is lost with the port is no error: the device resets."""
        self.ask(Request(WRITE, 0, 5), patience_s=2.0)

    def rollback(self) -> None:
        self.ask(Request(WRITE, GROUP, ROLLBACK))

    def add_first_key(self, pem: bytes) -> None:
        self.ask(Request(WRITE, GROUP, FIRST_KEY, (("key", pem),)))

    def trust(self) -> TrustState:
        """Raises DeviceRefused, also by one whose version knows of no changes of trust."""
        try:
            return trust_from_map(self.ask(Request(READ, GROUP, TRUST)))
        except msgspec.ValidationError as error:
            raise NotOurs(f"{self.port}: it answers in a form of another version ({error})", do="update what runs on it") from error

    def change_trust(self, change: bytes) -> bool:
        """change: signed. False: it was so already."""
        return self.ask(Request(WRITE, GROUP, TRUST, (("change", change),))).get("changed") is True

    def history(self) -> bytes:
        """The device's log: one JSON object a line."""
        data, size_b = b"", None
        while size_b is None or len(data) < size_b:
            body = self.ask(Request(READ, 8, 0, (("name", "/history"), ("off", len(data)))))
            part, length_b = body.get("data"), body.get("len")
            size_b = length_b if isinstance(length_b, int) and size_b is None else size_b
            if not isinstance(part, bytes) or size_b is None or (not part and len(data) < size_b) or size_b > _LOG_LIMIT_B:
                raise SourceUnreachable(f"{self.port}: the device's log cannot be read", do="try again")
            data += part
        return data

    def close(self) -> None:
        self.line.close()
