"""`sonoderm profile`: what was measured on this device, by whom it is vouched for, and the way back to the one before."""

import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from calibration.profile.signing import is_trusted, read_signing_key
from calibration.profile.store import previous_of, read_current, write
from calibration.profile.store import restore as put_back
from edge.bundle.trust import Trust, load_trust
from edge.cli.listing import print_pairs, print_table
from edge.cli.output import print_json, say
from edge.cli.trust_option import TrustOption
from edge.errors import InputRefused
from edge.profile import LoadedProfile, describe, load_profile

__all__ = ["app"]

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Show, sign and restore what was measured on this device."
)
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The profile.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object.")]


class Entry(msgspec.Struct, frozen=True):
    """One part of a profile as `--json` prints it."""

    of: str
    holds: tuple[str, ...]
    expires_on: datetime.date
    standing: str


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """signer: key hash, null when unsigned."""

    v: int = 1
    file: str
    name: str
    device: str
    made_at: str
    digest: str
    signer: str | None
    signer_name: str | None
    entries: tuple[Entry, ...]


@app.command()
def show(file: FileArgument, trust: TrustOption = None, as_json: JsonOption = False) -> None:
    """What is applied today, by whom it is signed, until when."""
    believed = load_trust(trust)
    _print(_shown(load_profile(file, believed), file, believed), as_json)


@app.command()
def sign(
    file: FileArgument,
    key: Annotated[Path, typer.Option("--key", metavar="PEM", help="Private key (PEM, ed25519) that vouches for it.")],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="The profile it becomes (default: the same file, a draft's own profile).")
    ] = None,
    trust: TrustOption = None,
    as_json: JsonOption = False,
) -> None:
    """Vouch for a profile. The one that it replaces is kept beside it.

    Corrections count on a device only when a key of role profile signed them: sonoderm trust add NAME.profile.pub
    """
    believed = load_trust(trust)
    made = read_current(file, believed)
    if made is None:
        raise InputRefused(f"there is no profile {file}", do="make one with: sonoderm calibrate color|geometry … --profile FILE")
    signing = read_signing_key(key)
    target = to or _target_of(file)
    current = made if target == file else read_current(target, believed)
    written = write(target, made.loaded.profile, signing, current)
    if target != file and to is None:
        file.unlink(missing_ok=True)  # a draft that is in force now
    if not is_trusted(signing, believed):
        say(f"signed {written.path}; key {signing.hash[:12]} is not believed here for profiles: sonoderm trust add NAME.profile.pub")
        return
    _print(_shown(load_profile(written.path, believed), written.path, believed), as_json)


@app.command()
def restore(file: FileArgument, trust: TrustOption = None, as_json: JsonOption = False) -> None:
    """Put the previous profile in force again; the one in force is kept, so that a second restore undoes the first."""
    believed = load_trust(trust)
    loaded = put_back(file, believed)
    say(f"in force again: {loaded.profile.name} of {loaded.profile.made_at}; the other one lies in {previous_of(file)}")
    _print(_shown(loaded, file, believed), as_json)


def _target_of(file: Path) -> Path:
    return file.with_name(f"{file.stem.removesuffix('.draft')}{file.suffix}")


def _shown(loaded: LoadedProfile, file: Path, trust: Trust) -> Shown:
    today = datetime.datetime.now(datetime.UTC).date()
    entries = tuple(Entry(part.of, part.holds, part.expires_on, part.standing.value) for part in describe(loaded, today))
    signer = next((key.name for key in trust.keys if key.hash == loaded.signer), None)
    profile = loaded.profile
    return Shown(
        file=str(file),
        name=profile.name,
        device=profile.device,
        made_at=profile.made_at,
        digest=loaded.digest,
        signer=loaded.signer,
        signer_name=signer,
        entries=entries,
    )


def _print(shown: Shown, as_json: bool) -> None:
    if as_json:
        print_json(shown)
        return
    who = f"{shown.signer_name} ({(shown.signer or '')[:12]})" if shown.signer else "nobody: its corrections are ignored"
    print_pairs([("profile", shown.name), ("measured on", shown.device or "-"), ("made at", shown.made_at), ("signed by", who)])
    rows = [(entry.of, ", ".join(entry.holds) or "nothing", entry.expires_on.isoformat(), entry.standing) for entry in shown.entries]
    if rows:
        print_table(("for", "holds", "until", "today"), rows)
