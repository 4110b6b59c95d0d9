"""`sonoderm device`: the device's own side is here (serve, simulate, init); a technician's questions are in `flash/questions.py`."""

import os
import time
import uuid
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.output import say
from edge.cli.trust_option import TrustOption
from edge.errors import MachineLacks, UsageError
from firmware_bridge.display.command import display
from firmware_bridge.flash.ports import Found
from firmware_bridge.flash.questions import confirm, info, list_ports, log, rollback, slots
from firmware_bridge.flash.trusting import app as trust_app
from firmware_bridge.flash.where import AllOption, BaudOption, JsonOption, PortOption, PortsOption, Where
from firmware_bridge.wire.own import Confirm, Link

__all__ = ["app"]

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Serve, simulate and look after a device's model slots."
)

LinkOption = Annotated[Link, typer.Option("--link", help="What the port is.")]
ConfirmOption = Annotated[Confirm, typer.Option("--confirm", help="Who confirms a model that passed its check; manual: a person.")]


@app.command()
def serve(
    port: Annotated[str, typer.Option(help="The serial port to answer on.")],
    slots: Annotated[Path, typer.Option(help="The slots folder.")],
    link: LinkOption = "usb",
    baud: BaudOption = 115_200,
    confirm: ConfirmOption = "auto",
    serial: Annotated[str | None, typer.Option("--serial", help="The device's serial number; default: the board's own.")] = None,
    trust: TrustOption = None,
) -> None:
    """Answer SMP on a port, so that this device can be flashed.

    Tools of Zephyr and MCUboot work too. Ends when a reset is asked for: its service starts it again.
    """
    from edge.bundle.slotfiles import DiskFiles
    from firmware_bridge.device.assembly import Setup, assemble
    from firmware_bridge.device.board import board_serial
    from firmware_bridge.device.runview import run_of
    from firmware_bridge.serve import serve as answer

    if not slots.is_dir():
        raise UsageError(f"--slots {slots}: no such folder", do="make it with `sonoderm device init`")
    setup = Setup(DiskFiles(slots), trust, serial or board_serial(), link, baud, confirm)
    answer(assemble(setup, lambda: run_of(slots, time.monotonic_ns())), port, baud)


@app.command()
def simulate(
    count: Annotated[int, typer.Argument(metavar="N", min=1, max=300, help="How many devices.")],
    model: Annotated[str, typer.Option("--model", help="What they run at first: a shipped name or a bundle.")] = "phantom",
    slots: Annotated[Path | None, typer.Option("--slots", help="Where their slots are kept; default: gone at the end.")] = None,
    ports: Annotated[Path | None, typer.Option("--ports", metavar="FILE", help="Write their ports there, for flash --ports.")] = None,
    link: LinkOption = "usb",
    baud: BaudOption = 115_200,
    confirm: ConfirmOption = "auto",
    fault: Annotated[list[str] | None, typer.Option("--fault", metavar="NUMBER=KIND", help="What goes wrong on one of them.")] = None,
    hurry: Annotated[float, typer.Option("--hurry", min=1, max=100, help="Trials live that much faster than the clock.")] = 1.0,
    trust: TrustOption = None,
    as_json: JsonOption = False,
) -> None:
    """N devices on pseudo-terminals, with the server, slots and checks of real ones, to rehearse on. Ctrl-C ends them.

    Kinds of --fault: unplug, replug, hardware, disk-full, slow, busy, examination.
    """
    from firmware_bridge.simulate.command import SimOptions, simulate
    from firmware_bridge.simulate.fault import parse_faults

    faults = parse_faults(fault or [], count)
    simulate(SimOptions(count, model, slots, trust, ports, link, baud, confirm, faults, hurry, as_json))


@app.command()
def init(
    slots: Annotated[Path | None, typer.Option("--slots", help="Make this folder a slots folder, on this machine.")] = None,
    name: Annotated[str | None, typer.Option("--model", help="The name of the model it is for; no other is taken then.")] = None,
    vendor: Annotated[str | None, typer.Option("--vendor", help="UUID of the hardware's maker.")] = None,
    device_class: Annotated[str | None, typer.Option("--class", help="UUID of the kind of hardware.")] = None,
    key: Annotated[Path | None, typer.Option("--key", metavar="KEY.pub", help="The first key that it trusts.")] = None,
    port: PortOption = None,
    ports: PortsOption = None,
    everything: AllOption = False,
    baud: BaudOption = 115_200,
    trust: TrustOption = None,
) -> None:
    """Set a device up: on this machine with --slots, or over a cable (its first key alone) with --port and --key."""
    if (slots is None) == (not port and ports is None and not everything):
        raise UsageError(
            "say where: --slots DIR on this machine, or --port, --ports or --all over a cable", do="sonoderm device init --help"
        )
    if slots is not None:
        if name is None:
            raise UsageError("--slots needs --model", do="name the model that this device is for, such as derm7")
        _init_here(slots, name, vendor, device_class, key, trust)
        return
    if key is None:
        raise UsageError("over a cable a device gets its first key only: --key is missing", do="--key KEY.pub")
    pem = _read_key(key)

    def add(each: Found) -> None:
        each.client.add_first_key(pem)
        say(f"{each.info.serial}: it trusts this key from now on")

    Where(port, ports, everything, baud).reach().each(add)


def _init_here(slots: Path, name: str, vendor: str | None, device_class: str | None, key: Path | None, trust: Path | None) -> None:
    from edge.bundle.slotfiles import DiskFiles, writing
    from edge.bundle.trust import load_trust, trust_folders
    from firmware_bridge.device.assembly import add_first_key
    from firmware_bridge.device.slots import SlotStore

    try:
        slots.mkdir(parents=True, exist_ok=True)
        if key is not None:
            trust_folders(trust, os.environ).for_adding.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise MachineLacks(f"{error.filename}: {error.strerror}", do="name a folder that you may write to") from error
    SlotStore(DiskFiles(slots), load_trust(trust), lock=lambda: writing(slots)).init(name, _uuid(vendor), _uuid(device_class))
    if key is not None:
        add_first_key(_read_key(key), trust)
    say(f"{slots} is for {name}: sonoderm device serve --port PORT --slots {slots}")


def _uuid(text: str | None) -> str | None:
    try:
        return None if text is None else str(uuid.UUID(text))
    except ValueError:
        raise UsageError(f"{text}: it is no UUID", do="give it as 8-4-4-4-12 hex digits") from None


def _read_key(path: Path) -> bytes:
    from edge.bundle.keyfile import read_public_key

    return read_public_key(path).pem


for question in (info, slots, confirm, rollback, log, display):
    app.command()(question)
app.command("ports")(list_ports)
app.add_typer(trust_app, name="trust")
