"""SMP as a client speaks it: requests to bytes, bytes to replies. Sans-IO."""

from dataclasses import dataclass

from firmware_bridge.wire.cbor import CborRefused, Value, decode, encode
from firmware_bridge.wire.console import STANDARD_LINE_B, Deframer, frame
from firmware_bridge.wire.smp import Header, pack, unpack

__all__ = ["READ", "WRITE", "Refusal", "Replies", "Reply", "Request", "refusal_of", "to_wire"]

READ, WRITE = 0, 2
_VERSION_2 = 1  # what the header calls it


@dataclass(frozen=True, slots=True)
class Request:
    """op: READ or WRITE."""

    op: int
    group: int
    command: int
    fields: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    header: Header
    body: dict[str, Value]

    def answers(self, request: Request, sequence: int) -> bool:
        expected = (request.op + 1, request.group, request.command, sequence)
        return (self.header.op, self.header.group, self.header.command, self.header.sequence) == expected


@dataclass(frozen=True, slots=True)
class Refusal:
    """rc: a number of SMP (group None) or of a group. reason: the device's words, or ours for the number."""

    rc: int
    reason: str


_WORDS = {
    1: "unknown error",
    2: "out of memory",
    3: "invalid value",
    5: "no such entry",
    6: "not possible in this state",
    7: "message too long",
    8: "not supported",
    10: "busy",
    11: "access denied",
}


def to_wire(request: Request, sequence: int, line_b: int = STANDARD_LINE_B) -> bytes:
    """One framed message, in lines of at most line_b. Raises ValueError when it does not fit."""
    header = Header(request.op, _VERSION_2, request.group, sequence, request.command)
    return frame(pack(header, encode(dict(request.fields))), line_b)


class Replies:
    """Bytes in, replies out. What is damaged or no reply is dropped; received_b and damaged tell noise from silence."""

    def __init__(self) -> None:
        self._input = Deframer()
        self._unreadable = 0
        self.received_b = 0

    @property
    def damaged(self) -> int:
        return self._input.damaged + self._unreadable

    def feed(self, data: bytes) -> list[Reply]:
        self.received_b += len(data)
        replies = []
        for message in self._input.feed(data):
            parts = unpack(message)
            try:
                body = None if parts is None else decode(parts[1])
            except CborRefused:
                body = None
            if parts is None or body is None:
                self._unreadable += 1
            elif parts[0].op in (READ + 1, WRITE + 1):
                replies.append(Reply(parts[0], body))
        return replies


def refusal_of(reply: Reply) -> Refusal | None:
    """None: it was done. Reads both error forms of the protocol."""
    body = reply.body
    error = body.get("err")
    if isinstance(error, dict):
        group, rc = error.get("group"), error.get("rc")
        number = rc if isinstance(rc, int) else 1
        return Refusal(number, f"error {number} of group {group if isinstance(group, int) else 'unknown'}")
    rc = body.get("rc", 0)
    if not isinstance(rc, int) or rc == 0:
        return None
    reason = body.get("rsn")
    return Refusal(rc, reason if isinstance(reason, str) else _WORDS.get(rc, f"error {rc}"))
