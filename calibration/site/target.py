"""The profile that an overlay goes into: all that could refuse is read before a picture is looked at."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from calibration.profile.signing import SigningKey, is_trusted, read_signing_key
from calibration.profile.store import Current, Written, read_current, write
from calibration.site.overlay import entry_of, put_overlay
from edge.bundle.manifest import Decision
from edge.bundle.trust import Trust
from edge.cli.output import say
from edge.model import Model
from edge.profile import LoadedProfile

__all__ = ["DaysOption", "KeyOption", "ProfileOption", "Target", "read_target"]

ProfileOption = Annotated[Path | None, typer.Option("--profile", metavar="FILE", help="The device's profile, which gets the overlay.")]
KeyOption = Annotated[Path | None, typer.Option("--key", metavar="PEM", help="Private key (PEM, ed25519) that vouches for the profile.")]
DaysOption = Annotated[int, typer.Option("--valid-days", min=1, max=366, help="How long the overlay holds.")]


@dataclass(frozen=True, slots=True)
class Target:
    """current: the profile as it is in force. key: who signs the new one. expires_on: last day of the overlay. made_at: ISO 8601, UTC."""

    path: Path
    current: Current | None
    key: SigningKey | None
    name: str
    expires_on: datetime.date
    made_at: str

    @property
    def in_force(self) -> LoadedProfile | None:
        return self.current.loaded if self.current else None

    def put(self, new: Decision, model: Model, prevalence: Sequence[float]) -> Written:
        """`new` for this bundle, form and engine, the old profile kept. Raises what `store.write` raises; nothing is changed then."""
        entry = entry_of(
            new,
            model.pair.decision,
            digest=model.bundle.digest,
            form=model.pair.form,
            engine=model.pair.engine,
            expires_on=self.expires_on,
            prevalence=prevalence,
        )
        old = self.in_force.profile if self.in_force else None
        return write(self.path, put_overlay(entry, old, name=self.name, made_at=self.made_at), self.key, self.current)

    def say_written(self, written: Written, trust: Trust) -> None:
        kept = f"; the one before is kept as {written.kept.name}" if written.kept else ""
        if written.is_draft:
            say(f"wrote {written.path}, a draft: the signed profile stays in force until sonoderm profile sign {written.path} --key PEM")
        elif self.key is None:
            say(f"wrote {written.path}{kept}; unsigned, it counts only where it makes the device more cautious")
        else:
            doubt = "" if is_trusted(self.key, trust) else "; this machine does not believe that key: sonoderm trust add NAME.profile.pub"
            say(f"wrote {written.path}, signed by {self.key.hash[:12]}{kept}{doubt}")


def read_target(path: Path, key: Path | None, days: int, trust: Trust) -> Target:
    """Raises InputRefused and NotTrusted for a profile or a key that cannot be used: what is not believed is never built upon."""
    now = datetime.datetime.now(datetime.UTC)
    name = "".join(c for c in path.stem if c.isascii() and (c.isalnum() or c in "._-")).lstrip("._-")[:60] or "site"
    signing = read_signing_key(key) if key else None
    until = now.date() + datetime.timedelta(days)
    return Target(path, read_current(path, trust), signing, name, until, now.isoformat(timespec="seconds"))
