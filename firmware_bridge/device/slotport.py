"""What the server asks of a slot store, and the store with its slow step on a thread, so that no reply waits for it."""

import threading
from dataclasses import dataclass
from typing import Protocol

from edge.bundle.slots import Record, Slot
from edge.errors import SonodermError
from firmware_bridge.device.slots import SlotStore

__all__ = ["Installation", "SlotPort", "ThreadedSlots"]


@dataclass(frozen=True, slots=True)
class Installation:
    """The reading back and verifying of the last upload. failure: one line; None when it runs, went well or was never asked for."""

    running: bool = False
    installed: bool = False
    failure: str | None = None


class SlotPort(Protocol):
    """Each call but start_install is short and durable when it returns. All may raise SonodermError. at: wall clock, ISO 8601."""

    def record(self) -> Record: ...
    def begin(self, sha256: str, size_b: int) -> int: ...
    def chunk(self, at_b: int, data: bytes) -> int: ...
    def start_install(self, at: str) -> None: ...
    def installation(self) -> Installation: ...
    def test(self, at: str) -> Record: ...
    def permanent(self, at: str) -> Record: ...
    def confirm(self, at: str) -> Record: ...
    def rollback(self, at: str) -> Record: ...


class _Store(Protocol):
    def install(self, at: str) -> Slot: ...


class ThreadedSlots:
    """SlotPort over a SlotStore."""

    def __init__(self, store: SlotStore) -> None:
        self._store = store
        self.record, self.begin, self.chunk = store.record, store.begin, store.chunk
        self.test, self.permanent, self.confirm = store.test, store.permanent, store.confirm
        self.rollback = store.rollback
        self._now = Installation()

    def installation(self) -> Installation:
        return self._now

    def start_install(self, at: str) -> None:
        if self._now.running:
            return
        self._now = Installation(running=True)
        threading.Thread(target=self._install, args=(self._store, at), name="install", daemon=True).start()

    def _install(self, store: _Store, at: str) -> None:
        outcome = Installation(failure="the check of the upload stopped: send it again")
        try:
            store.install(at)
            outcome = Installation(installed=True)
        except SonodermError as error:
            outcome = Installation(failure=error.line())
        finally:
            self._now = outcome
