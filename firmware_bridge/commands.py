"""`sonoderm device`: the device's own side (serve, simulate, init) and a technician's questions to devices over a cable."""

import getpass
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, get_args

import msgspec
import typer

from edge.cli.listing import print_table
from edge.cli.output import print_json, print_json_line, say
from edge.cli.trust_option import TrustOption
from edge.errors import CheckFailed, MachineLacks, SonodermError, UsageError
from firmware_bridge.display.command import display
from firmware_bridge.flash.ports import Found
from firmware_bridge.flash.where import AllOption, BaudOption, PortOption, PortsOption, Reached, Where
from firmware_bridge.wire.own import Confirm, DeviceInfo, Held, Link

__all__ = ["app"]

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Serve, simulate and look after a device's model slots."
)

app.command()(display)

JsonOption = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
LinkOption = Annotated[str, typer.Option("--link", help="usb or uart.")]
ConfirmOption = Annotated[str, typer.Option("--confirm", help="Who confirms a model that passed its check: auto, or manual (a person).")]


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
    setup = Setup(DiskFiles(slots), trust, serial or board_serial(), _link(link), baud, _confirm(confirm))
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
    simulate(SimOptions(count, model, slots, trust, ports, _link(link), baud, _confirm(confirm), faults, hurry, as_json))


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
    _init_there(_read_key(key), _reach(port, ports, everything, baud))


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


def _init_there(pem: bytes, reached: Reached) -> None:
    def add(each: Found) -> None:
        each.client.add_first_key(pem)
        say(f"{each.info.serial}: it trusts this key from now on")

    _each(reached, add)


@app.command()
def info(
    port: PortOption = None,
    ports: PortsOption = None,
    everything: AllOption = False,
    baud: BaudOption = 115_200,
    report: Annotated[Path | None, typer.Option("--report", metavar="CSV", help="Append one row a device.")] = None,
    operator: Annotated[str | None, typer.Option("--operator", help="Your name in the report; default: the user's.")] = None,
    as_json: JsonOption = False,
) -> None:
    """What runs on each device, by serial number and digest. Flashes nothing."""
    from firmware_bridge.flash.fleet import result_of
    from firmware_bridge.flash.result import Outcome, Report

    rows = Report(report) if report is not None else None
    if rows is not None:
        rows.prepare()
    reached = _reach(port, ports, everything, baud)
    infos: list[DeviceInfo] = []

    def ask(each: Found) -> None:
        infos.append(each.info)
        if rows is not None:
            rows.add(result_of(each.info, each.client.port, operator or _user(), Outcome.RUNS))

    try:
        _each(reached, ask)
    finally:
        if as_json:
            for one in infos:
                print_json_line(msgspec.json.encode(one))
        else:
            _print_infos(infos)


@app.command()
def slots(
    port: PortOption = None,
    ports: PortsOption = None,
    everything: AllOption = False,
    baud: BaudOption = 115_200,
    as_json: JsonOption = False,
) -> None:
    """Both slots of a device: what runs, what waits, what is on trial, and why the last trial was lost."""
    infos: list[DeviceInfo] = []
    _each(_reach(port, ports, everything, baud), lambda each: infos.append(each.info))
    if as_json:
        for one in infos:
            print_json_line(msgspec.json.encode(one))
        return
    held = [(one, which, what) for one in infos for which, what in (("runs", one.running), ("waits", one.waiting))]
    print_table(("device", "", "slot", "version", "model", "counter", "confirmed", "note"), [_slot_row(*row) for row in held])


@app.command()
def confirm(port: PortOption = None, ports: PortsOption = None, everything: AllOption = False, baud: BaudOption = 115_200) -> None:
    """Say yes to the model on trial."""

    def yes(each: Found) -> None:
        if each.info.trial != "runs":
            raise CheckFailed(f"{each.info.serial}: no model is on trial", do="sonoderm device slots shows what there is")
        each.client.confirm()
        say(f"{each.info.serial}: {_version(each.info.running)} is confirmed")

    _each(_reach(port, ports, everything, baud), yes)


@app.command()
def rollback(port: PortOption = None, ports: PortsOption = None, everything: AllOption = False, baud: BaudOption = 115_200) -> None:
    """End a trial, or go back to the model before: it is tried as any new one is."""

    def back(each: Found) -> None:
        each.client.rollback()
        say(f"{each.info.serial}: back to {_version(each.info.waiting)}; sonoderm device info says when it runs")

    _each(_reach(port, ports, everything, baud), back)


@app.command()
def log(
    port: PortOption = None,
    ports: PortsOption = None,
    everything: AllOption = False,
    baud: BaudOption = 115_200,
    as_json: JsonOption = False,
) -> None:
    """What the device did, oldest first: installed, tried, confirmed, reverted and why."""
    from edge.bundle.slotfiles import Line

    def tell(each: Found) -> None:
        lines = [msgspec.json.decode(line, type=Line) for line in each.client.history().splitlines()]
        if as_json:
            for line in lines:
                print_json_line(msgspec.json.encode({"serial": each.info.serial, "at": line.at, "what": line.what}))
        else:
            print_table(("device", "at", "what"), [(each.info.serial, line.at, line.what) for line in lines])

    _each(_reach(port, ports, everything, baud), tell)


@app.command("ports")
def list_ports(as_json: JsonOption = False) -> None:
    """The serial ports on USB, by serial number. Opens none of them."""
    from firmware_bridge.flash.holder import holders_of
    from firmware_bridge.flash.ports import usb_ports

    found = usb_ports()
    if as_json:
        rows = [{"port": each.port, "serial": each.serial, "what": each.what, "held_by": holders_of(each.port)} for each in found]
        print_json({"v": 1, "ports": rows})
    elif found:
        print_table(
            ("port", "serial", "what", "in use by"), [(e.port, e.serial or "", e.what, ", ".join(holders_of(e.port))) for e in found]
        )
    else:
        say("no serial port on USB is here; pseudo-terminals and built-in UARTs are never listed: name them with --port")


def _reach(port: list[str] | None, ports: Path | None, everything: bool, baud: int) -> Reached:
    return Where(tuple(port or ()), ports, everything, baud).reach()


def _each(reached: Reached, act: Callable[[Found], None]) -> None:
    """Every device in turn; one that fails does not stop the others. Raises the error of the only one, or CheckFailed for several."""
    failures = [trouble.error for trouble in reached.troubles]
    for found in reached.found:
        try:
            act(found)
        except SonodermError as error:
            failures.append(error)
        finally:
            found.client.close()
    if len(failures) == 1:
        raise failures[0]
    for failure in failures:
        say(failure.line())
    if failures:
        raise CheckFailed(f"{len(failures)} of {len(reached.found) + len(reached.troubles)} devices: no", do="the lines above say why")


def _run_word(one: DeviceInfo) -> str:
    if one.run is None:
        return "no run is alive"
    return one.run.trouble or ("in examination" if one.run.examination else "alive")


def _print_infos(infos: list[DeviceInfo]) -> None:
    rows = [
        (
            one.serial,
            one.model,
            _version(one.running),
            "" if one.running is None else one.running.digest[:12],
            {"none": "", "asked": "a new one waits", "runs": "on trial"}[one.trial],
            _run_word(one),
            one.last_revert or "",
        )
        for one in infos
    ]
    if rows:
        print_table(("device", "model", "runs", "digest", "trial", "run", "last revert"), rows)


def _slot_row(one: DeviceInfo, which: str, held: Held | None) -> tuple[str, ...]:
    if held is None:
        return (one.serial, which, "", "nothing", "", "", "", "")
    note = (one.last_revert or "") if which == "waits" else "on trial" if one.trial == "runs" else ""
    confirmed = "yes" if held.confirmed else "no"
    return (one.serial, which, held.slot, held.version, held.digest[:12], str(held.counter), confirmed, note)


def _version(held: Held | None) -> str:
    return "nothing" if held is None else held.version


def _user() -> str:
    return getpass.getuser()


def _uuid(text: str | None) -> str | None:
    try:
        return None if text is None else str(uuid.UUID(text))
    except ValueError:
        raise UsageError(f"{text}: it is no UUID", do="give it as 8-4-4-4-12 hex digits") from None


def _read_key(path: Path) -> bytes:
    from edge.bundle.keyfile import read_public_key

    return read_public_key(path).pem


def _link(text: str) -> Link:
    if text in get_args(Link):
        return "usb" if text == "usb" else "uart"
    raise UsageError(f"--link {text}: no such link", do="say usb or uart")


def _confirm(text: str) -> Confirm:
    if text in get_args(Confirm):
        return "auto" if text == "auto" else "manual"
    raise UsageError(f"--confirm {text}: nobody can do that", do="say auto or manual")
