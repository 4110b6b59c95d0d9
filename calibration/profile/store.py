"""The profile's file on disk, and the one before it (`FILE.previous`).

A kill or a full disk at any point leaves a whole profile in force and loses at most the right to go back one step. Order of a write:
the old content is put aside, then the new one takes its place. Order of a restore: what is in force is parked beside (`FILE.parked`),
the previous one takes its place, the parked one becomes the previous; a park left behind by a kill is put right by the next write.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from calibration.profile.signing import SigningKey, encode, signed
from edge.bundle.durable import replace_durably
from edge.bundle.onefile import read_once
from edge.bundle.trust import Trust
from edge.errors import InputRefused, MachineLacks
from edge.profile import DeviceProfile, LoadedProfile, load_profile, read_profile
from edge.profile.read import MAX_PROFILE_B

__all__ = ["Current", "Written", "draft_of", "previous_of", "read_current", "restore", "write"]


@dataclass(frozen=True, slots=True)
class Current:
    """What is in force: as it was believed, and its very bytes."""

    loaded: LoadedProfile
    data: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """path: where it lies. is_draft: the signed profile that is in force was left alone. kept: where the one before lies, if any."""

    path: Path
    is_draft: bool
    kept: Path | None


def previous_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.previous")


def draft_of(path: Path) -> Path:
    """clinic.json -> clinic.draft.json"""
    return path.with_name(f"{path.stem}.draft{path.suffix}")


def _parked_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.parked")


def read_current(path: Path, trust: Trust) -> Current | None:
    """The profile that is in force; None where there is none yet.

    Raises InputRefused and NotTrusted as `load_profile`: what cannot be believed is never carried over into a new profile.
    """
    if not os.path.lexists(path):
        return None
    data = read_once(path, MAX_PROFILE_B)
    return Current(read_profile(data, trust, origin=str(path)), data)


def write(path: Path, profile: DeviceProfile, key: SigningKey | None, current: Current | None) -> Written:
    """Puts `profile` in force, the old one aside. current: what it was made from, as `read_current` gave it.

    Without a key, a signed profile stays in force and the new one becomes a draft beside it, to be signed.
    Raises InputRefused when the file changed since `current` was read, MachineLacks where it cannot be written.
    """
    body = encode(profile)
    data = signed(body, key) if key else body
    if key is None and current is not None and current.loaded.signer is not None:
        with _alone(path):
            replace_durably(draft_of(path), data)
        return Written(draft_of(path), is_draft=True, kept=None)
    with _alone(path):
        _settle(path)
        found = _content(path)
        if found != (current.data if current else None):
            raise InputRefused(f"{path} was changed by somebody else meanwhile", state="it was left as it is", do="measure again")
        if found is not None:
            replace_durably(previous_of(path), found)
        replace_durably(path, data)
    return Written(path, is_draft=False, kept=previous_of(path) if found is not None else None)


def restore(path: Path, trust: Trust) -> LoadedProfile:
    """The previous profile in force again, and the one that was in force kept as the previous: twice is once around.

    Raises InputRefused where no previous one is kept, and NotTrusted where it is no longer believed; nothing is changed then.
    """
    with _alone(path):
        _settle(path)
        previous = previous_of(path)
        if not previous.is_file():
            raise InputRefused(f"no profile is kept beside {path}", state="nothing was changed", do=f"it would be {previous}")
        loaded = load_profile(previous, trust)
        found = _content(path)
        if found is not None:
            replace_durably(_parked_of(path), found)
        previous.replace(path)
        if found is not None:
            _parked_of(path).replace(previous)
    return loaded


def _settle(path: Path) -> None:
    """Ends a restore that was killed between its steps."""
    parked = _parked_of(path)
    if not parked.exists():
        return
    if previous_of(path).exists():
        parked.unlink()
    else:
        parked.replace(previous_of(path))


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One writer at a time in the profile's folder. Raises MachineLacks where the folder is missing or may not be written to."""
    try:
        handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise MachineLacks(f"{path.parent}: {error.strerror}", do="name a profile in a folder that is there") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    except PermissionError as error:
        raise MachineLacks(f"{path}: {error.strerror}", do="run it as the user who owns the profile") from error
    finally:
        os.close(handle)
