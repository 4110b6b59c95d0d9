"""From a slots folder to the model that runs, and the trial that `run` owns. Each move is durable before it has an effect."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.bundle.open import VerifiedBundle, verify_bundle
from edge.bundle.slotfiles import DiskFiles, SlotFiles, load_record, note, save_record, writing
from edge.bundle.slots import Installed, Move, Record, Slot, SlotId, boot, confirm, give_back, passed, revert
from edge.bundle.trust import Trust
from edge.errors import BundleRefused, MachineLacks, UsageError

__all__ = ["LIFE_NS", "Rescue", "Started", "Trial", "apply", "confirmed_model", "good_slots", "installed_of", "open_slot", "start"]

LIFE_NS: Final = 10_000_000_000  # of a living run, after the check passed
Lock = Callable[[], AbstractContextManager[None]]


def installed_of(bundle: VerifiedBundle) -> Installed:
    """A bundle as the record would keep it: what the device installs, and what a technician's tool offers to it."""
    image = bundle.image
    slot = Slot(image.version, image.payload_sha256, image.image_sha256, image.mcuboot_sha256, image.security_counter)
    vendor_id, class_id = (str(i) if i is not None else None for i in (image.vendor_id, image.class_id))
    return Installed(slot, bundle.manifest.name, vendor_id, class_id)


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

    @property
    def is_checked(self) -> bool:
        return self._living_since_ns is not None

    def check_passed(self, now_ns: int, memory_b: int | None = None) -> None:
        """edge.check said yes; the life is counted from here. memory_b: of this process. Raises MachineLacks when it cannot be saved."""
        self._living_since_ns = now_ns
        with self._lock():
            record = load_record(self._files)
            save_record(self._files, (passed(record, memory_b) if self._is_ours(record) else Move(record, None)).record)

    def live_from(self, now_ns: int) -> None:
        """Something was not well up to now: the life is counted anew."""
        if self._living_since_ns is not None:
            self._living_since_ns = now_ns

    def step(self, now_ns: int, at: str) -> bool:
        """Call often. True when the trial is decided, here or by a technician. Raises MachineLacks when the outcome cannot be saved."""
        since = self._living_since_ns
        if not self.decided and not self._manual and since is not None and now_ns - since >= LIFE_NS:
            self._decide(confirm, at)
        if not self.decided and not self._is_ours(load_record(self._files)):
            self.decided = True
        return self.decided

    def failed(self, reason: str, at: str) -> None:
        """The check said no, run crashed, memory grew: the reason is kept and shown."""
        if not self.decided:
            self._decide(lambda record: revert(record, reason), at)

    def ended(self) -> None:
        """The run ended, and not by its model: this start is not counted. Raises MachineLacks."""
        if not self.decided:
            with self._lock():
                record = load_record(self._files)
                save_record(self._files, (give_back(record) if self._is_ours(record) else Move(record, None)).record)

    def _decide(self, move: Callable[[Record], Move], at: str) -> None:
        with self._lock():
            record = load_record(self._files)
            apply(self._files, move(record) if self._is_ours(record) else Move(record, None), at)  # else someone decided before us
        self.decided = True

    def _is_ours(self, record: Record) -> bool:
        slot = record.slot(record.spare)
        return record.trying and slot is not None and slot.digest == self.digest


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


def confirmed_model(folder: Path, trust: Trust) -> VerifiedBundle:
    """slot:DIR for commands that do not run it live: what is confirmed there. Changes nothing. Raises UsageError, InputRefused, Rescue."""
    files = DiskFiles(_existing(folder))
    record = load_record(files)
    good = good_slots(files, record, trust)
    confirmed = [which for which in (record.active, record.spare) if which in good and (slot := record.slot(which)) and slot.confirmed]
    if not confirmed:
        raise Rescue("neither slot holds a good, confirmed model")
    return good[confirmed[0]]


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise UsageError(f"slot:{folder}: there is no such slots folder", do="make it with sonoderm device init")
    return folder


def open_slot(folder: Path, trust: Trust, at: str, *, manual: bool = False) -> Started:
    """What runs now from this folder. at: wall clock, ISO 8601, for the history. As `start`; UsageError when there is no such folder."""
    return start(DiskFiles(_existing(folder)), trust, at, lock=lambda: writing(folder), manual=manual)
