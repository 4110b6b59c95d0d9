"""One measurement put into a profile: what else the profile holds stays as it is."""

import datetime
from dataclasses import dataclass

import msgspec

from edge.errors import UsageError
from edge.profile import ColorEvidence, ColorResponse, Correction, DeviceProfile, Setting
from edge.profile.record import parse_profile

__all__ = ["Color", "Geometry", "Measured", "Put", "put", "valid"]

Polygon = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Color:
    response: ColorResponse
    evidence: ColorEvidence


@dataclass(frozen=True, slots=True)
class Geometry:
    """scan_region: None where only text is masked."""

    scan_region: Polygon | None
    text_masks: tuple[Polygon, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one measurement found, for which setting, and the last day on which it is to be applied (UTC)."""

    setting: Setting
    expires_on: datetime.date
    found: Color | Geometry


@dataclass(frozen=True, slots=True)
class Put:
    """The profile with the measurement in it. notes: what a person should know of it."""

    profile: DeviceProfile
    notes: tuple[str, ...]


def put(measured: Measured, old: DeviceProfile | None, *, name: str, made_at: str) -> Put:
    """The measurement takes the place of the last one of its kind for the same setting. made_at: ISO 8601, UTC.

    A correction has one last day: where its other half (geometry beside color) was measured for less long, that day counts.
    Raises UsageError for what no profile may hold (a name with blanks, more than 64 settings).
    """
    base = old or DeviceProfile(name=name, made_at=made_at)
    before = next((c for c in base.corrections if c.setting == measured.setting), None)
    start = before or Correction(setting=measured.setting, expires_on=measured.expires_on)
    notes: list[str] = []
    expires_on = measured.expires_on
    match measured.found:
        case Color(response, evidence):
            other, others_name = start.scan_region is not None or bool(start.text_masks), "scan region"
            new = msgspec.structs.replace(start, color=response, color_evidence=evidence)
        case Geometry(scan_region, text_masks):
            other, others_name = start.color is not None, "color"
            new = msgspec.structs.replace(start, scan_region=scan_region, text_masks=text_masks)
    if other and start.expires_on < expires_on:
        expires_on = start.expires_on
        notes.append(f"valid until {expires_on.isoformat()} only, as its {others_name} is: measure that anew for a later day")
    new = msgspec.structs.replace(new, expires_on=expires_on)
    others = tuple(c for c in base.corrections if c.setting != measured.setting)
    return Put(valid(msgspec.structs.replace(base, made_at=made_at, corrections=(*others, new))), tuple(notes))


def valid(made: DeviceProfile) -> DeviceProfile:
    """The profile as a device would read it. Raises UsageError for what no profile may hold."""
    try:
        return parse_profile(msgspec.json.encode(made))
    except ValueError as error:
        raise UsageError(f"that makes no valid profile: {error}", do="sonoderm profile show FILE") from error
