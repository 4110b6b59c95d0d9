"""The viewers of one web view, and what each of them is told. Lives on the server's event loop; nothing here waits for a viewer.

There is no queue: a viewer is sent the newest message when it has room, and has room for CREDIT messages that it has not yet
acknowledged as drawn. So a slow phone or a full socket delays nobody and never shows a backlog; what it missed is counted.
"""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, field

from starlette.websockets import WebSocket, WebSocketDisconnect

from edge.reading import Command, CommandPort, View
from edge.sinks.expiry import is_expired
from edge.sinks.table import Surroundings
from edge.sinks.web.picture import Encoded, JpegMaker
from edge.sinks.web.wire import PictureNote, header_of, pack, parse_from_page, pong

__all__ = ["BEAT_S", "VIEWERS_MAX", "Hub"]

VIEWERS_MAX = 8
CREDIT = 2  # one on the way, one being drawn
BEAT_S = 0.15  # a page hears from us at least so often: less than a third of the age limit
STUCK_S = 5.0  # a viewer that draws nothing for so long is let go; the page comes back by itself
FULL, REFUSED, NONSENSE = 4408, 4401, 4400  # close codes that the page turns into words


@dataclass(slots=True, eq=False)
class Viewer:
    socket: WebSocket
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    sent_n: int = 0
    in_flight: deque[int] = field(default_factory=deque)  # the n that are not acknowledged, oldest first; at most CREDIT
    sent_key: int = -1
    skipped: int = 0
    answers: list[str] = field(default_factory=list)  # bounded by one per question of this viewer
    moved_at: float = 0.0  # event-loop time of the last acknowledgement


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """The newest view as its two messages: with its picture, and for viewers that have it already."""

    n: int
    key: int
    full: bytes
    bare: bytes


class Hub:
    def __init__(self, around: Surroundings, jpegs: JpegMaker) -> None:
        self._around, self._jpegs = around, jpegs
        self._viewers: set[Viewer] = set()
        self._view: View | None = None
        self._encoded: Encoded | None = None
        self._shown: Shown | None = None
        self._n = 0
        self._published_at = 0.0
        self.commands: CommandPort | None = None
        self.served = 0  # viewers ever let in

    @property
    def viewers(self) -> int:
        return len(self._viewers)

    def publish(self, view: View, encoded: Encoded | None) -> None:
        """A new view for everybody, its picture encoded where anyone looks. On the event loop."""
        self._view, self._encoded = view, encoded
        self._make()
        self._wake_all()

    def _make(self) -> None:
        if self._view is None:
            return
        self._n += 1
        now_ns = self._around.clock_ns()
        note, jpeg = None, b""
        if self._encoded is not None and self._view.pixels is not None and not is_expired(self._view, now_ns):
            high, wide = self._view.pixels.shape[:2]
            note, jpeg = PictureNote(self._encoded.key, self._view.reading.frame, wide, high), self._encoded.jpeg
        header = header_of(self._view, note, self._n, now_ns, self._around.wall())
        self._shown = Shown(self._n, note.key if note else -1, pack(header, jpeg), pack(header, b""))
        self._published_at = asyncio.get_running_loop().time()

    def _wake_all(self) -> None:
        for viewer in self._viewers:
            if len(viewer.in_flight) >= CREDIT:
                viewer.skipped += 1
            viewer.wake.set()

    async def beat(self) -> None:
        """Says the newest view again while nothing newer comes, as it may be said then. Runs as long as the server."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(BEAT_S / 2)
            if self._viewers and loop.time() - self._published_at >= BEAT_S / 2:
                self._make()
                for viewer in self._viewers:
                    viewer.wake.set()
            for viewer in list(self._viewers):
                if len(viewer.in_flight) >= CREDIT and loop.time() - viewer.moved_at > STUCK_S:
                    self._viewers.discard(viewer)
                    viewer.wake.set()

    async def serve(self, socket: WebSocket) -> None:
        """One admitted viewer, until it leaves."""
        if len(self._viewers) >= VIEWERS_MAX:
            await socket.close(FULL, "viewer limit")
            return
        viewer = Viewer(socket, moved_at=asyncio.get_running_loop().time())
        self._viewers.add(viewer)
        self.served += 1
        await self._catch_up()
        viewer.wake.set()
        writing = asyncio.create_task(self._write(viewer))
        reading = asyncio.create_task(self._read(viewer))
        try:
            await asyncio.wait((writing, reading), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._viewers.discard(viewer)
            for task in (writing, reading):
                task.cancel()
            outcomes = await asyncio.gather(writing, reading, return_exceptions=True)
            with contextlib.suppress(RuntimeError, OSError, WebSocketDisconnect):
                await asyncio.wait_for(socket.close(), 1.0)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def _catch_up(self) -> None:
        """The picture of a view that nobody looked at was not encoded: now somebody does (it may be frozen, and the last for long)."""
        view = self._view
        if view is not None and view.pixels is not None and self._encoded is None:
            encoded = await asyncio.to_thread(self._jpegs.encode, view.pixels)
            if view is self._view:
                self._encoded = encoded
        self._make()

    async def _write(self, viewer: Viewer) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError, TimeoutError):
            while viewer in self._viewers:
                await viewer.wake.wait()
                viewer.wake.clear()
                while viewer.answers:
                    await asyncio.wait_for(viewer.socket.send_text(viewer.answers.pop(0)), STUCK_S)
                shown = self._shown
                if shown is None or shown.n == viewer.sent_n or len(viewer.in_flight) >= CREDIT:
                    continue
                viewer.in_flight.append(shown.n)
                viewer.sent_n = shown.n
                data = shown.bare if shown.key == viewer.sent_key else shown.full
                viewer.sent_key = shown.key
                await asyncio.wait_for(viewer.socket.send_bytes(data), STUCK_S)

    async def _read(self, viewer: Viewer) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError, KeyError):
            while True:
                said = parse_from_page(await viewer.socket.receive_text())
                if said is None:
                    await viewer.socket.close(NONSENSE, "not understood")
                    return
                if said.ack is not None and viewer.in_flight and viewer.in_flight[0] <= said.ack:
                    while viewer.in_flight and viewer.in_flight[0] <= said.ack:
                        viewer.in_flight.popleft()
                    viewer.moved_at = asyncio.get_running_loop().time()
                    viewer.wake.set()
                if said.ping is not None and len(viewer.answers) < CREDIT:
                    viewer.answers.append(pong(said.ping, self._around.clock_ns(), viewer.skipped))
                    viewer.wake.set()
                if said.cmd is not None and self.commands is not None:
                    self.commands(Command(said.cmd))
