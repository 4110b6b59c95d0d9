"""Small real servers on the loopback address: a camera that pushes MJPEG over HTTP, a web server with a clip, an RTSP camera.

Each has habits that a test changes while it runs. They use threads and sockets, never a clock of their own to wait on but Event.wait.
"""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import cv2
import numpy as np


def a_jpeg(level: int, size_px: tuple[int, int] = (64, 48)) -> bytes:
    """A picture with a gradient, brighter by level."""
    picture = np.full((size_px[1], size_px[0], 3), 60 + level % 120, np.uint8)
    picture[:, : size_px[0] // 2] //= 2
    return cv2.imencode(".jpg", picture)[1].tobytes()


class Server:
    """Accepts on a free port of 127.0.0.1; each connection has a thread. `down` refuses everybody and drops who is there."""

    def __init__(self, port: int = 0) -> None:
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port: int = self._socket.getsockname()[1]
        self._over = threading.Event()
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.requests: list[bytes] = []

    def serve(self, connection: socket.socket, head: bytes) -> None:
        """Answer one request, whose head was read."""
        raise NotImplementedError

    def pause(self, seconds: float) -> bool:
        """Wait; False once the server is over."""
        return not self._over.wait(seconds)

    def drop(self) -> None:
        """Close every connection, as a camera does that restarts."""
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.drop()
        for thread in self._threads:
            thread.join(10)
        for connection in self._connections:
            connection.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._connections.append(connection)
            thread = threading.Thread(target=self._talk, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _talk(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for head in _heads(connection):
                self.requests.append(head)
                self.serve(connection, head)
            connection.shutdown(socket.SHUT_RDWR)


def _heads(connection: socket.socket) -> Iterator[bytes]:
    """Requests without bodies, one after the other, until the other side closes."""
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            more = connection.recv(65_536)
            if not more:
                return
            data += more
        head, _, data = data.partition(b"\r\n\r\n")
        yield head


class MjpegCamera(Server):
    """habit: ok; stall (the socket stays open); torn (every picture cut in half); silent (accepts, never answers); 404; 401; nonsense."""

    def __init__(self, *, fps: float = 30, habit: str = "ok", port: int = 0, boundary: str = "frame", with_length: bool = True) -> None:
        super().__init__(port)
        self.habit, self.period_s = habit, 1 / fps
        self._boundary, self._with_length = boundary, with_length
        self.sent = 0

    @property
    def uri(self) -> str:
        return f"url:http://127.0.0.1:{self.port}/live.mjpg"

    def serve(self, connection: socket.socket, head: bytes) -> None:
        if self.habit == "silent":
            while self.pause(0.05):
                pass
            return
        if self.habit in {"404", "401"}:
            demand = b'WWW-Authenticate: Basic realm="camera"\r\n' if self.habit == "401" else b""
            if self.habit == "404" or b"Authorization: Basic YWRtaW46czNjcmV0" not in head:
                connection.sendall(
                    b"HTTP/1.1 " + self.habit.encode() + b" No\r\n" + demand + b"Content-Length: 0\r\nConnection: close\r\n\r\n"
                )
                return
        if self.habit == "nonsense":
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html>Please log in</html>")
            connection.shutdown(socket.SHUT_RDWR)
            return
        kind = f"multipart/x-mixed-replace; boundary={self._boundary}"
        connection.sendall(f"HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode())
        while self.pause(self.period_s):
            if self.habit == "stall":
                continue
            jpeg = a_jpeg(self.sent)
            if self.habit == "torn":
                jpeg = jpeg[: len(jpeg) // 2]
            length = f"Content-Length: {len(jpeg)}\r\n" if self._with_length else ""
            connection.sendall(f"--{self._boundary}\r\nContent-Type: image/jpeg\r\n{length}\r\n".encode() + jpeg + b"\r\n")
            self.sent += 1


class ClipServer(Server):
    """A web server with one clip; breaks_off: closes after this share of it. No ranges, as the simplest servers have none."""

    def __init__(self, clip: Path, *, breaks_off: float = 1.0) -> None:
        super().__init__()
        self._data, self._breaks_off = clip.read_bytes(), breaks_off

    @property
    def uri(self) -> str:
        return f"url:http://127.0.0.1:{self.port}/clip.mp4"

    def serve(self, connection: socket.socket, head: bytes) -> None:
        length = f"Content-Type: video/mp4\r\nContent-Length: {len(self._data)}\r\nConnection: close\r\n\r\n"
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + length.encode())
        if not head.startswith(b"HEAD"):
            connection.sendall(self._data[: round(len(self._data) * self._breaks_off)])
        connection.shutdown(socket.SHUT_RDWR)


class RtspCamera(Server):
    """An RTSP camera (RFC 2326) over TCP interleaved, sending a transport stream in RTP (RFC 2250, payload type 33). habit: ok, stall."""

    def __init__(self, transport_stream: Path, seconds: float) -> None:
        super().__init__()
        self._packets = transport_stream.read_bytes()
        self._seconds = seconds
        self.habit, self.speed = "ok", 1.0
        self.heard: list[str] = []

    @property
    def uri(self) -> str:
        return f"url:rtsp://127.0.0.1:{self.port}/live"

    def serve(self, connection: socket.socket, head: bytes) -> None:
        lines = head.decode("latin-1").split("\r\n")
        method = lines[0].split()[0]
        self.heard.append(method)
        sequence = next((line for line in lines if line.lower().startswith("cseq")), "CSeq: 0")
        extra, body = "Session: 1\r\n", ""
        if method == "OPTIONS":
            extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        elif method == "DESCRIBE":
            body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:track0\r\n"
            extra = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        elif method == "SETUP":
            extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
        connection.sendall(f"RTSP/1.0 200 OK\r\n{sequence}\r\n{extra}\r\n{body}".encode())
        if method == "PLAY":
            self._play(connection)

    def _play(self, connection: socket.socket) -> None:
        chunks = [self._packets[at : at + 7 * 188] for at in range(0, len(self._packets), 7 * 188)]
        began_s, stalled_s = time.monotonic(), 0.0
        for number, chunk in enumerate(chunks):
            at_s = self._seconds * number / len(chunks)
            while self.habit == "stall" and self.pause(0.02):
                stalled_s += 0.02
            if not self.pause(max(0.0, at_s / self.speed + stalled_s - (time.monotonic() - began_s))):
                return
            rtp = struct.pack(">BBHII", 0x80, 33, number & 0xFFFF, round(90_000 * at_s) & 0xFFFFFFFF, 7) + chunk
            connection.sendall(b"$\0" + struct.pack(">H", len(rtp)) + rtp)
