"""A measurement on its way into a profile: the same options and the same words for every command that measures."""

import datetime
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from calibration.profile.parts import Color, Geometry, Measured, put
from calibration.profile.signing import SigningKey, is_trusted, read_signing_key
from calibration.profile.store import Current, Written, read_current, write
from edge.bundle.durable import require_folder
from edge.bundle.trust import Trust, load_trust
from edge.errors import UsageError
from edge.profile import Correction, LoadedProfile, Setting

__all__ = [
    "CameraOption",
    "Delivery",
    "KeyOption",
    "NameOption",
    "OpticOption",
    "ProfileOption",
    "ValidOption",
    "deliver",
    "delivery_to",
    "last_of",
    "prepare",
    "written_lines",
]

ProfileOption = Annotated[
    Path | None, typer.Option("--profile", metavar="FILE", help="The profile it goes into; without it, it is shown only.")
]
KeyOption = Annotated[Path | None, typer.Option("--key", metavar="PEM", help="Sign at once, with this private key.")]
NameOption = Annotated[str | None, typer.Option("--name", help="Name of a new profile; default: that of its file.")]
CameraOption = Annotated[str | None, typer.Option("--camera", help="As its source names itself; needed where a file was given.")]
OpticOption = Annotated[str, typer.Option("--optic", help="Lens, tube or probe that was in use.")]
ValidOption = Annotated[int, typer.Option("--valid-days", min=1, max=3650, help="For so many days it is applied.")]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where a measurement is to go, checked before the measurement: its file was read and believed, its key can sign."""

    path: Path
    key: SigningKey | None
    current: Current | None
    trust: Trust
    name: str
    expires_on: datetime.date
    at: datetime.datetime

    @property
    def in_force(self) -> LoadedProfile | None:
        return self.current.loaded if self.current else None

    @property
    def made_at(self) -> str:
        return f"{self.at:%Y-%m-%dT%H:%M:%SZ}"


def delivery_to(path: Path, key: Path | None, name: str | None, valid_days: int, trust: Trust, now: datetime.datetime) -> Delivery:
    """Raises what stands in the way, before anybody measures: what is not believed is never built upon. now: UTC."""
    require_folder(path)
    signing = read_signing_key(key) if key else None
    called = name or re.sub(r"[^A-Za-z0-9._-]", "-", path.stem).lstrip("._-")[:60]
    if not called:
        raise UsageError(f"{path} gives no name for a profile", do="--name NAME")
    return Delivery(path, signing, read_current(path, trust), trust, called, now.date() + datetime.timedelta(days=valid_days), now)


def prepare(
    path: Path | None, key: Path | None, name: str | None, valid_days: int, trust: Path | None, now: datetime.datetime
) -> Delivery | None:
    """None where nothing is to be written. Raises what stands in the way, before anybody measures. now: UTC."""
    if path is None:
        if key is not None:
            raise UsageError("--key signs a profile, and there is no --profile", do="give --profile FILE, or leave --key out")
        return None
    return delivery_to(path, key, name, valid_days, load_trust(trust), now)


def last_of(delivery: Delivery | None, setting: Setting) -> Correction | None:
    """What the profile holds for this setting now."""
    if delivery is None or delivery.current is None:
        return None
    return next((c for c in delivery.current.loaded.profile.corrections if c.setting == setting), None)


def deliver(delivery: Delivery, setting: Setting, found: Color | Geometry) -> tuple[str, ...]:
    """Writes it, and says in lines for people what is in force now and what is left to do."""
    old = delivery.current.loaded.profile if delivery.current else None
    made = put(Measured(setting, delivery.expires_on, found), old, name=delivery.name, made_at=delivery.made_at)
    written = write(delivery.path, made.profile, delivery.key, delivery.current)
    unsigned = f"it is ignored until it is signed: sonoderm profile sign {written.path} --key KEY.pem"
    return (*made.notes, *written_lines(delivery, written, unsigned))


def written_lines(delivery: Delivery, written: Written, unsigned: str) -> tuple[str, ...]:
    """What is in force now. unsigned: what that means for what was measured."""
    signer = f", signed by {delivery.key.hash[:12]}" if delivery.key else ""
    lines = [f"wrote {written.path}{signer}{f'; the one before lies in {written.kept}' if written.kept else ''}"]
    if written.is_draft:
        lines.append(f"{delivery.path} is signed and stays in force until: sonoderm profile sign {written.path} --key KEY.pem")
    elif delivery.key is None:
        lines.append(unsigned)
    elif not is_trusted(delivery.key, delivery.trust):
        lines.append(f"key {delivery.key.hash[:12]} is not believed here for profiles: sonoderm trust add NAME.profile.pub")
    return tuple(lines)
