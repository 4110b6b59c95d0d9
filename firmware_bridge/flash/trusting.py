"""`sonoderm device trust`: whom a device believes, asked and changed over a cable. A change is signed here, for each device its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from edge.bundle.trust import Role
from edge.bundle.trust_signed import CHANGE, AddKey, RemoveKey, Revoke, TrustChange, encode, parse_change, words
from edge.cli.listing import print_table
from edge.cli.output import print_json_line, say
from edge.errors import SourceUnreachable, UsageError
from firmware_bridge.flash.client import DeviceRefused
from firmware_bridge.flash.line import LineLost
from firmware_bridge.flash.ports import Found
from firmware_bridge.flash.where import AllOption, BaudOption, JsonOption, PortOption, PortsOption, Where
from firmware_bridge.wire.own import TrustState

__all__ = ["app"]

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Whom a device believes: listed, and changed by a signed order."
)

SignOption = Annotated[
    Path, typer.Option("--sign-with", metavar="OWNER.pem", help="Private key of a bundle signer that the device trusts; it stays here.")
]
RoleOption = Annotated[Role, typer.Option("--role", help="What the key may sign.")]
LastOption = Annotated[bool, typer.Option("--even-the-last", help="Also when no key is left that can sign the next change.")]


@app.command("list")
def list_keys(
    port: PortOption = None,
    ports: PortsOption = None,
    everything: AllOption = False,
    baud: BaudOption = 115_200,
    as_json: JsonOption = False,
) -> None:
    """The keys that each device trusts."""

    rows: list[tuple[str, ...]] = []

    def tell(each: Found) -> None:
        state = each.client.trust()
        if as_json:
            print_json_line(msgspec.json.encode(state))
        else:
            keys = [(state.serial, k.name, k.role, k.hash[:12], "revoked" if k.revoked else "") for k in state.keys]
            rows.extend(keys or [(state.serial, "no key", "", "", "")])
            say(f"{state.serial}: {state.revoked} digests are revoked")

    try:
        Where(port, ports, everything, baud).reach().each(tell)
    finally:
        if rows:
            print_table(("device", "key", "may sign", "hash", ""), rows)


@app.command()
def add(
    key: Annotated[Path, typer.Argument(metavar="KEY.pub", help="An ed25519 public key as PEM.")],
    sign_with: SignOption,
    role: RoleOption = Role.BUNDLE,
    name: Annotated[str | None, typer.Option("--name", help="What the device calls it; default: the file's name.")] = None,
    port: PortOption = None,
    ports: PortsOption = None,
    everything: AllOption = False,
    baud: BaudOption = 115_200,
) -> None:
    """Let a device believe one more key."""
    from edge.bundle.keyfile import read_public_key
    from edge.bundle.trust_change import name_of

    raw, called = read_public_key(key).raw.hex(), name or name_of(key)
    where = Where(port, ports, everything, baud)
    _order(where, sign_with, lambda state: AddKey(device=state.serial, nonce=state.nonce, key=raw, name=called, role=role))


@app.command()
def remove(
    key: Annotated[str, typer.Argument(metavar="KEY", help="KEY.pub, or its hash of 64 hex digits.")],
    sign_with: SignOption,
    role: RoleOption = Role.BUNDLE,
    even_the_last: LastOption = False,
    port: PortOption = None,
    ports: PortsOption = None,
    everything: AllOption = False,
    baud: BaudOption = 115_200,
) -> None:
    """Stop believing a key; it may be added again. What was stolen is revoked, not removed."""
    digest = _digest_of(key)

    def change(state: TrustState) -> TrustChange:
        return RemoveKey(device=state.serial, nonce=state.nonce, hash=digest, role=role, even_the_last=even_the_last)

    _order(Where(port, ports, everything, baud), sign_with, change)


@app.command()
def revoke(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="KEY.pub, or 64 hex digits: of a key, a payload, a bundle or an image.")],
    sign_with: SignOption,
    remark: Annotated[str, typer.Option("--remark", help="Why, in a few words of ASCII.")] = "",
    even_the_last: LastOption = False,
    port: PortOption = None,
    ports: PortsOption = None,
    everything: AllOption = False,
    baud: BaudOption = 115_200,
) -> None:
    """Refuse a key or a model for good, whatever signs it."""
    digest = _digest_of(what)

    def change(state: TrustState) -> TrustChange:
        return Revoke(device=state.serial, nonce=state.nonce, digest=digest, remark=remark, even_the_last=even_the_last)

    _order(Where(port, ports, everything, baud), sign_with, change)


def _digest_of(text: str) -> str:
    """64 hex digits as they are; a public key's file gives its hash. Raises UsageError, InputRefused."""
    from edge.bundle.keyfile import read_public_key

    if len(text) == 64 and set(text.lower()) <= set("0123456789abcdef"):
        return text.lower()
    if not text.endswith((".pub", ".pem")):
        do = "sonoderm device trust list --json has the hashes of keys"
        raise UsageError(f"{text}: neither a SHA-256 of 64 hex digits nor the file of a public key", do=do)
    return read_public_key(Path(text)).hash


def _order(where: Where, sign_with: Path, change_for: Callable[[TrustState], TrustChange]) -> None:
    from edge.bundle.signing import read_signing_key, sign_text

    key = read_signing_key(sign_with)

    def give(each: Found) -> None:
        change = parse_change(encode(change_for(each.client.trust())))  # a name that no device takes is refused before it is signed
        try:
            changed = each.client.change_trust(sign_text(encode(change), key, CHANGE))
        except LineLost as error:
            do = "it restarts after a change, and its answer may be lost with the port: give the order again, it says what is so already"
            raise SourceUnreachable(error.what, do=do) from error
        except DeviceRefused as error:
            raise DeviceRefused(error.rc, f"{each.info.serial}: {error.what}") from error
        say(f"{each.info.serial}: {words(change)}{'' if changed else ': it was so already'}")
        runs = each.info.running
        if isinstance(change, Revoke) and runs is not None and change.digest in (runs.digest, runs.hash):
            say(f"{each.info.serial}: {runs.version}, which runs there, is refused from its next start on")

    where.reach().each(give)
