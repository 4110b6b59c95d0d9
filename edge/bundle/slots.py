"""The slot record of a device and its table of moves. Pure: no file, no clock.

One slot is active (confirmed, SMP's slot 0), the other is spare (slot 1). Intent and outcome are set-once facts; what runs next is derived.
Every move gives a whole new record, which is saved by one atomic rename: there is no state between two records.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from edge.errors import NotTrusted, UsageError

__all__ = [
    "PASSES",
    "TRIES",
    "Boot",
    "Installed",
    "Intent",
    "Move",
    "Record",
    "Slot",
    "SlotId",
    "ask",
    "boot",
    "clear_spare",
    "confirm",
    "floor",
    "give_back",
    "install",
    "other",
    "passed",
    "revert",
    "rollback",
]

SlotId = Literal["a", "b"]
Intent = Literal["test", "permanent"]
TRIES = 3
NO_TRIAL: Final[dict[str, Any]] = {"pending": None, "trying": False, "checked": False, "tries_left": 0}
PASSES: Final = "golden frames pass but"  # how the reason of a revert begins, where the model is right and the device is not well


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a slot must hold to be believed. Digests are lower-case hex; image_sha256 is of the whole file.

    memory_b: of `run` right after the check of its trial; None before.
    """

    version: str
    digest: str
    image_sha256: str
    mcuboot_sha256: str
    counter: int
    confirmed: bool = False
    memory_b: int | None = None


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """pending: a trial was asked for and is not decided. trying: it was started at least once. tries_left: further starts.

    checked: its check passed; what it lacks is a life.
    """

    schema: Literal[1] = 1
    name: str
    vendor_id: str | None = None
    class_id: str | None = None
    active: SlotId = "a"
    a: Slot | None = None
    b: Slot | None = None
    pending: Intent | None = None
    trying: bool = False
    checked: bool = False
    tries_left: int = 0
    last_revert: str | None = None

    @property
    def spare(self) -> SlotId:
        return other(self.active)

    @property
    def wanted(self) -> Slot | None:
        """What a start would run if its file is good."""
        is_tried = self.pending is not None and (self.trying or self.tries_left > 0)
        return self.slot(self.spare if is_tried else self.active)

    def slot(self, which: SlotId) -> Slot | None:
        return self.a if which == "a" else self.b


@dataclass(frozen=True, slots=True)
class Move:
    """record: to be saved before anything else is done. note: the line for the history, None when nothing changed."""

    record: Record
    note: str | None


@dataclass(frozen=True, slots=True)
class Boot:
    """move: save it BEFORE the start. slot: what to start, None is rescue. trial: it must be confirmed or reverted."""

    move: Move
    slot: SlotId | None
    trial: bool


@dataclass(frozen=True, slots=True)
class Installed:
    """A verified bundle, as the record keeps it, with what binds it."""

    slot: Slot
    name: str
    vendor_id: str | None
    class_id: str | None


def other(which: SlotId) -> SlotId:
    return "b" if which == "a" else "a"


def _with(record: Record, which: SlotId, slot: Slot | None) -> Record:
    return msgspec.structs.replace(record, a=slot) if which == "a" else msgspec.structs.replace(record, b=slot)


def floor(record: Record, good: frozenset[SlotId]) -> int:
    """The lowest security counter that is still taken: the lowest among the slots that are confirmed and verified (good)."""
    slots = [record.slot(which) for which in good]
    return min((s.counter for s in slots if s is not None and s.confirmed), default=0)


def install(record: Record, new: Installed, good: frozenset[SlotId]) -> Move:
    """The spare slot will hold `new`. Raises NotTrusted (other model, other hardware, downgrade), UsageError while a trial runs."""
    kept = "the running model is untouched"
    if record.trying:
        raise UsageError("a trial is under way", state=kept, do="confirm it, roll it back, or wait for its outcome")
    if new.name != record.name:
        raise NotTrusted(f"this device runs {record.name}, the bundle is {new.name}", state=kept, do="flash a bundle of that model")
    for what, asked, ours in (("vendor", new.vendor_id, record.vendor_id), ("class", new.class_id, record.class_id)):
        if asked is not None and asked != ours:
            raise NotTrusted(
                f"the bundle is for {what} {asked}, this device is {ours or 'of none'}", state=kept, do="flash the bundle of this hardware"
            )
    least = floor(record, good)
    if new.slot.counter < least:
        raise NotTrusted(f"security counter {new.slot.counter} is below this device's floor {least}", state=kept, do="flash a newer bundle")
    slot = msgspec.structs.replace(new.slot, confirmed=False)
    after = msgspec.structs.replace(_with(record, record.spare, slot), pending=None, tries_left=0)
    return Move(after, f"installed {slot.version} {slot.digest[:12]} in {record.spare}")


def clear_spare(record: Record) -> Move:
    """Nothing is said of the spare slot any more: its file may now be replaced."""
    if record.trying:
        raise UsageError("a trial is under way", state="both slots are kept", do="confirm it, roll it back, or wait for its outcome")
    return Move(msgspec.structs.replace(_with(record, record.spare, None), pending=None, tries_left=0), None)


def ask(record: Record, intent: Intent) -> Move:
    """The spare is wanted at the next boot. Asking again for the same is no change. Raises UsageError when the spare is empty."""
    slot = record.slot(record.spare)
    if slot is None:
        raise UsageError("no model waits in the spare slot", state="the running model is untouched", do="upload a bundle first")
    if record.pending == intent or record.trying:
        return Move(record, None)
    return Move(msgspec.structs.replace(record, pending=intent, tries_left=TRIES), f"{intent} of {slot.version} asked for")


def rollback(record: Record) -> Move:
    """During a trial: end it. Else: ask for the spare, which must have been confirmed once."""
    if record.pending is not None:
        return revert(record, "rolled back by the operator")
    slot = record.slot(record.spare)
    if slot is None or not slot.confirmed:
        raise UsageError("there is no confirmed model to roll back to", state="the running model is untouched", do="flash the one you want")
    return ask(record, "test")


def boot(record: Record, good: frozenset[SlotId]) -> Boot:
    """What to start. good: the slots whose file was read back and verified just now, and is the one of the record."""
    move = Move(record, None)
    if record.pending is not None:
        if record.spare not in good:
            move = revert(record, "the new model does not verify")
        elif record.tries_left <= 0:
            ended = f"{TRIES} starts ended before it was confirmed"
            move = revert(record, f"{PASSES} run crashes: {ended}" if record.checked else ended)
        else:
            left = record.tries_left - 1
            tried = msgspec.structs.replace(record, trying=True, tries_left=left)
            return Boot(Move(tried, f"trial starts, {left} tries left"), record.spare, True)
    if record.active in good:
        return Boot(move, record.active, False)
    spare = move.record.slot(record.spare)
    if spare is not None and spare.confirmed and record.spare in good:
        reason = f"slot {record.active} does not verify, slot {record.spare} runs"
        changed = msgspec.structs.replace(move.record, active=record.spare, last_revert=reason)
        return Boot(Move(changed, reason), record.spare, False)
    return Boot(move, None, False)


def passed(record: Record, memory_b: int | None) -> Move:
    """The check of the running trial said yes, with so much memory in use."""
    slot = record.slot(record.spare)
    if not record.trying or slot is None:
        return Move(record, None)
    kept = _with(record, record.spare, msgspec.structs.replace(slot, memory_b=memory_b))
    return Move(msgspec.structs.replace(kept, checked=True), None)


def give_back(record: Record) -> Move:
    """A start of the trial that ended for another reason, such as a person who stopped it, is not counted."""
    if not record.trying:
        return Move(record, None)
    return Move(msgspec.structs.replace(record, tries_left=min(TRIES, record.tries_left + 1)), None)


def confirm(record: Record) -> Move:
    """The model on trial is good. Without a trial, no change (the running image is confirmed already)."""
    slot = record.slot(record.spare)
    if not record.trying or slot is None:
        return Move(record, None)
    kept = _with(record, record.spare, msgspec.structs.replace(slot, confirmed=True))
    after = msgspec.structs.replace(kept, active=record.spare, last_revert=None, **NO_TRIAL)
    return Move(after, f"confirmed {slot.version} {slot.digest[:12]}")


def revert(record: Record, reason: str) -> Move:
    """The trial is over and lost: the active slot runs again. Without one, no change."""
    if record.pending is None:
        return Move(record, None)
    return Move(msgspec.structs.replace(record, last_revert=reason, **NO_TRIAL), f"reverted: {reason}")
