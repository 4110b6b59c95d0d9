"""What of a device profile is applied here, by whom it is signed, until when."""

import datetime
from collections.abc import Iterator
from pathlib import Path

from edge.bundle.trust import load_trust
from edge.cli.doctor_finding import Finding, Level
from edge.errors import SonodermError
from edge.profile import Part, Standing, describe, load_profile

__all__ = ["find_profile"]

TOPIC = "profile"
SOON_DAYS = 14  # time enough to plan a measurement
MEASURE = "measure it anew: sonoderm calibrate color|geometry … --profile FILE"


def find_profile(path: Path | None, trust: Path | None, today: datetime.date) -> Iterator[Finding]:
    """Nothing where no profile was named. today: UTC."""
    if path is None:
        return
    try:
        believed = load_trust(trust)
        loaded = load_profile(path, believed)
    except SonodermError as error:
        yield Finding(TOPIC, path.name, Level.BROKEN, error.what, error.do)
        return
    signer = next((key.name for key in believed.keys if key.hash == loaded.signer), None)
    of = f"{loaded.profile.name} of {loaded.profile.made_at}"
    if loaded.signer is None:
        do = f"sonoderm profile sign {path} --key KEY.pem"
        yield Finding(TOPIC, path.name, Level.NOTE, f"{of}, unsigned: its corrections are ignored", do)
    else:
        yield Finding(TOPIC, path.name, Level.OK, f"{of}, signed by {signer} ({loaded.signer[:12]})")
    for part in describe(loaded, today):
        yield _of(part, today)


def _of(part: Part, today: datetime.date) -> Finding:
    holds, until = ", ".join(part.holds) or "nothing", part.expires_on.isoformat()
    match part.standing:
        case Standing.EXPIRED:
            return Finding(TOPIC, part.of, Level.NOTE, f"{holds}: expired on {until}, not applied", MEASURE)
        case Standing.UNSIGNED:
            return Finding(TOPIC, part.of, Level.NOTE, f"{holds}: ignored, since nobody signed it")
        case Standing.LIMITED:
            return Finding(TOPIC, part.of, Level.NOTE, f"{holds}: unsigned, so that only more caution is taken over, until {until}")
        case Standing.APPLIED if (part.expires_on - today).days <= SOON_DAYS:
            return Finding(TOPIC, part.of, Level.NOTE, f"{holds}: applied, but only until {until}", MEASURE)
        case Standing.APPLIED:
            return Finding(TOPIC, part.of, Level.OK, f"{holds}: applied until {until}")
