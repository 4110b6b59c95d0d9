"""`sonoderm device trust`: whom a device believes, asked and changed over a cable. A change is signed here, for each device its own."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from edge.cli.listing import print_table
from edge.cli.output import print_json_line, say
from firmware_bridge.flash.ports import Found
from firmware_bridge.flash.where import AllOption, BaudOption, JsonOption, PortOption, PortsOption, Where
from firmware_bridge.wire.own import KeyRole

__all__ = ["app"]

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Whom a device believes: listed, and changed by a signed order."
)

SignOption = Annotated[
    Path, typer.Option("--sign-with", metavar="OWNER.pem", help="Private key of a bundle signer that the device trusts; it stays here.")
]
RoleOption = Annotated[KeyRole, typer.Option("--role", help="What the key may sign.")]
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
    role: RoleOption = "bundle",
    name: Annotated[str | None, typer.Option("--name", help="What the device calls it; default: the file's name.")] = None,
    port: PortOption = None,
    ports: PortsOption = None,
    everything: AllOption = False,
    baud: BaudOption = 115_200,
) -> None:
    """Let a device believe one more key."""
    from firmware_bridge.flash.order import adding, give_order

    give_order(Where(port, ports, everything, baud), sign_with, adding(key, name, role))


@app.command()
def remove(
    key: Annotated[str, typer.Argument(metavar="KEY", help="KEY.pub, or its hash of 64 hex digits.")],
    sign_with: SignOption,
    role: RoleOption = "bundle",
    even_the_last: LastOption = False,
    port: PortOption = None,
    ports: PortsOption = None,
    everything: AllOption = False,
    baud: BaudOption = 115_200,
) -> None:
    """Stop believing a key; it may be added again. What was stolen is revoked, not removed."""
    from firmware_bridge.flash.order import give_order, removing

    give_order(Where(port, ports, everything, baud), sign_with, removing(key, role, even_the_last=even_the_last))


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
    from firmware_bridge.flash.order import give_order, revoking

    give_order(Where(port, ports, everything, baud), sign_with, revoking(what, remark, even_the_last=even_the_last))
