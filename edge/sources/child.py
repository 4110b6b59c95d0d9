"""The capture process: opens one source, writes its frames into the ring, says what happened. Nothing else lives here.

It has no say over its end: the parent may kill it at any moment, and the kernel ends it when the parent dies, even while a driver hangs
in a call that never returns: the read end of a pipe whose only writer is the parent is set to raise SIGIO, and SIGIO's default is to
terminate. It ignores SIGINT, so that Ctrl-C in a terminal is the parent's business and prints no traceback from here.
"""

import fcntl
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, runtime_checkable

import cv2
import msgspec
import numpy as np

from edge.errors import InputRefused, MachineLacks, SonodermError, SourceUnreachable, UsageError
from edge.frame import Frame, Source
from edge.reading import Reason
from edge.sources import reconnect, wire
from edge.sources.lost import SourceLost
from edge.sources.pace import STILL_PERIOD_NS, Pacer, repeats
from edge.sources.quiet import quiet_decoders
from edge.sources.ring import RingWriter
from edge.sources.table import open_parsed
from edge.sources.uri import SourceUri, parse_uri

__all__ = ["CountsLosses", "KnowsItsPlace", "main"]

_LAST_STILL_NS = 1_000_000_000  # the last picture of a folder stands for a second, as the others do
_START_B = 262_144


@runtime_checkable
class CountsLosses(Protocol):
    """A source that leaves frames out on purpose (newer ones were waiting) says how many, by cause; asking resets the counts."""

    def take_losses(self) -> tuple[tuple[str, int], ...]: ...


@runtime_checkable
class KnowsItsPlace(Protocol):
    """A source that was found by a name that may point elsewhere tomorrow (camera:0) says where the same device is found again."""

    @property
    def reopen(self) -> SourceUri: ...


def main(channel_fd: int, lifeline_fd: int) -> None:
    """Entry of the capture process; does not return. The channel stays open to the last moment: its end is the process's end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    sys.excepthook = _die_loudly
    _die_with_the_parent(lifeline_fd)
    channel = socket.socket(fileno=channel_fd)
    start = msgspec.msgpack.decode(channel.recv(_START_B), type=wire.StartMsg)
    channel.setblocking(False)
    quiet_decoders()
    cv2.setNumThreads(1)
    _run(start, _Speaker(channel))
    os._exit(0)  # not through the interpreter's farewell, where a driver's own threads and handlers may hang


def _run(start: wire.StartMsg, speaker: "_Speaker") -> None:
    """Open, deliver, and say how it ended."""
    try:
        with _open(start, speaker) as source:
            reopen = str(source.reopen) if isinstance(source, KnowsItsPlace) else None
            speaker.say(wire.OpenedMsg(source.info, reopen))
            _deliver(source, speaker)
            speaker.say(wire.EndedMsg())
    except SourceLost as error:
        speaker.say(wire.LostMsg(error.reason, error.line()))
    except (UsageError, InputRefused, MachineLacks) as error:
        speaker.say(wire.failed(error))
    except SourceUnreachable as error:
        speaker.say(wire.LostMsg(Reason.UNPLUGGED, error.line()))


def _die_loudly(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An exception that nobody expected: its traceback is for the parent's log, its last line for the screen."""
    traceback.print_exception(kind, error, trace)
    sys.stderr.flush()
    os._exit(1)


def _leave(*_: object) -> None:
    sys.exit(0)  # runs the source's __exit__: an RTSP server wants to hear a farewell, or it keeps the session


def _die_with_the_parent(lifeline_fd: int) -> None:
    fcntl.fcntl(lifeline_fd, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline_fd, fcntl.F_SETFL, fcntl.fcntl(lifeline_fd, fcntl.F_GETFL) | os.O_ASYNC)
    poller = select.poll()
    poller.register(lifeline_fd, select.POLLHUP)
    if poller.poll(0):  # it died before we asked to be told
        sys.exit(0)


def _open(start: wire.StartMsg, speaker: "_Speaker") -> Source:
    """Open the source; when the parent told us to be patient, try until it is there. Raises as `open_parsed`."""
    uri, failures = parse_uri(start.uri), 0
    while True:
        try:
            return open_parsed(uri)
        except SourceUnreachable:
            if not start.is_patient:
                raise
        failures += 1
        speaker.say(wire.WaitingMsg())  # else the parent would take patience for a driver that hangs in open()
        time.sleep(reconnect.delay_ns(failures) / 1e9)


class _Speaker:
    """Sends messages and frames; never waits for the parent. What it cannot send is counted and said later."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._ring: RingWriter | None = None
        self._generation = 0
        self._unsaid: dict[str, int] = {}
        self._captured = 0

    def say(self, message: wire.ToParent, fds: tuple[int, ...] = ()) -> None:
        """A message that must arrive: waits for room, which ends when the parent reads, kills us or dies."""
        data = msgspec.msgpack.encode(message)
        while not self._send(data, fds):
            select.select([], [self._channel], [])

    def frame(self, frame: Frame, captured_ns: int, *, still: bool) -> None:
        """Put a frame into the ring and tell of it; when the parent does not listen, it is lost and counted."""
        self._say_losses()
        height, width, channels = frame.pixels.shape
        if channels != 3 or frame.pixels.dtype != np.uint8:
            raise TypeError(f"a frame is (h, w, 3) uint8, not {frame.pixels.shape} {frame.pixels.dtype}")
        ring = self._ring_for(frame.pixels.nbytes)
        message = wire.FrameMsg(
            self._generation, ring.write(frame.pixels), width, height, captured_ns, self._captured, still, frame.scene,
            frame.rendered, frame.time_s, frame.path,
        )  # fmt: skip
        self._captured += 1
        if not self._send(msgspec.msgpack.encode(message)):
            self._unsaid["receiver behind"] = self._unsaid.get("receiver behind", 0) + 1

    def lose(self, cause: str, count: int) -> None:
        """Frames that were captured and are not delivered."""
        self._captured += count
        self._unsaid[cause] = self._unsaid.get(cause, 0) + count

    def _say_losses(self) -> None:
        for cause, count in list(self._unsaid.items()):
            if self._send(msgspec.msgpack.encode(wire.SkippedMsg(cause, count))):
                del self._unsaid[cause]

    def _ring_for(self, size_b: int) -> RingWriter:
        """The ring, or a new one where the picture outgrew it (a changed resolution)."""
        if self._ring is None or size_b > self._ring.slot_b:
            if self._ring is not None:
                self._ring.close()
            self._ring = RingWriter(size_b)
            self._generation += 1
            self.say(wire.RingMsg(self._generation, self._ring.slots, self._ring.slot_b), (self._ring.fd,))
        return self._ring

    def _send(self, data: bytes, fds: tuple[int, ...] = ()) -> bool:
        try:
            if fds:
                socket.send_fds(self._channel, [data], list(fds))
            else:
                self._channel.send(data)
        except BlockingIOError:
            return False
        except (BrokenPipeError, ConnectionResetError):
            sys.exit(0)  # the parent is gone
        return True


def _deliver(source: Source, speaker: _Speaker) -> None:
    if source.info.paced:
        _play(source, speaker)
        return
    for frame in source:
        _count(source, speaker)
        speaker.frame(frame, frame.captured_ns, still=frame.still)
    _count(source, speaker)


def _count(source: Source, speaker: _Speaker) -> None:
    if isinstance(source, CountsLosses):
        for cause, count in source.take_losses():
            speaker.lose(cause, count)


def _play(source: Source, speaker: _Speaker) -> None:
    """Deliver a recorded source at its own pace; the moment of delivery is its capture time."""
    pacer, gap_ns = Pacer(), _LAST_STILL_NS
    for frame, next_s in _with_next(source):
        time_s = frame.time_s if frame.time_s is not None else 0.0
        due_ns = pacer.due_ns(time_s, time.monotonic_ns())
        if due_ns is None:
            speaker.lose("source behind", 1)
            continue
        if next_s is not None:
            gap_ns = round((next_s - time_s) * 1e9)
        stands_ns = gap_ns if next_s is not None or frame.still else min(gap_ns, STILL_PERIOD_NS)
        again = repeats(due_ns, due_ns + stands_ns)
        still = frame.still or bool(again)
        _wait_until(due_ns)
        speaker.frame(frame, time.monotonic_ns(), still=still)
        for at_ns in again:
            _wait_until(at_ns)
            speaker.frame(frame, time.monotonic_ns(), still=True)
        if next_s is None:
            _wait_until(due_ns + stands_ns)  # the last picture has its time on the screen, too
    _count(source, speaker)


def _with_next(source: Source) -> Iterator[tuple[Frame, float | None]]:
    """Each frame with the time of the one after it (None: the last). What the source raises comes after its last good frame."""
    frames = iter(source)
    before = next(frames, None)
    while before is not None:
        trouble: SonodermError | None = None
        after: Frame | None = None
        try:
            after = next(frames, None)
        except SonodermError as error:
            trouble = error
        yield before, after.time_s if after is not None else None
        if trouble is not None:
            raise trouble
        before = after


def _wait_until(due_ns: int) -> None:
    left_ns = due_ns - time.monotonic_ns()
    if left_ns > 0:
        time.sleep(left_ns / 1e9)
