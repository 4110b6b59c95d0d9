"""One source in a process of its own, which may hang, crash or leak without harm.

    with IsolatedSource("camera:0") as source:
        source.start()
        while not source.is_over:
            match source.next_event(timeout_s=0.05): …

Threads: `next_event` belongs to one receiving thread and never waits longer than its time-out, whatever the driver does; `kill` may be
called from any thread. Events: `Opened`, then `Arrived` and `Skipped`, then exactly one of `Ended`, `Failed`, `Lost`; after a `kill`
nothing more. This is one life of a source; `live.LiveSource` strings lives together.

Why not multiprocessing's spawn: it runs the caller's main module a second time (a script without a guard would start itself again), keeps
a resource-tracker process beside every run (8 MB), and unpickles what the child sends. Here a fresh interpreter is started on
`child.main`; pixels come through `ring`, everything else as typed messages through a datagram socket, so that a child that dies within
a message leaves no half of it behind.
"""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from types import TracebackType
from typing import Self, assert_never

import msgspec

from edge.errors import SourceUnreachable
from edge.frame import Frame, SourceInfo
from edge.reading import Reason
from edge.sources import wire
from edge.sources.events import Arrived, Ended, Event, Failed, Lost, Opened, Skipped
from edge.sources.ring import RingReader
from edge.sources.uri import SourceUri, parse_uri

__all__ = ["IsolatedSource"]

GRACE_S = 0.15  # for a farewell to an RTSP server; a driver that hangs does not use it, and is not waited for
_REAP_S = 0.5
_DATAGRAM_B = 65_536
_TAIL_B = 2_000
_BOOT = "import sys; fds = sys.argv[1:3]; sys.path[:] = sys.argv[3:]; from edge.sources.child import main; main(*map(int, fds))"
_DECODER = msgspec.msgpack.Decoder(wire.ToParent)


class IsolatedSource:
    """One capture process, from its start to its end. Not reusable."""

    def __init__(self, uri: str | SourceUri, *, is_patient: bool = False) -> None:
        """is_patient: a source that is not there is waited for by the process itself. Raises as `parse_uri`."""
        self._uri = parse_uri(uri) if isinstance(uri, str) else uri
        self._is_patient = is_patient
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._errors_fd = self._lifeline_fd = -1
        self._ring: RingReader | None = None
        self._generation = 0
        self._info: SourceInfo | None = None
        self._reopen: SourceUri | None = None
        self._pending: deque[Event] = deque()
        self._said_goodbye = self._is_killed = self._is_over = False
        self._tail = b""
        self.attempts = 0  # to open a source that is away; counts while the process is patient

    @property
    def is_over(self) -> bool:
        """True once the last event was handed out (or the process was killed and is gone)."""
        return self._is_over and not self._pending

    @property
    def pid(self) -> int | None:
        """The capture process, once started."""
        return self._process.pid if self._process else None

    @property
    def reopen_uri(self) -> SourceUri:
        """Where the same device is found again: by identity for cameras, once open; else as it was typed."""
        return self._reopen or self._uri

    def start(self) -> None:
        """Start the capture process; returns at once. Call once."""
        if self._process is not None:
            raise RuntimeError("an IsolatedSource starts once")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        lifeline_theirs, self._lifeline_fd = os.pipe()
        self._errors_fd, errors_theirs = os.pipe()
        os.set_blocking(errors_theirs, False)  # a child that floods stderr loses words, never time
        os.set_blocking(self._errors_fd, False)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-X", "faulthandler", "-c", _BOOT, str(theirs.fileno()), str(lifeline_theirs), *sys.path],
                stdin=subprocess.DEVNULL, stdout=errors_theirs, stderr=errors_theirs, pass_fds=(theirs.fileno(), lifeline_theirs),
                start_new_session=True,  # Ctrl-C in a terminal reaches the parent alone, also while Python is still starting there
                env=_environment(),
            )  # fmt: skip
        finally:
            theirs.close()
            os.close(lifeline_theirs)
            os.close(errors_theirs)
        self._channel = ours
        ours.setblocking(False)
        try:
            ours.send(msgspec.msgpack.encode(wire.StartMsg(self._uri.exact, self._is_patient)))
        except (BrokenPipeError, ConnectionResetError):
            return  # it is dead already; next_event will say so

    def next_event(self, timeout_s: float) -> Event | None:
        """The next event; None when nothing happened within timeout_s, or nothing will (`is_over`)."""
        deadline = time.monotonic() + timeout_s
        while not self._pending and not self._is_over:
            left_s = max(0.0, deadline - time.monotonic())
            if not self._listen(left_s) and time.monotonic() >= deadline:
                return None
        return self._pending.popleft() if self._pending else None

    def kill(self, grace_s: float = GRACE_S) -> None:
        """End the capture process, whatever it does; returns after grace_s and a moment at most. From any thread; again is harmless."""
        self._is_killed = True
        if self._process is not None:
            _end(self._process, grace_s)

    def close(self) -> None:
        """Kill, and give back everything. From the receiving thread."""
        self.kill()
        self._hang_up()
        self._is_over = True
        self._pending.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _listen(self, timeout_s: float) -> bool:
        """Wait for something and turn it into events; False when nothing came."""
        if self._channel is None:
            raise RuntimeError("start() comes first")
        poller = select.poll()
        poller.register(self._channel, select.POLLIN)
        if self._errors_fd >= 0:
            poller.register(self._errors_fd, select.POLLIN)
        ready = {fd for fd, _ in poller.poll(timeout_s * 1000)}
        if self._errors_fd in ready:
            self._keep_errors()
        if self._channel.fileno() not in ready:
            return bool(ready)
        try:
            data, fds, _, _ = socket.recv_fds(self._channel, _DATAGRAM_B, 1)
        except BlockingIOError:
            return True
        except ConnectionResetError:
            data, fds = b"", []
        if data:
            self._understand(data, fds)
        else:
            self._finish()
        return True

    def _understand(self, data: bytes, fds: list[int]) -> None:
        try:
            message = _DECODER.decode(data)
            if isinstance(message, wire.RingMsg):
                self._take_ring(message, fds.pop())
            else:
                self._pending.extend(self._events_of(message))
        except (msgspec.MsgspecError, ValueError, IndexError) as error:
            self._pending.append(Lost(Reason.DRIVER_CRASHED, f"the capture process of {self._uri} spoke nonsense ({error})"))
            self._said_goodbye = True
            if self._process is not None:
                _end(self._process, grace_s=0)
        finally:
            for fd in fds:
                os.close(fd)

    def _events_of(self, message: wire.ToParent) -> tuple[Event, ...]:
        if isinstance(message, wire.FrameMsg):
            return (self._arrived(message),)
        if isinstance(message, wire.OpenedMsg):
            self._info = message.info
            self._reopen = parse_uri(message.reopen_uri) if message.reopen_uri is not None else None
            return (Opened(message.info),)
        if isinstance(message, wire.SkippedMsg):
            return (Skipped(message.cause, message.count),)
        if isinstance(message, wire.WaitingMsg):
            self.attempts += 1
            return ()
        self._said_goodbye = True
        if isinstance(message, wire.EndedMsg):
            return (Ended(),)
        if isinstance(message, wire.FailedMsg):
            return (Failed(wire.error_of(message)),)
        if isinstance(message, wire.LostMsg):
            # Never open: there is nothing to come back to, so it is the caller's error and not a loss.
            return (Lost(message.reason, message.text),) if self._info is not None else (Failed(SourceUnreachable(message.text)),)
        if isinstance(message, wire.RingMsg):
            return ()
        assert_never(message)

    def _take_ring(self, message: wire.RingMsg, fd: int) -> None:
        ring = RingReader(fd, message.slots, message.slot_b)
        if self._ring is not None:
            self._ring.close()
        self._ring, self._generation = ring, message.generation

    def _arrived(self, message: wire.FrameMsg) -> Event:
        if self._ring is None or self._info is None or message.generation != self._generation:
            raise ValueError("a frame without its ring")
        pixels = self._ring.read(message.seq, message.height, message.width)
        if pixels is None:
            return Skipped("overwritten", 1)
        return Arrived(
            Frame(
                pixels=pixels, captured_ns=message.captured_ns, index=message.index, source=self._info.name, still=message.still,
                scene=message.scene, rendered=message.rendered, time_s=message.time_s, path=message.path,
            )
        )  # fmt: skip

    def _finish(self) -> None:
        """The channel is closed: the process is ending or has ended."""
        self._is_over = True
        process = self._process
        if process is not None and not _gone(process, _REAP_S):
            _end(process, grace_s=0)
        self._keep_errors()
        if not self._said_goodbye and not self._is_killed and process is not None:
            self._pending.append(Lost(Reason.DRIVER_CRASHED, f"{self._uri}: {_cause_of_death(process.returncode)}{self._last_words()}"))
        self._hang_up()

    def _keep_errors(self) -> None:
        while self._errors_fd >= 0:
            try:
                data = os.read(self._errors_fd, _DATAGRAM_B)
            except BlockingIOError:
                return
            if not data:
                os.close(self._errors_fd)
                self._errors_fd = -1
            self._tail = (self._tail + data)[-_TAIL_B:]

    def _last_words(self) -> str:
        lines = self._uri.scrubbed(self._tail.decode("utf-8", "replace")).strip().splitlines()
        fatal = [line for line in lines if line.startswith("Fatal")]
        return f" ({(fatal or lines)[-1].strip()})" if lines else ""

    def _hang_up(self) -> None:
        if self._channel is not None:
            self._channel.close()
        for fd in (self._errors_fd, self._lifeline_fd):
            if fd >= 0:
                os.close(fd)
        self._errors_fd = self._lifeline_fd = -1
        if self._ring is not None:
            self._ring.close()
            self._ring = None


def _environment() -> dict[str, str]:
    """One thread per library in there: capture needs no more, and idle thread pools cost memory."""
    quiet = {"OPENCV_LOG_LEVEL": "SILENT", "OPENCV_FFMPEG_LOGLEVEL": "-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    # OpenCV's own wait for a V4L2 buffer is 10 s; ours is `reconnect.Patience`, and this one only has to be shorter.
    return {"OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "1", **quiet, **os.environ}


def _end(process: subprocess.Popen[bytes], grace_s: float) -> None:
    if process.poll() is not None:
        return
    if grace_s > 0:
        process.send_signal(signal.SIGTERM)
        if _gone(process, grace_s):
            return
    process.send_signal(signal.SIGKILL)
    _gone(process, _REAP_S)  # one that sits in an uninterruptible system call goes when the kernel lets it


def _gone(process: subprocess.Popen[bytes], within_s: float) -> bool:
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _cause_of_death(code: int | None) -> str:
    if code is None:
        return "the driver hangs in the kernel"
    if code < 0:
        try:
            return f"the driver crashed with {signal.Signals(-code).name}"
        except ValueError:
            return f"the driver crashed with signal {-code}"
    return f"the driver's process ended with code {code}"
