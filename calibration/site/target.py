"""A decision on its way into a profile, as an overlay for this bundle, form and engine: the same options and words for all that decide."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from calibration.profile.deliver import Delivery, delivery_to, written_lines
from calibration.profile.store import Written, write
from calibration.site.overlay import entry_of, put_overlay
from edge.bundle.manifest import Decision
from edge.bundle.trust import Trust
from edge.cli.output import say
from edge.model import Model
from edge.profile import OverlayEntry, entry_for

__all__ = ["DaysOption", "KeyOption", "ProfileOption", "put_decision", "read_target", "write_entry"]

ProfileOption = Annotated[Path | None, typer.Option("--profile", metavar="FILE", help="The device's profile, which gets the overlay.")]
KeyOption = Annotated[Path | None, typer.Option("--key", metavar="PEM", help="Private key (PEM, ed25519) that vouches for the profile.")]
DaysOption = Annotated[int, typer.Option("--valid-days", min=1, max=366, help="How long the overlay holds.")]


def read_target(path: Path, key: Path | None, days: int, trust: Trust) -> Delivery:
    """Raises InputRefused and NotTrusted for a profile or a key that cannot be used, before a picture is looked at."""
    return delivery_to(path, key, None, days, trust, datetime.datetime.now(datetime.UTC))


def put_decision(target: Delivery, new: Decision, model: Model, prevalence: Sequence[float], measured: frozenset[str]) -> Written:
    """`new` for this bundle, form and engine. measured: fields that are new; others, from an overlay in force, live no longer than it."""
    digest, pair = model.bundle.digest, model.pair
    old = entry_for(target.in_force, digest, pair.form, pair.engine) if target.in_force and model.decision != model.shipped else None
    entry = entry_of(
        new,
        model.shipped,
        old,
        measured=measured,
        digest=digest,
        form=pair.form,
        engine=pair.engine,
        expires_on=target.expires_on,
        prevalence=prevalence,
    )
    return write_entry(target, entry)


def write_entry(target: Delivery, entry: OverlayEntry) -> Written:
    """Into the profile, the old one kept; says what is in force. Raises what `store.write` raises; nothing is changed then."""
    old = target.in_force.profile if target.in_force else None
    written = write(target.path, put_overlay(entry, old, name=target.name, made_at=target.made_at), target.key, target.current)
    for line in written_lines(target, written, "unsigned, it counts only where it makes the device more cautious"):
        say(line)
    return written
