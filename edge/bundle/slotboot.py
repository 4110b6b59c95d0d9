"""From a slots folder to the model that runs, and the trial that `run` owns. Each move is durable before it has an effect."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.bundle.open import VerifiedBundle, verify_bundle
from edge.bundle.slotfiles import DiskFiles, SlotFiles, load_record, note, save_record, writing
from edge.bundle.slots import Move, Record, SlotId, boot, confirm, revert
from edge.bundle.trust import Trust
from edge.errors import BundleRefused, MachineLacks, UsageError

__all__ = ["LIFE_NS", "Rescue", "Started", "Trial", "apply", "good_slots", "open_slot", "start"]

LIFE_NS: Final = 10_000_000_000  # of a living run, after the check passed
Lock = Callable[[], AbstractContextManager[None]]


def good_slots(files: SlotFiles, record: Record, trust: Trust) -> Mapping[SlotId, VerifiedBundle]:
    """The slots whose file was read back, verifies, and is the very file that the record names."""
    good: dict[SlotId, VerifiedBundle] = {}
    for which in ("a", "b"):
        slot = record.slot(which)
        try:
            data = files.read(which) if slot else None
            if slot is not None and data is not None and hashlib.sha256(data).hexdigest() == slot.image_sha256:
                good[which] = verify_bundle(data, trust, origin=f"slot {which}")
        except (BundleRefused, OSError):
            continue  # a slot that cannot be read or verified is not good: that is the answer
    return good


def apply(files: SlotFiles, move: Move, at: str) -> Record:
    """Saves the record, also one that did not change: an earlier save may have failed after the new record was in sight. Then notes it."""
    save_record(files, move.record)
    if move.note is not None:
        note(files, at, move.note)
    return move.record


class Trial:
    """Owned by `run`: check passed + LIFE_NS of life -> confirm, anything else -> revert(reason). Decided once.

    manual: a technician's tool confirms, `step` never does.
    """

    def __init__(self, files: SlotFiles, lock: Lock, digest: str, *, manual: bool = False) -> None:
        self._files, self._lock, self.digest, self._manual = files, lock, digest, manual
        self._living_since_ns: int | None = None
        self.decided = False

    def check_passed(self, now_ns: int) -> None:
        """edge.check said yes; the life is counted from here."""
        self._living_since_ns = now_ns

    def step(self, now_ns: int, at: str) -> bool:
        """Call often. True when the trial is decided. Raises MachineLacks when the outcome cannot be saved."""
        since = self._living_since_ns
        if not self.decided and not self._manual and since is not None and now_ns - since >= LIFE_NS:
            self._decide(confirm, at)
        return self.decided

    def failed(self, reason: str, at: str) -> None:
        """The check said no, run crashed, memory grew: the reason is kept and shown."""
        if not self.decided:
            self._decide(lambda record: revert(record, reason), at)

    def _decide(self, move: Callable[[Record], Move], at: str) -> None:
        with self._lock():
            record = load_record(self._files)
            slot = record.slot(record.spare)
            is_open = record.trying and slot is not None and slot.digest == self.digest
            apply(self._files, move(record) if is_open else Move(record, None), at)  # else someone decided before us
        self.decided = True


class Rescue(MachineLacks):
    """No model may run: the device answers its technician, and classifies nothing."""

    def __init__(self, why: str) -> None:
        super().__init__(why, state="rescue: nothing is classified", do="flash a bundle: sonoderm flash")


@dataclass(frozen=True, slots=True)
class Started:
    """slot: what runs. trial: None when it is confirmed. last_revert, trouble (what could not be saved): to be shown."""

    bundle: VerifiedBundle
    slot: SlotId
    trial: Trial | None
    last_revert: str | None
    trouble: str | None = None


def start(files: SlotFiles, trust: Trust, at: str, *, lock: Lock = nullcontext, manual: bool = False) -> Started:
    """Boots: decrements the tries durably, then gives the bundle. Raises InputRefused (no record, or a damaged one), Rescue.

    A disk that takes nothing starts no trial; what is confirmed runs all the same, and `trouble` says so.
    """
    trouble = None
    with lock():
        record = load_record(files)
        good = good_slots(files, record, trust)
        chosen = boot(record, frozenset(good))
        slot, trial, after = chosen.slot, chosen.trial, chosen.move.record
        try:
            save_record(files, after)
        except MachineLacks as error:
            trouble = error.what
            if trial:
                slot, trial = record.active if record.active in good else None, False
        try:
            if chosen.move.note is not None and trouble is None:
                note(files, at, chosen.move.note)
        except MachineLacks as error:
            trouble = error.what
    if slot is None:
        raise Rescue(trouble or "neither slot holds a good model")
    bundle = good[slot]
    return Started(bundle, slot, Trial(files, lock, bundle.digest, manual=manual) if trial else None, after.last_revert, trouble)


def open_slot(name: str, trust: Trust, at: str, *, manual: bool = False) -> Started:
    """slot:DIR -> what runs now. at: wall clock, ISO 8601, for the history. As `start`; UsageError for another name."""
    folder = Path(name.removeprefix("slot:"))
    if not name.startswith("slot:") or not folder.is_dir():
        raise UsageError(f"{name}: there is no such slots folder", do="make it with sonoderm device init")
    return start(DiskFiles(folder), trust, at, lock=lambda: writing(folder), manual=manual)
