"""`sonoderm trust`: whose models this device believes. Adds, lists and removes public keys; the rules stand in edge/bundle/trust.py."""

import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from edge.bundle.revoked import read_revoked
from edge.bundle.trust import FolderContent, Role, TrustedKey, read_folder, require_named, trust_folders
from edge.bundle.trust_change import add_key, remove_key
from edge.cli.listing import print_table
from edge.cli.output import print_json, say
from edge.cli.trust_option import named_folder
from edge.errors import SonodermError

__all__ = ["app"]

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Decide which keys may sign what this device runs."
)

FolderOption = Annotated[
    Path | None,
    typer.Option("--trust", metavar="DIR", parser=named_folder, help="The trust folder; by default SONODERM_TRUST, else your own."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object.")]


class ListedKey(msgspec.Struct, frozen=True):
    """counts: whether this key is used here; a folder that was named stands alone, and the first file of a key decides."""

    name: str
    role: Role
    hash: str
    path: str
    counts: bool


class TrustReport(msgspec.Struct, frozen=True):
    v: int
    folders: tuple[str, ...]
    keys: tuple[ListedKey, ...]
    revoked: tuple[str, ...]
    troubles: tuple[str, ...]


@app.command()
def add(
    key: Annotated[Path, typer.Argument(metavar="KEY.pub", help="An ed25519 public key as PEM.")],
    role: Annotated[Role, typer.Option("--role", help="What it may sign.")] = Role.BUNDLE,
    trust: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Believe a key from now on.

    Make sure first that it is the sender's: compare its hash by another way than the one it came.
    """
    folders = trust_folders(trust, os.environ)
    revoked = frozenset[str]().union(*(read_revoked(folder) for folder in folders.for_revoked))
    added = add_key(key, folders.for_adding, role, revoked)
    if as_json:
        print_json({"v": 1, "key": _listed(added.key, counts=True), "new": added.is_new})
        return
    verb = "trusted from now on" if added.is_new else "was trusted already"
    print(f"{verb}: {added.key.path} may sign a {role}, key hash {added.key.hash}")


@app.command("list")
def list_keys(trust: FolderOption = None, as_json: JsonOption = False) -> None:
    """Which keys count here, and which digests are revoked.

    Exit code 5 when a trust folder holds what cannot be trusted.
    """
    folders = trust_folders(trust, os.environ)
    require_named(folders)
    contents = {folder: read_folder(folder) for folder in folders.for_keys}
    report, troubles = _report(contents, folders.for_revoked)
    if as_json:
        print_json(report)
    else:
        rows = [
            (each.name, each.role.value, each.hash[:12], "yes" if each.counts else "no: an earlier file decides") for each in report.keys
        ]
        if rows:
            print_table(("key", "may sign", "hash", "counts"), rows)
        else:
            print("no key is trusted: only the shipped models run")
        for digest in report.revoked:
            print(f"revoked  {digest}")
        say(f"folders: {', '.join(report.folders)}")
    if troubles:
        for error in troubles[1:]:
            say(error.line())
        raise troubles[0]


@app.command()
def remove(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Name of the key, or the first 8 digits (or more) of its hash.")],
    trust: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stop believing a key.

    What runs goes on; bundles that it signed are refused from the next start on.
    """
    folders = trust_folders(trust, os.environ)
    require_named(folders)
    removed = remove_key(key, folders.for_adding)
    if as_json:
        print_json({"v": 1, "removed": tuple(str(path) for path in removed)})
        return
    for path in removed:
        print(f"no longer trusted: {path}")


def _report(contents: dict[Path, FolderContent], for_revoked: tuple[Path, ...]) -> tuple[TrustReport, list[SonodermError]]:
    seen: set[tuple[str, Role]] = set()
    keys: list[ListedKey] = []
    troubles = [error for content in contents.values() for error in content.troubles]
    for content in contents.values():
        for key in content.keys:
            keys.append(_listed(key, counts=not troubles and (key.hash, key.role) not in seen))
            seen.add((key.hash, key.role))
    revoked: set[str] = set()
    for folder in for_revoked:
        try:
            revoked |= read_revoked(folder)
        except SonodermError as error:
            troubles += [error] if folder not in contents else []
    folders = tuple(str(folder) for folder in contents)
    return TrustReport(1, folders, tuple(keys), tuple(sorted(revoked)), tuple(error.line() for error in troubles)), troubles


def _listed(key: TrustedKey, *, counts: bool) -> ListedKey:
    return ListedKey(key.name, key.role, key.hash, str(key.path), counts)
