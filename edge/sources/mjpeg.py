"""MJPEG over HTTP (multipart/x-mixed-replace, RFC 2046 §5.1): bytes in, JPEG pictures out. Sans-IO.

Why not FFmpeg: its reader swallows the first seconds of a slow stream to guess the rate and then delivers them late with the times of
25 fps, whatever the camera does; here a picture has the time at which its first byte arrived. (Not its last: without a Content-Length a
picture is known to be complete only when the next boundary comes, one period later. It is then delivered late, with its true age. The end
marker of a JPEG would not do: the small picture inside a picture has one, too.)

Cameras are sloppy: a boundary with or without its dashes, bare line feeds, a Content-Length that is missing or lies. The decoder
finds the next boundary again after any of it. Its memory is bounded.
"""

import re
from dataclasses import dataclass, field

__all__ = ["MAX_HEAD_B", "MAX_PART_B", "MultipartDecoder", "NotMultipart", "Part", "boundary_of", "is_whole_jpeg"]

MAX_HEAD_B = 16_384
MAX_PART_B = 32_000_000

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,9})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


class NotMultipart(ValueError):
    """The stream is no multipart stream, or its parts are larger than any picture."""


def boundary_of(content_type: str) -> bytes | None:
    """The boundary of a Content-Type header, without leading dashes; None when it is not multipart or names none."""
    if not content_type.lower().startswith("multipart/"):
        return None
    found = _BOUNDARY.search(content_type)
    name = found[1].strip().lstrip("-") if found else ""
    return name.encode("latin-1", "replace") or None


def is_whole_jpeg(data: bytes) -> bool:
    """True when a JPEG has its first and its last marker: a decoder paints what is missing grey and says nothing."""
    return data.startswith(b"\xff\xd8") and data.rstrip(b"\x00\r\n").endswith(b"\xff\xd9")


@dataclass(frozen=True, slots=True)
class Part:
    """The body of a part, and when the first of its bytes arrived."""

    body: bytes
    arrived_ns: int


@dataclass(slots=True)
class MultipartDecoder:
    """Cuts a multipart stream into its parts. Holds bytes; never a socket, never a clock."""

    boundary: bytes
    _rest: bytearray = field(default_factory=bytearray)
    _length_b: int | None = None  # of the body being read, when its head told
    _in_body: bool = False
    _began_ns: int | None = None  # arrival of the first byte of the body being read
    _searched_b: int = 0  # of _rest, without finding what ends the body

    def feed(self, data: bytes, arrived_ns: int) -> list[Part]:
        """More bytes, arrived just now -> the parts that are complete, in order; their times never decrease if arrived_ns never does.

        Raises NotMultipart; the decoder is then of no further use.
        """
        self._rest += data
        parts: list[Part] = []
        while True:
            if not self._in_body and not self._take_head():
                return parts
            if self._began_ns is None and self._rest:
                self._began_ns = arrived_ns  # a head that came alone, at the end of the picture before it, is not yet the picture
            body = self._take_body()
            if body is None:
                return parts
            parts.append(Part(body, arrived_ns if self._began_ns is None else self._began_ns))
            self._began_ns = None

    def _take_head(self) -> bool:
        """Drop everything up to and with the next head; False until it is complete."""
        mark = self._rest.find(self.boundary)
        if mark < 0:
            keep_b = len(self.boundary) - 1  # the boundary itself may have come in part; the rest before it is nothing to us
            if len(self._rest) > MAX_HEAD_B:
                del self._rest[: len(self._rest) - keep_b]
            return False
        start = mark + len(self.boundary)
        end = _HEAD_END.search(self._rest, start)
        if end is None:
            if len(self._rest) - start > MAX_HEAD_B:
                raise NotMultipart("the head of a part is longer than 16 KB")
            return False
        length = _LENGTH.search(bytes(self._rest[start : end.start()]))
        self._length_b = int(length[1]) if length else None
        if self._length_b is not None and self._length_b > MAX_PART_B:
            raise NotMultipart("a part is larger than 32 MB")
        del self._rest[: end.end()]
        self._in_body, self._searched_b = True, 0
        return True

    def _take_body(self) -> bytes | None:
        if self._length_b is not None:
            if len(self._rest) < self._length_b:
                return None
            body = bytes(self._rest[: self._length_b])
            del self._rest[: self._length_b]
        else:
            mark = self._rest.find(b"--" + self.boundary, self._searched_b)
            if mark < 0:
                if len(self._rest) > MAX_PART_B:
                    raise NotMultipart("a part is larger than 32 MB")
                self._searched_b = max(0, len(self._rest) - len(self.boundary) - 2)
                return None
            body = _without_line_end(bytes(self._rest[:mark]))
            del self._rest[:mark]
        self._in_body = False
        return body


def _without_line_end(body: bytes) -> bytes:
    """The line end before a boundary belongs to the boundary (RFC 2046 §5.1.1); a sloppy camera's further dashes too."""
    undashed = body.rstrip(b"-")
    body = undashed if undashed.endswith(b"\n") else body
    return body[:-2] if body.endswith(b"\r\n") else body[:-1] if body.endswith(b"\n") else body
