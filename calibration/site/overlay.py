"""From what was measured to an overlay entry in a device profile, bound to the bundle's digest. Pure; the file is `calibration.profile`'s.

Thresholds that were calibrated for other probabilities are carried over, so that whatever was in a set stays in it.
"""

import datetime
from collections.abc import Sequence

import msgspec

from calibration.conformal.carry import under_temperature
from calibration.profile.parts import valid
from calibration.site.refit import Refit
from edge.bundle.manifest import Decision
from edge.profile import DeviceProfile, OverlayEntry
from edge.profile.overlay import HELD

__all__ = ["entry_of", "put_overlay", "refitted"]


def refitted(decision: Decision, found: Refit, *, is_signed: bool) -> Decision:
    """The decision with the site's temperature, its thresholds and those of classes that must not be missed carried over.

    Unsigned, a threshold may only fall; where it would rise with the probabilities, it stays, and sets grow instead.
    """
    ratio = found.old / found.new

    def carried(at: Sequence[float | None]) -> tuple[float | None, ...]:
        new = under_temperature([value or 0.0 for value in at], ratio)
        return tuple(None if b is None else a if is_signed else min(a, b) for a, b in zip(new, at, strict=True))

    return msgspec.structs.replace(
        decision,
        temperature=round(found.new, 5),
        set_at=tuple(value for value in carried(decision.set_at) if value is not None),
        guard_at=carried(decision.guard_at) if decision.guard_at else (),
    )


def entry_of(
    new: Decision,
    shipped: Decision,
    old: OverlayEntry | None,
    *,
    measured: frozenset[str],
    digest: str,
    form: str,
    engine: str,
    expires_on: datetime.date,
    prevalence: Sequence[float] = (),
) -> OverlayEntry:
    """Only what differs from the bundle's own `shipped`. old: the entry that is in force, None where there is none.

    measured: names of what is new in `new`; what it kept of `old` beside that lives no longer than it did. prevalence: where it is not
    the bundle's.
    """
    if old is not None and any(name not in measured and getattr(new, name) != getattr(shipped, name) for name in HELD):
        expires_on = min(expires_on, old.expires_on)
    differing = {name: getattr(new, name) for name in HELD if getattr(new, name) != getattr(shipped, name)}
    return OverlayEntry(digest=digest, form=form, engine=engine, expires_on=expires_on, prevalence=tuple(prevalence), **differing)


def put_overlay(entry: OverlayEntry, old: DeviceProfile | None, *, name: str, made_at: str) -> DeviceProfile:
    """The entry takes the place of the one for the same bundle, form and engine; all else stays. made_at: ISO 8601, UTC.

    Raises UsageError for what no profile may hold.
    """
    base = old or DeviceProfile(name=name, made_at=made_at)
    others = tuple(e for e in base.overlay if (e.digest, e.form, e.engine) != (entry.digest, entry.form, entry.engine))
    return valid(msgspec.structs.replace(base, made_at=made_at, overlay=(*others, entry)))
