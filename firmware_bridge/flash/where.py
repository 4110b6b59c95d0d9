"""Which devices are meant: --port, --ports FILE, --all, or the only one that is here. Shared by `flash` and `device`."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.output import say
from edge.errors import CheckFailed, SonodermError, SourceUnreachable, UsageError
from firmware_bridge.flash.ports import Found, PortBook, PortTrouble, read_ports_file, usb_ports

__all__ = [
    "AllOption",
    "BaudOption",
    "JsonOption",
    "OperatorOption",
    "PortOption",
    "PortsOption",
    "Reached",
    "ReportOption",
    "Where",
]

PortOption = Annotated[list[str] | None, typer.Option("--port", help="A serial port; may be repeated.")]
PortsOption = Annotated[Path | None, typer.Option("--ports", metavar="FILE", help="Ports that no list shows, one a line.")]
AllOption = Annotated[bool, typer.Option("--all", help="Every device on USB.")]
BaudOption = Annotated[int, typer.Option("--baud", min=1200, help="Line rate of a UART; USB ignores it.")]
ReportOption = Annotated[Path | None, typer.Option("--report", metavar="CSV", help="Append one row a device.")]
OperatorOption = Annotated[str | None, typer.Option("--operator", help="Your name in the report; default: the user's.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]


@dataclass(frozen=True, slots=True)
class Reached:
    """book: finds a device again. found: open. troubles: ports that were named and gave no device."""

    book: PortBook
    found: tuple[Found, ...]
    troubles: tuple[PortTrouble, ...]

    def each(self, act: Callable[[Found], None]) -> None:
        """Every device in turn; one that fails does not stop the others. Raises the error of the only one, or CheckFailed for several."""
        failures = [trouble.error for trouble in self.troubles]
        for found in self.found:
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
            raise CheckFailed(f"{len(failures)} of {len(self.found) + len(self.troubles)} devices: no", do="the lines above say why")


@dataclass(frozen=True, slots=True)
class Where:
    """As the options are given."""

    ports: Sequence[str] | None
    file: Path | None
    everything: bool
    baud: int

    @property
    def is_named(self) -> bool:
        return bool(self.ports) or self.file is not None

    def named(self) -> tuple[str, ...]:
        """Two names of one port (a link under /dev/serial/by-id) count once; the first is kept, for it may outlive the other."""
        return _once((*(self.ports or ()), *(read_ports_file(self.file) if self.file is not None else ())))

    def candidates(self) -> tuple[str, ...]:
        """USB ports count also where a port was named: a device that restarts may come back as another one."""
        return _once((*self.named(), *(port.port for port in usb_ports())))

    def reach(self) -> Reached:
        """Asks every port that may be meant. Raises UsageError, SourceUnreachable when none answers."""
        first = self.candidates() if self.everything or not self.is_named else self.named()
        if not first:
            what = f"{self.file} names no port" if self.file is not None else "no serial port on USB is here"
            raise SourceUnreachable(what, do="plug the device in (sonoderm device ports), or name its port with --port or --ports FILE")
        book = PortBook(self.candidates, self.baud)
        found, troubles = book.look(first)
        if not self.is_named:
            found, troubles = self._of_a_search(found, troubles)
        serials = [each.info.serial for each in found]
        twice = sorted({serial for serial in serials if serials.count(serial) > 1})
        if twice:
            close_all(found)
            raise UsageError(f"two devices call themselves {twice[0]}", do="give each its own --serial where `device serve` starts")
        return Reached(book, tuple(found), tuple(troubles))

    def _of_a_search(self, found: list[Found], troubles: list[PortTrouble]) -> tuple[list[Found], list[PortTrouble]]:
        """Nobody named a port: what does not answer is not meant, and more than one device must be asked for."""
        if not found:
            tried = "; ".join(trouble.error.line() for trouble in troubles)
            raise SourceUnreachable(f"no device answered. Tried: {tried}", do="name its port with --port or --ports FILE")
        if len(found) > 1 and not self.everything:
            serials = ", ".join(f"{each.info.serial} on {each.client.port}" for each in found)
            close_all(found)
            raise UsageError(f"{len(found)} devices are here: {serials}", do="say which with --port, or --all")
        return found, []


def _once(ports: tuple[str, ...]) -> tuple[str, ...]:
    first: dict[str, str] = {}
    for port in ports:
        first.setdefault(os.path.realpath(port), port)
    return tuple(first.values())


def close_all(found: list[Found]) -> None:
    for each in found:
        each.client.close()
