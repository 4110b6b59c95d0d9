"""Changes to a trust folder: one key file comes or goes, whole or not at all."""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from edge.bundle.durable import create_durably
from edge.bundle.keyfile import read_public_key
from edge.bundle.revoked import anyone_may_write
from edge.bundle.trust import Role, TrustedKey, read_folder
from edge.errors import MachineLacks, NotTrusted, UsageError

__all__ = ["Added", "add_key", "name_of", "remove_key"]

SHORTEST_HASH = 8  # hex digits that name a key; fewer could be chosen by accident


@dataclass(frozen=True, slots=True)
class Added:
    """is_new: False when the folder held this key in this role already."""

    key: TrustedKey
    is_new: bool


def add_key(source: Path, folder: Path, role: Role, revoked: frozenset[str]) -> Added:
    """Copies the public key into the folder as NAME.ROLE.pub (canonical PEM, nothing else of the file), making the folder if need be.

    Raises InputRefused for anything but one ed25519 public key (a private one is never copied), NotTrusted when it is revoked or
    when anyone may write to the folder, UsageError when another key has that name, MachineLacks when the folder cannot be written.
    """
    key = read_public_key(source)
    if key.hash in revoked:
        raise NotTrusted(f"{source} is key {key.hash[:12]}, which is revoked here", state="nothing was added", do="ask for another key")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"the trust folder {folder} is a file", do="check --trust and SONODERM_TRUST")
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        if folder.stat().st_mode & stat.S_IWOTH:
            raise anyone_may_write(folder)
        for known in read_folder(folder).keys:
            if known.hash == key.hash and known.role is role:
                return Added(known, is_new=False)
        path = folder / f"{name_of(source)}.{role}.pub"
        create_durably(path, key.pem)
    except FileExistsError:
        do = f"rename {source.name} and add it again, or first: sonoderm trust remove {name_of(source)}"
        raise UsageError(f"{folder} holds another key of that name", do=do) from None
    except OSError as error:
        raise MachineLacks(
            f"{error.filename or folder}: {error.strerror}", state="nothing was added", do="check who may write there"
        ) from error
    return Added(TrustedKey(key.hash, role, path, key.raw), is_new=True)


def remove_key(name: str, folder: Path) -> tuple[Path, ...]:
    """Removes the files of one key, by name or by the beginning of its hash; gives their paths.

    A name with two roles goes in both. A damaged file goes by its file name. Raises UsageError when no key, or more than one, is meant.
    """
    content = read_folder(folder)
    paths = _by_file_name(name, folder)
    if not paths and len(name) >= SHORTEST_HASH:
        paths = tuple(key.path for key in content.keys if key.hash.startswith(name.lower()))
        if len({key.hash for key in content.keys if key.path in paths}) > 1:
            raise UsageError(f"more than one key in {folder} begins with {name}", do="give more digits: sonoderm trust list --json")
    if not paths:
        known = ", ".join(sorted({key.name for key in content.keys})) or "none"
        raise UsageError(f"{folder} holds no key {name}", do=f"there are: {known}")
    for path in paths:
        try:
            path.unlink()
        except OSError as error:
            raise MachineLacks(f"{path}: {error.strerror}", state="it is still trusted", do="check who may write there") from error
    return paths


def _by_file_name(name: str, folder: Path) -> tuple[Path, ...]:
    if not name or "/" in name or name.startswith("."):
        return ()
    endings = ("",) if name.endswith(".pub") else (".pub", *(f".{role}.pub" for role in Role))
    return tuple(folder / f"{name}{ending}" for ending in endings if os.path.lexists(folder / f"{name}{ending}"))


def name_of(source: Path) -> str:
    """owner.pub, owner.bundle.pub, owner.pem -> owner; letters that do not belong into a file name become dashes."""
    stem = source.name
    for ending in (".pub", ".pem", *(f".{role}" for role in Role)):
        stem = stem.removesuffix(ending)
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:60] or "key"
