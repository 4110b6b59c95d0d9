"""What the capture process and its parent say to each other: typed MessagePack, one message per datagram.

Not pickle: a decoder that a hostile stream took over must not be able to run code in the process that owns the display.
Each side parses at its door; nonsense ends the conversation.
"""

import msgspec

from edge import errors
from edge.frame import SourceInfo
from edge.reading import Reason

__all__ = [
    "EndedMsg",
    "FailedMsg",
    "FrameMsg",
    "LostMsg",
    "OpenedMsg",
    "RingMsg",
    "SkippedMsg",
    "StartMsg",
    "ToParent",
    "error_of",
    "failed",
]


class StartMsg(msgspec.Struct, frozen=True, array_like=True):
    """Parent to child, once. uri: with credentials. is_patient: a source that is not there is tried again, not reported as failed."""

    uri: str
    is_patient: bool


class OpenedMsg(msgspec.Struct, frozen=True, array_like=True, tag="opened"):
    """info as the source tells it; reopen_uri: where the same device is to be found again, when that differs from what was typed."""

    info: SourceInfo
    reopen_uri: str | None


class RingMsg(msgspec.Struct, frozen=True, array_like=True, tag="ring"):
    """A (new) ring; the datagram carries its file descriptor."""

    generation: int
    slots: int
    slot_b: int


class FrameMsg(msgspec.Struct, frozen=True, array_like=True, tag="frame"):
    """A frame lies in the ring. Sizes in px; captured_ns CLOCK_MONOTONIC."""

    generation: int
    seq: int
    width: int
    height: int
    captured_ns: int
    index: int
    still: bool
    scene: int
    rendered: bool
    time_s: float | None
    path: str | None


class SkippedMsg(msgspec.Struct, frozen=True, array_like=True, tag="skipped"):
    cause: str
    count: int


class WaitingMsg(msgspec.Struct, frozen=True, array_like=True, tag="waiting"):
    """The source is not there (again); the next attempt follows."""


class LostMsg(msgspec.Struct, frozen=True, array_like=True, tag="lost"):
    reason: Reason
    text: str


class EndedMsg(msgspec.Struct, frozen=True, array_like=True, tag="ended"):
    pass


class FailedMsg(msgspec.Struct, frozen=True, array_like=True, tag="failed"):
    """One of our own errors, by class name."""

    kind: str
    what: str
    state: str | None
    do: str | None


ToParent = OpenedMsg | RingMsg | FrameMsg | SkippedMsg | WaitingMsg | LostMsg | EndedMsg | FailedMsg

_KINDS: dict[str, type[errors.SonodermError]] = {
    kind.__name__: kind
    for kind in (errors.UsageError, errors.InputRefused, errors.PartialInput, errors.MachineLacks, errors.SourceUnreachable)
}


def failed(error: errors.SonodermError) -> FailedMsg:
    """An error as a message; of a class that does not travel, its nearest parent's name."""
    kind = next((base.__name__ for base in type(error).__mro__ if base.__name__ in _KINDS), errors.SourceUnreachable.__name__)
    return FailedMsg(kind, error.what, error.state, error.do)


def error_of(message: FailedMsg) -> errors.SonodermError:
    """The message as the error it was."""
    return _KINDS.get(message.kind, errors.SourceUnreachable)(message.what, state=message.state, do=message.do)
