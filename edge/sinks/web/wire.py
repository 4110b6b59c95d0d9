"""The web view's messages: one binary message carries a picture and the reading that speaks of it.

To the page: 4 bytes big-endian length of the header, the header (JSON), then the picture (JPEG) or nothing.
`picture.key` counts the pictures: a message without a picture speaks of the one with its key, or of none.
From the page: JSON text, one of acknowledgement, clock question, command, or (first, where one is demanded) the token.
"""

from datetime import datetime
from typing import Literal

import msgspec

from edge.reading import View
from edge.sinks.expiry import SPEAKS_OF_A_PICTURE, at_drawing
from edge.sinks.face import Face, face
from edge.sinks.record import ReadingLine, view_line

__all__ = ["FromPage", "Header", "PictureNote", "header_of", "pack", "parse_from_page", "pong"]

LENGTH_B = 4
NS_PER_MS = 1e6


class PictureNote(msgspec.Struct, frozen=True):
    key: int
    frame: int | None
    width_px: int
    height_px: int


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """n: counts messages. now_ms: this machine's monotonic time when it was made; captured_ms: of the newest picture behind it.

    expires: the statement must go once now - captured > age_limit_ms. The page also measures that by itself.
    """

    n: int
    seq: int
    now_ms: float
    captured_ms: float | None
    age_limit_ms: float
    expires: bool
    face: Face
    line: ReadingLine
    picture: PictureNote | None


class FromPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """ack: the n that was drawn. ping: the page's own clock, returned as it is. cmd: a word for the loop."""

    ack: int | None = None
    ping: float | None = None
    cmd: Literal["freeze", "resume", "toggle", "acknowledge"] | None = None
    token: str | None = None


def header_of(view: View, picture: PictureNote | None, n: int, now_ns: int, at: datetime) -> bytes:
    """What may be said of `view` at `now_ns`, as the header's JSON. picture: the one beside it, None once the view has expired."""
    reading = at_drawing(view, now_ns)
    header = Header(
        n=n,
        seq=view.seq,
        now_ms=now_ns / NS_PER_MS,
        captured_ms=None if reading.captured_ns is None else reading.captured_ns / NS_PER_MS,
        age_limit_ms=view.age_limit_ns / NS_PER_MS,
        expires=reading.state in SPEAKS_OF_A_PICTURE,
        face=face(view, now_ns),
        line=view_line(view, now_ns=now_ns, at=at),
        picture=picture,
    )
    return msgspec.json.encode(header)


def pack(header: bytes, jpeg: bytes) -> bytes:
    return len(header).to_bytes(LENGTH_B, "big") + header + jpeg


def parse_from_page(text: str) -> FromPage | None:
    """None for anything that is not one of the words above."""
    try:
        return msgspec.json.decode(text, type=FromPage)
    except (msgspec.DecodeError, UnicodeError):
        return None


def pong(ping: float, now_ns: int, skipped: int) -> str:
    """The answer to a clock question, with how many messages this viewer was too slow for."""
    return msgspec.json.encode({"pong": ping, "now_ms": now_ns / NS_PER_MS, "skipped": skipped}).decode()
