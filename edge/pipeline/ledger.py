"""Every captured frame is inferred, dropped with a cause, or pending: captured == inferred + sum(dropped) + pending, always."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Cause", "Count", "Ledger"]


class Cause(StrEnum):
    """Why a captured frame was never inferred. The words stand on the screen and in the log."""

    REPLACED = "replaced"  # a newer one came before the model was free
    NO_MODEL = "no model yet"
    BLACK = "black"
    REPEATED = "repeated"
    OLD = "too old"  # past the age limit before inference began: its label could not be shown
    SOURCE_LOST = "source lost"
    MODEL_FAILED = "model failed"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, slots=True)
class Count:
    """The ledger at one moment. dropped: (cause, n), causes sorted, none with 0."""

    captured: int
    inferred: int
    pending: int
    dropped: tuple[tuple[str, int], ...]


class Ledger:
    """Counts frames. Each move is one step under one lock, so that no reader ever sees a frame twice or not at all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._captured = self._inferred = self._pending = 0
        self._dropped: dict[str, int] = {}

    def capture(self) -> None:
        with self._lock:
            self._captured += 1
            self._pending += 1

    def infer(self) -> None:
        with self._lock:
            self._inferred += 1
            self._pending -= 1

    def drop(self, cause: Cause) -> None:
        with self._lock:
            self._dropped[cause.value] = self._dropped.get(cause.value, 0) + 1
            self._pending -= 1

    def skip(self, cause: str, count: int) -> None:
        """Frames that a source captured and never delivered, by the source's own word for it."""
        with self._lock:
            self._captured += count
            self._dropped[cause] = self._dropped.get(cause, 0) + count

    def count(self) -> Count:
        with self._lock:
            dropped = tuple(sorted(self._dropped.items()))
            return Count(self._captured, self._inferred, self._pending, dropped)
