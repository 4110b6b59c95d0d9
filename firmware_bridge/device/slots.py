"""The slot store as the server sees it: one staging file that is written as a stream, then read back, verified and installed.

Nothing here is parsed before the signature holds, and the active slot's file is never written.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Final

import msgspec

from edge.bundle.image import MAX_BUNDLE_B
from edge.bundle.open import verify_bundle
from edge.bundle.slotboot import Lock, apply, good_slots, installed_of
from edge.bundle.slotfiles import RECORD, Line, SlotFiles, load_record, read_history, replace_file, save_record
from edge.bundle.slots import Installed, Intent, Record, Slot, ask, clear_spare, confirm, install, rollback
from edge.bundle.trust import Trust
from edge.errors import BundleRefused, InputRefused, MachineLacks, UsageError

__all__ = ["CHECKPOINT_B", "SlotStore", "Upload"]

STAGING, UPLOAD = "staging", "upload.json"
CHECKPOINT_B: Final = 1 << 20


class Upload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """sha256: of the whole file, hex; it names the upload. durable_b: what a power cut leaves."""

    sha256: str
    size_b: int
    durable_b: int


@dataclass(slots=True)
class _Running:
    upload: Upload
    offset_b: int


class SlotStore:
    """One per slots folder. lock: the folder's one writer's lock. at: wall clock, ISO 8601, for the history."""

    def __init__(self, files: SlotFiles, trust: Trust, *, lock: Lock = nullcontext) -> None:
        self._files, self._trust, self._lock = files, trust, lock
        self._running: _Running | None = None

    def init(self, name: str, vendor_id: str | None = None, class_id: str | None = None) -> None:
        """Binds an empty folder to a model name; once more the same is no error, for the first may not be durable. Raises UsageError."""
        binding = Record(name=name, vendor_id=vendor_id, class_id=class_id)
        with self._lock():
            if self._files.read(RECORD) is not None and load_record(self._files) != binding:
                raise UsageError("this folder is bound to a model already", do="use another folder")
            save_record(self._files, binding)

    def record(self) -> Record:
        return load_record(self._files)

    def history(self) -> tuple[Line, ...]:
        return read_history(self._files)

    def begin(self, sha256: str, size_b: int) -> int:
        """The first packet of an upload -> the offset to go on from (0 for a new one). Raises InputRefused (too large), MachineLacks."""
        if not 0 < size_b <= MAX_BUNDLE_B:
            raise InputRefused(f"{size_b} bytes do not fit a slot of {MAX_BUNDLE_B}", do="send a bundle")
        running = self._running
        if running is not None and (running.upload.sha256, running.upload.size_b) == (sha256, size_b):
            return running.offset_b
        with self._lock():
            upload = self._stored()
            if upload is None or (upload.sha256, upload.size_b) != (sha256, size_b):
                self._running = None
                upload = Upload(sha256, size_b, 0)
                replace_file(self._files, UPLOAD, msgspec.json.encode(upload))
            if upload.durable_b == 0:  # also when a cut fell just here: no byte of an older upload may stay behind its end
                with _disk():
                    self._files.create(STAGING)
                    self._files.sync(STAGING)
                    self._files.sync_folder()
        self._running = _Running(upload, upload.durable_b)
        return upload.durable_b

    def chunk(self, at_b: int, data: bytes) -> int:
        """Writes -> the offset that is expected next; a wrong at_b writes nothing. Raises UsageError, InputRefused, MachineLacks."""
        running = self._running
        if running is None:
            raise UsageError("no upload was begun", do="start the upload again")
        if at_b != running.offset_b or not data:
            return running.offset_b
        if at_b + len(data) > running.upload.size_b:
            raise InputRefused("more bytes than the upload announced", do="start the upload again")
        with self._lock():
            try:
                with _disk():
                    self._files.write(STAGING, at_b, data)
                end_b = at_b + len(data)
                if end_b - running.upload.durable_b >= CHECKPOINT_B or end_b == running.upload.size_b:
                    with _disk():
                        self._files.sync(STAGING)
                    running.upload = msgspec.structs.replace(running.upload, durable_b=end_b)
                    replace_file(self._files, UPLOAD, msgspec.json.encode(running.upload))
            except MachineLacks:
                self._running = None  # after a failed sync nothing in memory is believed: the next begin asks the disk
                raise
        running.offset_b = end_b
        return end_b

    def install(self, at: str) -> Slot:
        """Reads the staging file back, verifies it and makes it the spare. Takes seconds: never within a reply.

        Raises InputRefused (incomplete, other SHA-256), BundleRefused, NotTrusted, UsageError (trial under way), MachineLacks.
        """
        with self._lock():
            self._running = None
            before = load_record(self._files)
            new = self._read_back()
            good = frozenset(good_slots(self._files, before, self._trust))
            move = install(before, new, good)
            apply(self._files, clear_spare(before), at)
            with _disk():
                self._files.rename(STAGING, before.spare)
                self._files.remove(UPLOAD)
                self._files.sync_folder()
            apply(self._files, move, at)
            return new.slot

    def test(self, at: str) -> Record:
        return self._ask("test", at)

    def permanent(self, at: str) -> Record:
        """As a test: it is tried too, and confirmed when it passes."""
        return self._ask("permanent", at)

    def confirm(self, at: str) -> Record:
        """The technician confirms the trial that runs."""
        with self._lock():
            return apply(self._files, confirm(load_record(self._files)), at)

    def rollback(self, at: str) -> Record:
        with self._lock():
            return apply(self._files, rollback(load_record(self._files)), at)

    def _ask(self, intent: Intent, at: str) -> Record:
        with self._lock():
            return apply(self._files, ask(load_record(self._files), intent), at)

    def _stored(self) -> Upload | None:
        try:
            data = self._files.read(UPLOAD)
            staged = self._files.read(STAGING)
            upload = None if data is None else msgspec.json.decode(data, type=Upload)
        except (msgspec.DecodeError, OSError):
            return None  # an upload that cannot be gone on with starts anew
        return upload if upload is not None and staged is not None and len(staged) >= upload.durable_b else None

    def _read_back(self) -> Installed:
        upload = self._stored()
        with _disk():
            data = self._files.read(STAGING)
        if upload is None or data is None or len(data) != upload.size_b:
            raise InputRefused("the upload is not complete", state="the running model is untouched", do="send it again: it goes on")
        if hashlib.sha256(data).hexdigest() != upload.sha256:
            with _disk():
                self._files.remove(UPLOAD)
                self._files.sync_folder()
            raise BundleRefused("what was stored is not what was sent", state="the running model is untouched", do="send it again")
        return installed_of(verify_bundle(data, self._trust, origin="upload"))


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MachineLacks(f"the disk refused: {error}", state="the running model is untouched", do="free some room or check it") from error
