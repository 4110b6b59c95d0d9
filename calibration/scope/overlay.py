"""The scope limit of this device, as an overlay entry: unsigned it may only fall (design §4). Pure; the file is `calibration.profile`'s."""

import datetime

import msgspec

from edge.errors import UsageError
from edge.profile import OverlayEntry
from edge.profile.overlay import DIRECTIONS, Direction

__all__ = ["require_allowed", "with_limit"]


def require_allowed(new: float, shipped: float | None, *, is_signed: bool) -> None:
    """Raises UsageError for a limit that the device would not believe: a bolder one without a signature."""
    assert DIRECTIONS["out_of_scope_above"].direction is Direction.DOWN, "this is about a limit that is cautious when it is low"
    if not is_signed and shipped is not None and new > shipped:
        raise UsageError(
            f"a limit of {new:.4f} refuses less than the bundle's {shipped:.4f}, which an unsigned profile may not",
            do="sign it with --key PEM, or leave the profile out",
        )


def with_limit(new: float, old: OverlayEntry | None, *, digest: str, form: str, engine: str, expires_on: datetime.date) -> OverlayEntry:
    """The entry of this (bundle, form, engine) with the limit; what else it holds stays, and lives no longer than it did."""
    if old is None:
        return OverlayEntry(digest=digest, form=form, engine=engine, expires_on=expires_on, out_of_scope_above=new)
    return msgspec.structs.replace(old, out_of_scope_above=new, expires_on=min(old.expires_on, expires_on))
