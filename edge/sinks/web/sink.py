"""The web sink: a server on a thread of its own, and the hand-over of views to it.

The socket is bound when the sink is made, so that a port in use is known before any camera opens. Pictures are encoded on
the sink's thread, once for all viewers, and not at all while nobody looks.
"""

import asyncio
import errno
import socket
import threading
from collections.abc import Sequence

import uvicorn

from edge.errors import MachineLacks, UsageError
from edge.reading import CommandPort, View
from edge.sinks.table import Surroundings
from edge.sinks.web.access import Access, is_loopback, new_token
from edge.sinks.web.app import Extra, make_app
from edge.sinks.web.hub import Hub
from edge.sinks.web.picture import JpegMaker

__all__ = ["WebSink", "bind", "make", "parse_target"]

LOOPBACK = "127.0.0.1"
CLOSE_S = 3.0
MESSAGE_MAX_B = 4096  # nothing that a page says is longer


class WebSink:
    """`url` is known from the start; the page is there once `open` has returned."""

    def __init__(self, listener: socket.socket, around: Surroundings, extras: Sequence[Extra] = ()) -> None:
        host, port = listener.getsockname()[:2]
        self._listener = listener
        self._access = Access(host, port, None if is_loopback(host) else new_token())
        self.url = self._access.url()
        self.name = f"web:{host}:{port}"
        self._around = around
        self._jpegs = JpegMaker()
        self._hub = Hub(around, self._jpegs)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        config = uvicorn.Config(
            make_app(self._hub, self._access, extras),
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            ws="websockets-sansio",
            ws_max_size=MESSAGE_MAX_B,
            ws_per_message_deflate=False,  # a JPEG does not shrink
            ws_ping_interval=5.0,
            ws_ping_timeout=5.0,
            timeout_graceful_shutdown=1,
            lifespan="on",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    @property
    def viewers(self) -> int:
        return self._hub.viewers

    def open(self, commands: CommandPort) -> None:
        self._hub.commands = commands
        self._thread.start()
        self._ready.wait(CLOSE_S)
        if self._access.token is not None:
            self._around.say(
                f"web: {self._access.host} is open to this network: whoever has the address below, with its token, sees the picture"
            )
        self._around.say(f"web: {self.url}")

    def show(self, view: View) -> None:
        loop = self._loop
        if loop is None:
            return
        looked_at = view.pixels is not None and self._hub.viewers > 0
        encoded = self._jpegs.encode(view.pixels) if looked_at and view.pixels is not None else None
        try:
            loop.call_soon_threadsafe(self._hub.publish, view, encoded)
        except RuntimeError:  # the loop has ended since
            self._loop = None

    def close(self) -> None:
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(CLOSE_S)
        self._listener.close()

    def _run(self) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            self._ready.set()  # the socket listens already: a page that comes now waits for the first answer
            await self._server.serve(sockets=[self._listener])

        try:
            asyncio.run(serve())
        finally:
            self._loop = None


def parse_target(target: str) -> tuple[str, int]:
    """ "", "8080", ":8080", "127.0.0.1:8080", "[::1]:8080" -> (host, port); port 0 is any free one. Raises UsageError."""
    host, colon, port = target.rpartition(":")
    if not colon:
        host, port = ("", target) if target.isdigit() or not target else (target, "")
    host = host.removeprefix("[").removesuffix("]") or LOOPBACK
    if not (port or "0").isdigit() or not port.isascii() or int(port or 0) > 65535 or any(c in host for c in "/?#@ "):
        raise UsageError(f"web: cannot read the address {target!r}", do="web:8080, or web:127.0.0.1:8080")
    return host, int(port or 0)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises MachineLacks in one line: port in use, not permitted, address not of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(64)
    except OSError as failed:
        listener.close()
        why, do = {
            errno.EADDRINUSE: ("is in use", "take another port, or web:0 for a free one"),
            errno.EACCES: ("may not be opened by you", "take a port above 1023"),
            errno.EADDRNOTAVAIL: ("is no address of this machine", "web:127.0.0.1:0 for this machine alone"),
        }.get(failed.errno or 0, (f"cannot be opened: {failed.strerror or failed}", "web:127.0.0.1:0 for this machine alone"))
        raise MachineLacks(f"web: {host}:{port} {why}", do=do) from failed
    return listener


def make(target: str, around: Surroundings) -> WebSink:
    """Raises UsageError and MachineLacks."""
    return WebSink(bind(*parse_target(target)), around)
