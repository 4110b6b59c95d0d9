"""The windowed upload of one file, sans-IO: bytes and time in, bytes out.

Up to `window` requests are in flight. The device answers each with the offset it expects next: a lower one than a request reached
says that something before it was lost, so the upload goes back to it (go-back-N) without waiting for a timeout. Every request may
be repeated: a chunk that the device has already, or that comes too early, writes nothing. A device that forgot the upload (it
restarted) is begun again, and answers with the offset it kept.
"""

from collections import OrderedDict
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from firmware_bridge.flash.noise import OVERHEAD_B, Noise
from firmware_bridge.flash.talk import WRITE, Refusal, Replies, Reply, Request, refusal_of, to_wire
from firmware_bridge.wire.console import MESSAGE_CAP_B, STANDARD_LINE_B
from firmware_bridge.wire.smp import HEADER_B

__all__ = ["Stop", "Upload", "UploadStopped"]

_S: Final = 1_000_000_000
_FIRST_WAIT_NS: Final = 5 * _S  # the first packet may empty a file, or wait for a disk
_LEAST_WAIT_NS, _MOST_WAIT_NS = 100_000_000, 5 * _S  # a device whose replies come later than that makes the wait longer
_SILENT_NS: Final = 15 * _S  # no byte at all; the way from the largest to the smallest message takes half of it
_STUCK_NS: Final = 22 * _S  # replies, but no byte of progress
_BUSY_NS, _BUSY_LIMIT_NS = _S // 2, 90 * _S
_BUSY, _TOO_LONG = 10, 7
_RESTARTS: Final = 3  # without a byte of progress between
_FIRST_FIELDS_B: Final = 64  # sha, len and image of the first packet


class Stop(StrEnum):
    """Why an upload ended early."""

    REFUSED = "refused"
    NOISY = "noisy"
    SILENT = "silent"
    DIFFERENT = "different"  # the device stored something else than was sent


class UploadStopped(Exception):
    def __init__(self, stop: Stop, reason: str) -> None:
        super().__init__(reason)
        self.stop, self.reason = stop, reason


@dataclass(slots=True)
class _Sent:
    at_b: int
    end_b: int
    sent_ns: int
    due_ns: int


class Upload:
    """data, sha256: of the whole file. buffer_b, line_b: what the device takes. byte_ns: time of one byte on the wire, 0 unknown."""

    def __init__(
        self, data: bytes, sha256: bytes, *, buffer_b: int, window: int, line_b: int = STANDARD_LINE_B, byte_ns: float = 0.0
    ) -> None:
        self._data, self._sha256, self._window, self._line_b, self._byte_ns = data, sha256, window, line_b, byte_ns
        largest_b = min(buffer_b - 4, MESSAGE_CAP_B) - HEADER_B - OVERHEAD_B
        self.noise = Noise(max(largest_b, 32))
        self._before_timeout: Noise | None = None
        self._replies = Replies()
        self._sequence = 0
        self._flight: OrderedDict[int, _Sent] = OrderedDict()
        self._late: OrderedDict[int, _Sent] = OrderedDict()
        self._begun = False
        self.acked_b = self._next_b = 0
        self._rtt_ns: float | None = None
        self._least_wait_ns = _LEAST_WAIT_NS
        self._timeouts = 0
        self._seen_losses = 0  # the device itself missed something, which no slow disk explains
        self._restarts = 0
        self._pause_until_ns = 0
        self._busy_since_ns: int | None = None
        self._heard_ns: int | None = None
        self._moved_ns: int | None = None

    @property
    def done(self) -> bool:
        return self._begun and self.acked_b == len(self._data)

    def feed(self, data: bytes, now_ns: int) -> None:
        """Raises UploadStopped."""
        if data:
            self._heard_ns = now_ns
        for reply in self._replies.feed(data):
            if (reply.header.op, reply.header.group, reply.header.command) == (WRITE + 1, 1, 1):
                self._take(reply, now_ns)

    def outgoing(self, now_ns: int) -> bytes:
        """What to send now, perhaps nothing; ask again at `wake_ns`. Raises UploadStopped."""
        if self._heard_ns is None:
            self._heard_ns = self._moved_ns = now_ns
        self._look_at_the_time(now_ns)
        parts = []
        while not self.done and now_ns >= self._pause_until_ns and (request := self._next_request()) is not None:
            parts.append(self._send(*request, now_ns=now_ns))
        return b"".join(parts)

    def wake_ns(self) -> int | None:
        """When something may have timed out. None: nothing is in flight and nothing is paused."""
        due = [sent.due_ns for sent in self._flight.values()]
        return min(due) if due else self._pause_until_ns or None

    def lost_line(self) -> None:
        """The cable was pulled and is back: the device is asked again where to go on."""
        self._forget_flight()
        self._late.clear()
        self._replies = Replies()
        self._begun, self._rtt_ns, self._timeouts = False, None, 0
        self._heard_ns = self._moved_ns = None

    def _look_at_the_time(self, now_ns: int) -> None:
        assert self._heard_ns is not None
        assert self._moved_ns is not None
        if any(sent.due_ns <= now_ns for sent in self._flight.values()):
            self._timed_out()
        if self.noise.is_hopeless:
            raise UploadStopped(Stop.NOISY, f"about {self.noise.p:.1%} of the bytes are damaged")
        if self._timeouts and now_ns - self._heard_ns > _SILENT_NS:
            raise UploadStopped(Stop.SILENT, "the device does not answer any more")
        if self._busy_since_ns is not None:
            if now_ns - self._busy_since_ns > _BUSY_LIMIT_NS:
                raise UploadStopped(Stop.REFUSED, "the device has been busy for 90 s")
        elif now_ns - self._moved_ns > _STUCK_NS:
            if self._seen_losses or self._replies.damaged:
                raise UploadStopped(Stop.NOISY, f"no byte of progress in {_STUCK_NS // _S} s, {self.noise.lost} messages lost")
            raise UploadStopped(Stop.SILENT, f"the device answers too slowly: no byte of progress in {_STUCK_NS // _S} s")

    def _timed_out(self) -> None:
        self._before_timeout = deepcopy(self.noise)
        for sent in self._flight.values():
            self.noise.was_lost(sent.end_b - sent.at_b)
        self._late.update(self._flight)
        while len(self._late) > 2 * self._window:
            self._late.popitem(last=False)
        self._timeouts += 1
        self._forget_flight()

    def _forget_flight(self) -> None:
        self._flight.clear()
        self._next_b = self.acked_b

    def _next_request(self) -> tuple[int, int] | None:
        """(at_b, end_b) of the next packet; None: nothing may be sent now."""
        size_b = self.noise.size_b
        if not self._begun:
            return None if self._flight else (0, min(max(size_b - _FIRST_FIELDS_B, 1), len(self._data)))
        if len(self._flight) >= self._window or self._next_b >= len(self._data):
            return None
        return self._next_b, min(self._next_b + size_b, len(self._data))

    def _send(self, at_b: int, end_b: int, now_ns: int) -> bytes:
        fields: tuple[tuple[str, object], ...] = (("off", at_b), ("data", self._data[at_b:end_b]))
        if not self._begun:
            fields += (("len", len(self._data)), ("sha", self._sha256), ("image", 0))
        wire = to_wire(Request(WRITE, 1, 1, fields), self._sequence, self._line_b)
        ahead_b = sum(sent.end_b - sent.at_b for sent in self._flight.values()) * 1.4 + len(wire)
        due_ns = now_ns + self._wait_ns() + int(ahead_b * self._byte_ns)
        self._late.pop(self._sequence, None)
        self._flight[self._sequence] = _Sent(at_b, end_b, now_ns, due_ns)
        self._sequence = (self._sequence + 1) % 256
        self._next_b = end_b if self._begun else 0
        return wire

    def _wait_ns(self) -> int:
        wait_ns = _FIRST_WAIT_NS if self._rtt_ns is None and not self._timeouts else max(self._least_wait_ns, int(4 * (self._rtt_ns or 0)))
        return min(wait_ns << min(self._timeouts // 4, 1), _MOST_WAIT_NS)

    def _take(self, reply: Reply, now_ns: int) -> None:
        sequence = reply.header.sequence
        sent = self._flight.get(sequence)
        if sent is None:
            sent = self._late.pop(sequence, None)
            if sent is None:
                return
            self._was_only_late()
        else:
            self._rtt_ns = now_ns - sent.sent_ns if self._rtt_ns is None else 0.8 * self._rtt_ns + 0.2 * (now_ns - sent.sent_ns)
        refusal = refusal_of(reply)
        if refusal is not None:
            self._refused(refusal, now_ns)
            return
        offset_b = reply.body.get("off")
        if isinstance(offset_b, bool) or not isinstance(offset_b, int) or not 0 <= offset_b <= len(self._data):
            return  # no reply of an upload, or damaged beyond its CRC: the timeout repeats it
        if reply.body.get("match") is False:
            raise UploadStopped(Stop.DIFFERENT, "what the device stored is not what was sent")
        self._timeouts, self._busy_since_ns, self._pause_until_ns = 0, None, 0
        self._answered(sequence, sent, offset_b, now_ns)

    def _answered(self, sequence: int, sent: _Sent, offset_b: int, now_ns: int) -> None:
        if not self._begun:
            self._begun = True
            self.noise.arrived(sent.end_b - sent.at_b)
            self._forget_flight()
            self.acked_b = self._next_b = offset_b
            self._moved_ns = now_ns
            return
        if offset_b > self.acked_b:
            self.acked_b, self._moved_ns, self._restarts = offset_b, now_ns, 0
            self._least_wait_ns = max(self._least_wait_ns * 63 // 64, _LEAST_WAIT_NS)
            self._next_b = max(self._next_b, offset_b)
        for number, flying in list(self._flight.items()):
            if flying.end_b <= offset_b:
                self.noise.arrived(flying.end_b - flying.at_b)
                del self._flight[number]
        if offset_b < sent.end_b and sequence in self._flight:
            self._seen_losses += 1
            lost = next(iter(self._flight.values()))
            self.noise.was_lost(lost.end_b - lost.at_b)
            self._forget_flight()
            self._begun = offset_b == self.acked_b  # else it knows less than it said before: ask where to go on

    def _was_only_late(self) -> None:
        """The reply came after all: the line is not noisy, the device is slow (a disk that syncs)."""
        if self._before_timeout is not None:
            self.noise, self._before_timeout = self._before_timeout, None
            self._least_wait_ns = min(2 * self._least_wait_ns, _MOST_WAIT_NS)

    def _refused(self, refusal: Refusal, now_ns: int) -> None:
        self._forget_flight()
        self._late.clear()
        if refusal.rc == _BUSY:
            self._busy_since_ns = now_ns if self._busy_since_ns is None else self._busy_since_ns
            self._pause_until_ns = now_ns + _BUSY_NS
            return
        if refusal.rc == _TOO_LONG and self.noise.largest_b > 64:
            self.noise = Noise(self.noise.largest_b // 2)
            return
        self._restarts += 1
        if not self._begun or self._restarts > _RESTARTS:
            raise UploadStopped(Stop.REFUSED, refusal.reason)
        self._begun = False  # it forgot the upload: it restarted, or gave it up
