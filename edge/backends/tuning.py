"""tuning.json: which engine, form and number of threads is fastest here. A cache, signed by nobody: it changes speed alone."""

from pathlib import Path
from typing import Annotated

import msgspec

from edge.backends.private import write_private

__all__ = ["Tuned", "read_tuning", "tuned_for", "write_tuned"]

FILE = "tuning.json"


class Tuned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The choice for one bundle on one processor. cpu: `Machine.key`. p50_ms, p95_ms: of inference alone, at the time."""

    cpu: str
    bundle: str
    engine: str
    engine_version: str
    form: str
    threads: Annotated[int, msgspec.Meta(ge=1, le=256)]
    p50_ms: float
    p95_ms: float
    at: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tuned: tuple[Tuned, ...] = ()
    v: int = 1


def read_tuning(folder: Path) -> tuple[tuple[Tuned, ...], str | None]:
    """(entries, warning). A damaged file is ignored, aloud."""
    path = folder / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File).tuned, None
    except FileNotFoundError:
        return (), None
    except (OSError, msgspec.DecodeError) as error:
        return (), f"{path} is ignored ({error}); sonoderm check --tune writes it anew"


def tuned_for(tuned: tuple[Tuned, ...], cpu: str, bundle: str) -> Tuned | None:
    return next((entry for entry in tuned if entry.cpu == cpu and entry.bundle == bundle), None)


def write_tuned(folder: Path, entry: Tuned) -> None:
    """Adds it, in place of an older one for the same processor and bundle. Raises MachineLacks."""
    kept, _ = read_tuning(folder)
    tuned = (*(old for old in kept if (old.cpu, old.bundle) != (entry.cpu, entry.bundle)), entry)
    write_private(folder / FILE, msgspec.json.format(msgspec.json.encode(_File(tuned))))
