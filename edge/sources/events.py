"""What happens at a live source, as values. A closed union: match it to the end with `assert_never`."""

from dataclasses import dataclass

from edge.errors import SonodermError
from edge.frame import Frame, SourceInfo
from edge.reading import Reason

__all__ = ["Arrived", "Ended", "Event", "Failed", "Lost", "Opened", "Skipped"]


@dataclass(frozen=True, slots=True)
class Opened:
    """The source is open; frames follow. Again after each reconnect (`Frame.index` then begins at 0 again)."""

    info: SourceInfo


@dataclass(frozen=True, slots=True)
class Arrived:
    """A frame; its pixels are a copy that belongs to the receiver."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Skipped:
    """Frames that were captured and will never arrive. The ledger adds `count` to captured and to dropped[cause].

    Causes: "source behind" (newer frames were waiting already), "torn" (incomplete when read),
    "overwritten" (the receiver came too late for the ring), "receiver behind" (it did not listen at all).
    """

    cause: str
    count: int


@dataclass(frozen=True, slots=True)
class Lost:
    """The source is gone. From IsolatedSource it is the last event; LiveSource goes on and reconnects.

    reason: unplugged, stalled or driver crashed. text: one line with the details, without credentials.
    """

    reason: Reason
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A clip, cine or folder came to its end. The last event."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It makes no sense to try again: raise `error`, its exit code is right. The last event.

    UsageError, InputRefused (PartialInput after good frames), MachineLacks; SourceUnreachable only when the source was never open.
    """

    error: SonodermError


Event = Opened | Arrived | Skipped | Lost | Ended | Failed
