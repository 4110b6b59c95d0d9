"""`url:` a stream or clip over the network: MJPEG over HTTP, RTSP, and whatever else FFmpeg reads (http clips, transport streams).

Options stand behind "#", where no server sees them: `url:rtsp://cam/live#transport=udp&read_timeout_s=3`. Every wait has a limit, given to
FFmpeg at opening (its own is 30 s, and later settings have no effect). Name, password and query of an address appear in no message.

MJPEG is read by `mjpeg`, with the time at which each picture began to arrive. A live stream through FFmpeg is timed by `stream_clock`,
so that a backlog is as old as it is; pictures that are old already are passed over. An http clip (it has a length) is played at its own
pace.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from typing import Self
from urllib.parse import urlsplit

import cv2
import numpy as np

from edge.errors import PartialInput, UsageError
from edge.frame import U8, Frame, Source, SourceInfo
from edge.reading import Reason
from edge.sources.http import open_http
from edge.sources.jpeg_damage import decode_jpeg
from edge.sources.lost import SourceLost
from edge.sources.mjpeg import MultipartDecoder, NotMultipart, boundary_of, is_whole_jpeg
from edge.sources.quiet import quiet_decoders
from edge.sources.stream_clock import OLD_NS, StreamClock
from edge.sources.uri import SourceUri, public_address

__all__ = ["OPTIONS", "FfmpegStream", "MjpegStream", "open_source"]

OPTIONS = frozenset({"open_timeout_s", "read_timeout_s", "transport"})

OPEN_TIMEOUT_S = 1.5
READ_TIMEOUT_S = 1.5
_READ_B = 1 << 20  # all that lies in the socket, so that only the newest picture of a backlog is decoded
_PORTS = {"rtsp": 554, "rtsps": 322}
_WAIT_NS = 2_000_000  # in one grab without using the processor: it stood still for the network
_MOST_OLD = 100


def open_source(uri: SourceUri) -> Source:
    """Open a stream. Raises UsageError, SourceLost, SourceUnreachable, all without the address's secrets."""
    open_s = uri.number("open_timeout_s", low=0.1, high=60) or OPEN_TIMEOUT_S
    read_s = uri.number("read_timeout_s", low=0.1, high=60) or READ_TIMEOUT_S
    transport = uri.choice("transport", ("tcp", "udp")) or "tcp"
    _check_host(uri.target)
    quiet_decoders()
    cv2.setNumThreads(1)
    if uri.target.startswith(("rtsp:", "rtsps:")):
        _reach(uri.target, open_s)
        return FfmpegStream(uri, open_s, read_s, is_clip=False, transport=transport)
    answer = open_http(uri.target, open_s)
    content_type = answer.headers.get("Content-Type", "")
    boundary = boundary_of(content_type)
    if boundary is not None:
        return MjpegStream(uri, answer, boundary, read_s)
    has_length = answer.headers.get("Content-Length") is not None
    answer.close()
    is_playlist = "mpegurl" in content_type.lower() or urlsplit(uri.target).path.endswith(".m3u8")
    return FfmpegStream(uri, open_s, read_s, is_clip=has_length and not is_playlist, transport=transport)


class MjpegStream:
    """A camera that pushes JPEG pictures over HTTP. It has no end: a closed connection is a loss."""

    def __init__(self, uri: SourceUri, answer: HTTPResponse, boundary: bytes, read_timeout_s: float) -> None:
        self._answer, self._boundary, self._read_timeout_s = answer, boundary, read_timeout_s
        self._shown = public_address(uri.target)
        self._losses: dict[str, int] = {}
        _set_timeout(answer, read_timeout_s)
        self._info = SourceInfo(uri=str(uri), name=self._shown)

    @property
    def info(self) -> SourceInfo:
        return self._info

    def take_losses(self) -> tuple[tuple[str, int], ...]:
        """Pictures left out since last asked, by cause."""
        losses, self._losses = tuple(self._losses.items()), {}
        return losses

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._answer.close()

    def __iter__(self) -> Iterator[Frame]:
        decoder, index = MultipartDecoder(self._boundary), 0
        while True:
            data = self._read()
            try:
                parts = decoder.feed(data, time.monotonic_ns())
            except NotMultipart as error:
                raise SourceLost(f"{self._shown}: sends no MJPEG ({error})", reason=Reason.UNPLUGGED, do="check the address") from error
            for part in parts[:-1]:
                index += 1
                self._lose("source behind" if is_whole_jpeg(part.body) else "torn")
            for part in parts[-1:]:
                pixels = _decode(part.body)
                if pixels is None:
                    self._lose("torn")
                else:
                    yield Frame(pixels, part.arrived_ns, index, self._shown)
                index += 1

    def _lose(self, cause: str) -> None:
        self._losses[cause] = self._losses.get(cause, 0) + 1

    def _read(self) -> bytes:
        try:
            data = self._answer.read1(_READ_B)
        except TimeoutError:
            raise SourceLost(
                f"{self._shown}: nothing came for {self._read_timeout_s:g} s",
                reason=Reason.STALLED,
                do="a slower stream: #read_timeout_s=5",
            ) from None
        except (OSError, HTTPException) as error:
            raise self._closed() from error
        if not data:
            raise self._closed()
        return data

    def _closed(self) -> SourceLost:
        return SourceLost(f"{self._shown}: the camera closed the stream", reason=Reason.UNPLUGGED, do="it is tried again")


class FfmpegStream:
    """A stream or clip that FFmpeg reads. is_clip: it has an end, and is played at its own pace."""

    def __init__(self, uri: SourceUri, open_timeout_s: float, read_timeout_s: float, *, is_clip: bool, transport: str) -> None:
        self._shown, self._read_timeout_s, self._is_clip = public_address(uri.target), read_timeout_s, is_clip
        self._old = 0
        limits = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(open_timeout_s * 1000), cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(read_timeout_s * 1000),
            cv2.CAP_PROP_N_THREADS, 1,  # more threads hold back as many pictures
            cv2.CAP_PROP_HW_ACCELERATION, cv2.VIDEO_ACCELERATION_NONE,
        ]  # fmt: skip
        began_s = time.monotonic()
        with _ffmpeg_options(_low_delay(transport) if not is_clip else ""):
            self._capture = cv2.VideoCapture(uri.target, cv2.CAP_FFMPEG, limits)
        if not self._capture.isOpened():
            if time.monotonic() - began_s >= 0.9 * open_timeout_s:
                raise SourceLost(f"{self._shown}: no answer within {open_timeout_s:g} s", reason=Reason.STALLED, do="is the camera on?")
            raise SourceLost(f"{self._shown}: no video that can be read", reason=Reason.UNPLUGGED, do="check path, user and password")
        fps, count = self._capture.get(cv2.CAP_PROP_FPS), self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._info = SourceInfo(
            uri=str(uri),
            name=self._shown,
            fps=fps if 0 < fps < 1000 else None,
            frames=int(count) if is_clip and 0 < count < 1e9 else None,
            paced=is_clip,
        )

    @property
    def info(self) -> SourceInfo:
        return self._info

    def take_losses(self) -> tuple[tuple[str, int], ...]:
        """Pictures passed over since last asked."""
        old, self._old = self._old, 0
        return (("source behind", old),) if old else ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._capture.release()

    def __iter__(self) -> Iterator[Frame]:
        clock, index, old_in_a_row = StreamClock(), 0, 0
        while True:
            began_ns, worked_ns = time.monotonic_ns(), time.thread_time_ns()
            if not self._capture.grab():
                self._judge_the_end(index, (time.monotonic_ns() - began_ns) / 1e9)
                return
            arrived_ns = time.monotonic_ns()
            waited = arrived_ns - began_ns - (time.thread_time_ns() - worked_ns) > _WAIT_NS
            time_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            captured_ns = arrived_ns if self._is_clip else clock.captured_ns(time_s, arrived_ns, waited=waited)
            if arrived_ns - captured_ns > OLD_NS and old_in_a_row < _MOST_OLD:
                old_in_a_row, self._old, index = old_in_a_row + 1, self._old + 1, index + 1
                continue
            old_in_a_row = 0
            good, picture = self._capture.retrieve()
            if not good or picture is None:
                self._judge_the_end(index, 0.0)
                return
            yield Frame(_rgb(picture), captured_ns, index, self._shown, time_s=time_s if self._is_clip else None)
            index += 1

    def _judge_the_end(self, read: int, waited_s: float) -> None:
        """Returns at the end of a clip; raises for everything else that ends a stream."""
        if waited_s >= 0.9 * self._read_timeout_s:
            raise SourceLost(f"{self._shown}: nothing came for {self._read_timeout_s:g} s", reason=Reason.STALLED, do="it is tried again")
        if not self._is_clip or read == 0:
            raise SourceLost(f"{self._shown}: the stream was closed", reason=Reason.UNPLUGGED, do="it is tried again")
        counted = self._info.frames
        if counted is not None and read + max(2, counted // 10) < counted:
            raise PartialInput(
                f"{self._shown}: partial, it broke off after {read} of about {counted} frames",
                state="results hold for the part that was read",
                do="try again",
            )


def _check_host(address: str) -> None:
    """Raises UsageError for a name that no resolver could be asked for: an empty label, or one of more than 63 letters."""
    try:
        (urlsplit(address).hostname or "").encode("idna")
    except UnicodeError:
        raise UsageError(f"{public_address(address)}: is no host name", do="for example url:rtsp://192.168.0.20:554/live") from None


def _reach(address: str, timeout_s: float) -> None:
    """Is anybody there at all? FFmpeg tells "refused" and "unknown host" only by one and the same silence."""
    parts = urlsplit(address)
    shown = public_address(address)
    try:
        socket.create_connection((parts.hostname or "", parts.port or _PORTS[parts.scheme]), timeout_s).close()
    except TimeoutError:
        raise SourceLost(f"{shown}: no answer within {timeout_s:g} s", reason=Reason.STALLED, do="is the camera on this network?") from None
    except OSError as error:
        words = error.strerror or type(error).__name__
        raise SourceLost(f"{shown}: not reachable ({words})", reason=Reason.UNPLUGGED, do="check host, port and network") from None


def _low_delay(transport: str) -> str:
    return f"rtsp_transport;{transport}|fflags;nobuffer|flags;low_delay|analyzeduration;1000000"


@contextmanager
def _ffmpeg_options(options: str) -> Iterator[None]:
    """OpenCV takes FFmpeg's options from the environment alone, at opening. A person's own setting wins."""
    name = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
    if not options or name in os.environ:
        yield
        return
    os.environ[name] = options
    try:
        yield
    finally:
        del os.environ[name]


def _set_timeout(answer: HTTPResponse, timeout_s: float) -> None:
    """From connecting to reading: the body's socket gets the other limit."""
    raw = getattr(answer.fp, "raw", None)
    connection = getattr(raw, "_sock", None)
    if isinstance(connection, socket.socket):
        connection.settimeout(timeout_s)


def _decode(jpeg: bytes) -> U8 | None:
    """A JPEG -> (h, w, 3) uint8 RGB, or None when it is not whole, damaged, or cannot be decoded."""
    if not is_whole_jpeg(jpeg):
        return None
    picture, damaged = decode_jpeg(jpeg, cv2.IMREAD_COLOR)
    return None if picture is None or damaged else _rgb(picture)


def _rgb(bgr: cv2.typing.MatLike) -> U8:
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)
