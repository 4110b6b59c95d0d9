"""The stable JSON object of one Reading, version 1: what `jsonl:` writes and `classify --json` prints.

Keys keep their name, type and meaning within a version; new ones may be added at the end. A key in OPTIONAL
is absent where it has nothing to say; every other key is always there, null where unknown.
"""

import os
from datetime import datetime
from typing import Literal

import msgspec

from edge.errors import SonodermError
from edge.reading import FrameCounts, Reading, View
from edge.sinks.expiry import at_drawing

__all__ = ["OPTIONAL", "ReadingLine", "encode", "reading_line", "refused_line", "view_line"]

OPTIONAL = ("live_state", "live_reason", "frozen_at", "rendered", "path", "time_s", "error", "lost")
DIGITS = 6  # of probabilities: what float32 can tell apart
NS_PER_MS = 1_000_000


class ReadingLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line. t_ns: monotonic, when the line was made; at: the same moment as wall clock, ISO 8601 with offset.

    age_ms: t_ns - captured_ns. probabilities: {code: p} in the order of the model's labels. dropped: {cause: n} so far.
    lost: lines that could not be written before this one (`jsonl:` only). error: why a picture was refused (state null).
    """

    v: Literal[1] = 1
    t_ns: int
    at: str
    frame: int | None = None
    captured_ns: int | None = None
    age_ms: float | None = None
    state: str | None = None
    reason: str | None = None
    label: str | None = None
    label_name: str | None = None
    confidence: float | None = None
    probabilities: dict[str, float] = {}
    set: list[str] = []
    model: str | None = None
    version: str | None = None
    digest: str | None = None
    engine: str | None = None
    form: str | None = None
    profile: str | None = None
    dropped: dict[str, int] = {}
    live_state: str | msgspec.UnsetType = msgspec.UNSET
    live_reason: str | msgspec.UnsetType = msgspec.UNSET
    frozen_at: str | msgspec.UnsetType = msgspec.UNSET
    rendered: bool | msgspec.UnsetType = msgspec.UNSET
    path: str | msgspec.UnsetType = msgspec.UNSET
    time_s: float | msgspec.UnsetType = msgspec.UNSET
    error: str | msgspec.UnsetType = msgspec.UNSET
    lost: int | msgspec.UnsetType = msgspec.UNSET


def reading_line(
    reading: Reading,
    *,
    now_ns: int,
    at: datetime,
    counts: FrameCounts | None = None,
    rendered: bool = False,
    path: str | None = None,
    time_s: float | None = None,
    lost: int = 0,
) -> ReadingLine:
    """A reading as its line, as it stands: who shows it live passes it through `expiry.at_drawing` first (`view_line` does)."""
    model = reading.model
    return ReadingLine(
        t_ns=now_ns,
        at=at.isoformat(timespec="milliseconds"),
        frame=reading.frame,
        captured_ns=reading.captured_ns,
        age_ms=None if reading.captured_ns is None else round((now_ns - reading.captured_ns) / NS_PER_MS, 3),
        state=reading.state.value,
        reason=None if reading.reason is None else reading.reason.value,
        label=reading.label,
        label_name=reading.label_name,
        confidence=None if reading.confidence is None else round(float(reading.confidence), DIGITS),
        probabilities={code: round(float(p), DIGITS) for code, p in reading.probabilities},
        set=list(reading.set),
        model=model.name if model else None,
        version=model.version if model else None,
        digest=model.digest if model else None,
        engine=model.engine if model else None,
        form=model.form if model else None,
        profile=model.profile if model else None,
        dropped=dict(counts.dropped) if counts else {},
        live_state=msgspec.UNSET if reading.live_state is None else reading.live_state.value,
        live_reason=msgspec.UNSET if reading.live_reason is None else reading.live_reason.value,
        frozen_at=msgspec.UNSET if reading.frozen_at is None else reading.frozen_at,
        rendered=rendered or msgspec.UNSET,
        path=msgspec.UNSET if path is None else readable_path(path),
        time_s=msgspec.UNSET if time_s is None else round(time_s, DIGITS),
        lost=lost or msgspec.UNSET,
    )


def view_line(view: View, *, now_ns: int, at: datetime, lost: int = 0) -> ReadingLine:
    """A live view as its line, without a label that is older than the view's age limit at `now_ns`."""
    return reading_line(at_drawing(view, now_ns), now_ns=now_ns, at=at, counts=view.counts, rendered=view.rendered, lost=lost)


def refused_line(error: SonodermError, *, path: str, now_ns: int, at: datetime, time_s: float | None = None) -> ReadingLine:
    """The line of a picture that was refused: state null, the reason in `error`."""
    return ReadingLine(
        t_ns=now_ns,
        at=at.isoformat(timespec="milliseconds"),
        path=readable_path(path),
        time_s=msgspec.UNSET if time_s is None else round(time_s, DIGITS),
        error=error.line(),
    )


def encode(line: ReadingLine) -> bytes:
    """UTF-8 JSON without a line end; keys in the order of the class, optional ones left out."""
    return msgspec.json.encode(line)


def readable_path(path: str) -> str:
    """A path as valid text: bytes that are no UTF-8 become \\xNN, since JSON has no place for them."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
