"""The decision overlay: numbers measured on this device in place of the bundle's, and in which direction each may move unsigned."""

import datetime
from dataclasses import dataclass
from enum import Enum

import msgspec

from edge.bundle.manifest import Decision
from edge.profile.corrections import Notes
from edge.profile.read import LoadedProfile
from edge.profile.record import OverlayEntry

__all__ = ["DIRECTIONS", "HELD", "Direction", "decision_for", "entry_for"]


class Direction(Enum):
    """Where "more cautious" lies."""

    UP = 1
    DOWN = -1
    FIXED = 0  # no direction is known to be cautious: only a signed overlay may set it


@dataclass(frozen=True, slots=True)
class Rule:
    direction: Direction
    why: str


DIRECTIONS: dict[str, Rule] = {
    "temperature": Rule(Direction.UP, "a higher temperature flattens the probabilities"),
    "out_of_scope_above": Rule(Direction.DOWN, "a lower limit refuses more pictures"),
    "set_at": Rule(Direction.DOWN, "a lower limit lets more classes into the set"),
    "settled_temperature": Rule(Direction.UP, "a higher temperature flattens the probabilities"),
    "bias": Rule(Direction.FIXED, "a bias favours a class: never unsigned"),
    "scale": Rule(Direction.FIXED, "a factor favours a class: never unsigned, and no overlay carries one"),
    "blurred_out_of_scope_above": Rule(Direction.FIXED, "it chooses between two refusals, shows no label, and no overlay carries one"),
    "guard_at": Rule(Direction.DOWN, "a lower limit rules a class that must not be missed out less often"),
}
HELD = ("temperature", "bias", "set_at", "out_of_scope_above", "guard_at", "settled_temperature")  # what an entry can hold of a Decision


def _cautious(field: str, old: float | None, new: float) -> bool:
    direction = DIRECTIONS[field].direction
    if direction is Direction.FIXED:
        return False
    return old is None or (new - old) * direction.value >= 0


def _unsigned_faults(decision: Decision, entry: OverlayEntry) -> list[str]:
    faults = []
    for name in ("temperature", "out_of_scope_above", "settled_temperature"):
        new = getattr(entry, name)
        if new is not None and not _cautious(name, getattr(decision, name), new):
            faults.append(name)
    if not all(_cautious("set_at", old, new) for old, new in zip(decision.set_at, entry.set_at, strict=False)):
        faults.append("set_at")
    if entry.guard_at and not _guards_as_much(decision.guard_at, entry.guard_at):
        faults.append("guard_at")
    if entry.bias:
        faults.append("bias")
    return faults


def _guards_as_much(old: tuple[float | None, ...], new: tuple[float | None, ...]) -> bool:
    """Every class that was guarded still is, and no later. Where the bundle's are in its operating points, which are not seen here: no."""
    if len(old) != len(new):
        return False
    return all(before is None or (now is not None and _cautious("guard_at", before, now)) for before, now in zip(old, new, strict=True))


def entry_for(loaded: LoadedProfile, digest: str, form: str, engine: str) -> OverlayEntry | None:
    """What the profile holds for this form of this bundle on this engine, whether or not it may be applied."""
    wanted = (digest, form, engine)
    return next((entry for entry in loaded.profile.overlay if (entry.digest, entry.form, entry.engine) == wanted), None)


def decision_for(
    loaded: LoadedProfile, decision: Decision, digest: str, form: str, engine: str, today: datetime.date
) -> tuple[Decision, Notes]:
    """The bundle's decision with this device's overlay, and what to say aloud. Never raises: what does not fit is not applied, as a whole.

    digest: of the bundle's payload. An overlay measured for another bundle is void ("uncalibrated for this model").
    """
    name = loaded.profile.name
    if not loaded.profile.overlay:
        return decision, ()
    entry = entry_for(loaded, digest, form, engine)
    if entry is None:
        return decision, (f"uncalibrated for this model: profile {name} speaks of another bundle, form or engine",)
    if today > entry.expires_on:
        return decision, (f"calibration of profile {name} expired on {entry.expires_on.isoformat()}: not applied",)
    k = len(decision.set_at)
    if any(len(values) not in {0, k} for values in (entry.set_at, entry.bias, entry.guard_at, entry.prevalence)):
        return decision, (f"calibration of profile {name} is for another number of classes than {k}: not applied",)
    if loaded.signer is None and (faults := _unsigned_faults(decision, entry)):
        return decision, (f"unsigned calibration of profile {name} would make the device less cautious ({', '.join(faults)}): not applied",)
    given = {name: value for name in HELD if (value := getattr(entry, name)) is not None and value != ()}
    changed = msgspec.structs.replace(decision, **given)
    return changed, () if loaded.signer else (f"calibration of profile {name} is unsigned: applied because it is more cautious",)
