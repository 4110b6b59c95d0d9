"""Whom this device believes: public keys in a trust folder, digests pinned in the wheel, and what was revoked.

A trust folder holds `*.pub` files (one ed25519 public key as PEM) and, optionally, `revoked.txt`. The role of a key is in the
name of its file: NAME.profile.pub may sign device profiles; NAME.bundle.pub, and plain NAME.pub, may sign model bundles.

Where keys come from: `--trust DIR` stands alone; else `$SONODERM_TRUST` stands alone; else /etc/sonoderm/trust and the user's own
folder count both, in this order. A folder that was named stands alone so that "would this device take it?" has one answer.
revoked.txt counts from every one of these folders, named or not: adding a folder can never bring back what was revoked.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from edge.bundle.keyfile import read_public_key
from edge.bundle.revoked import REVOKED, anyone_may_write, read_revoked, unreadable
from edge.bundle.shipped import read_pins
from edge.errors import InputRefused, MachineLacks, NotTrusted, SonodermError, UsageError

__all__ = [
    "REVOKED",
    "FolderContent",
    "Role",
    "Trust",
    "TrustFolders",
    "TrustedKey",
    "load_trust",
    "read_folder",
    "require_named",
    "role_of",
    "trust_folders",
]

SYSTEM: Final = Path("/etc/sonoderm/trust")


class Role(StrEnum):
    """What a key may sign."""

    BUNDLE = "bundle"
    PROFILE = "profile"


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """hash: hex SHA-256 of the DER SubjectPublicKeyInfo. public: the 32 bytes of the ed25519 key."""

    hash: str
    role: Role
    path: Path
    public: bytes

    @property
    def name(self) -> str:
        """For people: the file's name without .pub and without its role."""
        return self.path.name.removesuffix(".pub").removesuffix(f".{self.role}")


@dataclass(frozen=True, slots=True)
class Trust:
    """revoked: hex digests of keys, payloads, images and files. pinned: hex SHA-256 of whole bundle files."""

    keys: tuple[TrustedKey, ...] = ()
    revoked: frozenset[str] = frozenset()
    pinned: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TrustFolders:
    """named: the one that stands alone, if any. for_keys: whose keys count, first found first. for_revoked: whose revocations count.

    for_adding: where a new key goes.
    """

    named: Path | None
    for_keys: tuple[Path, ...]
    for_revoked: tuple[Path, ...]
    for_adding: Path


@dataclass(frozen=True, slots=True)
class FolderContent:
    """troubles: what stands in the folder and cannot be believed; `load_trust` raises the first of them."""

    keys: tuple[TrustedKey, ...] = ()
    revoked: frozenset[str] = frozenset()
    troubles: tuple[SonodermError, ...] = ()


def trust_folders(explicit: Path | None, environ: Mapping[str, str]) -> TrustFolders:
    """Which folders count, by the rules above. Pure: looks at no disk."""
    own = _config_folder(environ) / "sonoderm" / "trust"
    from_environment = environ.get("SONODERM_TRUST")
    named = [folder for folder in (explicit, Path(from_environment) if from_environment else None) if folder is not None]
    first = named[0] if named else None
    return TrustFolders(
        named=first,
        for_keys=(first,) if first else (SYSTEM, own),
        for_revoked=tuple(dict.fromkeys((*named, SYSTEM, own))),
        for_adding=first or own,
    )


def _config_folder(environ: Mapping[str, str]) -> Path:
    """XDG base directory specification: an unset, empty or relative XDG_CONFIG_HOME means ~/.config."""
    given = environ.get("XDG_CONFIG_HOME", "")
    if given.startswith("/"):
        return Path(given)
    home = environ.get("HOME", "")
    return (Path(home) if home.startswith("/") else Path("/")) / ".config"


def load_trust(explicit: Path | None) -> Trust:
    """Keys, revocations and pinned digests as they stand on this machine. `explicit`: the folder of --trust.

    Raises UsageError for a named folder that is not there, NotTrusted for one that anybody may write to or that holds what is
    no key, MachineLacks for one that may not be read. Nothing is skipped in silence: trust is whole, or it is an error.
    """
    folders = trust_folders(explicit, os.environ)
    keys: dict[tuple[str, Role], TrustedKey] = {}
    require_named(folders)
    for folder in folders.for_keys:
        content = read_folder(folder)
        for trouble in content.troubles:
            raise trouble
        for key in content.keys:
            keys.setdefault((key.hash, key.role), key)
    revoked = frozenset[str]()
    for folder in folders.for_revoked:
        revoked |= read_revoked(folder)
    return Trust(keys=tuple(keys.values()), revoked=revoked, pinned=frozenset(pin.image_sha256 for pin in read_pins()))


def require_named(folders: TrustFolders) -> None:
    """The folder that was named, if any, is one. Raises UsageError when it is not, MachineLacks when it may not be looked at."""
    if folders.named is None:
        return
    try:
        is_folder, why = stat.S_ISDIR(folders.named.stat().st_mode), "is no folder"
    except (FileNotFoundError, NotADirectoryError):
        is_folder, why = False, "is not there"
    except PermissionError as error:
        raise unreadable(folders.named, error) from error
    except OSError as error:  # a name that is too long, a loop of links
        is_folder, why = False, f"cannot be opened ({error.strerror})"
    if not is_folder:
        raise UsageError(f"the trust folder {folders.named} {why}", do="check --trust and SONODERM_TRUST")


def role_of(path: Path) -> Role:
    """NAME.profile.pub -> profile; any other *.pub -> bundle."""
    return Role.PROFILE if path.name.endswith(".profile.pub") else Role.BUNDLE


def read_folder(folder: Path) -> FolderContent:
    """What one folder holds, and what is wrong with it. A folder that is not there holds nothing."""
    try:
        mode = folder.stat().st_mode
        paths = sorted(path for path in folder.iterdir() if path.name.endswith(".pub"))
    except (FileNotFoundError, NotADirectoryError):
        return FolderContent()
    except OSError as error:
        return FolderContent(troubles=(unreadable(folder, error),))
    if mode & stat.S_IWOTH:
        return FolderContent(troubles=(anyone_may_write(folder),))
    keys: list[TrustedKey] = []
    troubles: list[SonodermError] = []
    for path in paths:
        try:
            key = read_public_key(path)
            if path.stat().st_mode & stat.S_IWOTH:
                troubles.append(anyone_may_write(path))
                continue
        except MachineLacks as error:
            troubles.append(error)
        except InputRefused as error:
            troubles.append(NotTrusted(error.what, state="no key of this folder is used", do=f"mend or remove {path}"))
        except OSError as error:
            troubles.append(unreadable(path, error))
        else:
            keys.append(TrustedKey(hash=key.hash, role=role_of(path), path=path, public=key.raw))
    try:
        revoked = read_revoked(folder)
    except SonodermError as error:
        return FolderContent(tuple(keys), frozenset(), (*troubles, error))
    return FolderContent(tuple(keys), revoked, tuple(troubles))
