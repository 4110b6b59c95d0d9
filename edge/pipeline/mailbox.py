"""The newest frame, and never a queue: what is unread when a newer one comes is replaced and handed back to be counted."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from edge.frame import Frame

__all__ = ["Letter", "Mailbox"]


@dataclass(frozen=True, slots=True, eq=False)
class Letter:
    """A living frame, and the opening of the source that it came from."""

    frame: Frame
    opening: int


class Mailbox:
    """One slot, one reader. `put` never waits."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._newest: Letter | None = None
        self._closed = False
        self._called_away = False

    def put(self, letter: Letter) -> Letter | None:
        """Returns the letter that will now never be read: the one replaced, or this one when the mailbox is closed."""
        with self._changed:
            if self._closed:
                return letter
            replaced, self._newest = self._newest, letter
            self._changed.notify()
            return replaced

    def take(self) -> Letter | None:
        """Waits for a letter; None once the mailbox is closed, or its reader called away."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._closed or self._called_away)
            if self._called_away:
                return None
            letter, self._newest = self._newest, None
            return letter

    def empty(self) -> Letter | None:
        """Takes out what is unread, without waiting."""
        with self._changed:
            letter, self._newest = self._newest, None
            return letter

    def call_away(self) -> None:
        """The reader gets no more letters until it has answered by `await_call`."""
        with self._changed:
            self._called_away = True
            self._changed.notify_all()

    def await_call(self) -> bool:
        """Waits until the reader is called away (True), or the mailbox is closed (False)."""
        with self._changed:
            self._changed.wait_for(lambda: self._called_away or self._closed)
            self._called_away = False
            return not self._closed

    def close(self) -> Letter | None:
        """No more letters; wakes the reader. Returns what was unread."""
        with self._changed:
            self._closed = True
            letter, self._newest = self._newest, None
            self._changed.notify_all()
            return letter
