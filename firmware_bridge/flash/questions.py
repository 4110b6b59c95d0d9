"""`sonoderm device info|slots|confirm|rollback|log|ports`: what a technician asks of devices over a cable."""

import getpass
from collections.abc import Callable
from typing import Final

import msgspec

from edge.cli.listing import print_table
from edge.cli.output import print_json, print_json_line, say
from edge.errors import CheckFailed
from firmware_bridge.flash.ports import Found
from firmware_bridge.flash.where import AllOption, BaudOption, JsonOption, OperatorOption, PortOption, PortsOption, ReportOption, Where
from firmware_bridge.wire.own import DeviceInfo, Held

__all__ = ["confirm", "info", "list_ports", "log", "rollback", "slots"]

_INFO: Final = ("device", "model", "runs", "digest", "trial", "run", "last revert")
_SLOTS: Final = ("device", "", "slot", "version", "digest", "counter", "confirmed", "note")
Row = tuple[str, ...]


def info(
    port: PortOption = None,
    ports: PortsOption = None,
    everything: AllOption = False,
    baud: BaudOption = 115_200,
    report: ReportOption = None,
    operator: OperatorOption = None,
    as_json: JsonOption = False,
) -> None:
    """What runs on each device, by serial number and digest. Flashes nothing."""
    from firmware_bridge.flash.fleet import result_of
    from firmware_bridge.flash.result import Outcome, Report

    rows = Report(report) if report is not None else None
    if rows is not None:
        rows.prepare()

    def note(each: Found) -> None:
        if rows is not None:
            rows.add(result_of(each.info, each.client.port, operator or getpass.getuser(), Outcome.RUNS))

    _show(Where(port, ports, everything, baud), _INFO, _info_rows, as_json, note)


def slots(
    port: PortOption = None,
    ports: PortsOption = None,
    everything: AllOption = False,
    baud: BaudOption = 115_200,
    as_json: JsonOption = False,
) -> None:
    """Both slots of a device: what runs, what waits, what is on trial, and why the last trial was lost."""
    _show(Where(port, ports, everything, baud), _SLOTS, _slot_rows, as_json)


def confirm(port: PortOption = None, ports: PortsOption = None, everything: AllOption = False, baud: BaudOption = 115_200) -> None:
    """Say yes to the model on trial."""

    def yes(each: Found) -> None:
        if each.info.trial != "runs":
            raise CheckFailed(f"{each.info.serial}: no model is on trial", do="sonoderm device slots shows what there is")
        each.client.confirm()
        say(f"{each.info.serial}: {_version(each.info.running)} is confirmed")

    Where(port, ports, everything, baud).reach().each(yes)


def rollback(port: PortOption = None, ports: PortsOption = None, everything: AllOption = False, baud: BaudOption = 115_200) -> None:
    """End a trial, or go back to the model before: it is tried as any new one is."""

    def back(each: Found) -> None:
        each.client.rollback()
        say(f"{each.info.serial}: back to {_version(each.info.waiting)}; sonoderm device info says when it runs")

    Where(port, ports, everything, baud).reach().each(back)


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

    Where(port, ports, everything, baud).reach().each(tell)


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


def _show(
    where: Where,
    header: Row,
    rows_of: Callable[[DeviceInfo], list[Row]],
    as_json: bool,
    note: Callable[[Found], None] = lambda _: None,
) -> None:
    """A JSON line a device, or one table; also of those that answered, where others did not."""
    infos: list[DeviceInfo] = []

    def ask(each: Found) -> None:
        infos.append(each.info)
        note(each)

    try:
        where.reach().each(ask)
    finally:
        if as_json:
            for one in infos:
                print_json_line(msgspec.json.encode(one))
        elif infos:
            print_table(header, [row for one in infos for row in rows_of(one)])


def _info_rows(one: DeviceInfo) -> list[Row]:
    digest = "" if one.running is None else one.running.digest[:12]
    trial = {"none": "", "asked": "a new one waits", "runs": "on trial"}[one.trial]
    return [(one.serial, one.model, _version(one.running), digest, trial, _run_word(one), one.last_revert or "")]


def _run_word(one: DeviceInfo) -> str:
    if one.run is None:
        return "no run is alive"
    return one.run.trouble or ("in examination" if one.run.examination else "alive")


def _slot_rows(one: DeviceInfo) -> list[Row]:
    runs = "on trial" if one.trial == "runs" else ""
    return [_slot_row(one.serial, "runs", one.running, runs), _slot_row(one.serial, "waits", one.waiting, one.last_revert or "")]


def _slot_row(serial: str, which: str, held: Held | None, note: str) -> Row:
    if held is None:
        return (serial, which, "", "nothing", "", "", "", "")
    confirmed = "yes" if held.confirmed else "no"
    return (serial, which, held.slot, held.version, held.digest[:12], str(held.counter), confirmed, note)


def _version(held: Held | None) -> str:
    return "nothing" if held is None else held.version
