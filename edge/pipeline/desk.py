"""What the receiving and the inference thread share: where frames lie, where they are counted, and whom to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge.pipeline.events import Event
from edge.pipeline.ledger import Cause, Ledger
from edge.pipeline.mailbox import Mailbox

__all__ = ["Desk"]


@dataclass(slots=True)
class Desk:
    """age_limit_ns: an older frame is not worth a look. unread: why a frame that is replaced in the mailbox was not read (written by
    the inference thread alone)."""

    mailbox: Mailbox
    ledger: Ledger
    tell: Callable[[Event], None]
    clock_ns: Callable[[], int]
    age_limit_ns: int
    unread: Cause = Cause.NO_MODEL
