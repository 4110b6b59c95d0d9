"""The rim of the display link: a serial port that never blocks, found again by the serial number of its USB plug.

pyserial opens it (raw, exclusive, speed); reading and writing go to the descriptor itself, since pyserial's own non-blocking write spins
while a full port answers EAGAIN.
"""

from __future__ import annotations

import os
import termios
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from edge.errors import MachineLacks, UsageError
from firmware_bridge.flash.line import LineLost, PortMissing, why_closed
from firmware_bridge.flash.ports import UsbPort

if TYPE_CHECKING:
    import serial

__all__ = ["Line", "Place", "find_again", "open_line", "parse_place", "with_serial"]

BAUD: Final = 115_200
BAUDS: Final = (9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600, 1_000_000)
READ_B: Final = 4096


@dataclass(frozen=True, slots=True)
class Place:
    """Where a display is. usb_serial: of the plug, when it is known: it is found again under any port name."""

    path: str
    baud: int = BAUD
    usb_serial: str | None = None


def parse_place(target: str) -> Place:
    """`/dev/ttyACM0?baud=115200&serial=0042` -> Place. Raises UsageError."""
    path, _, query = target.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&")] if query else []
    if not path or not all(equals and value for _, equals, value in pairs):
        raise UsageError(f"mcu:{target} names no port", do="mcu:/dev/ttyACM0, or mcu:/dev/ttyACM0?baud=115200&serial=NUMBER")
    options = {name: unquote(value) for name, _, value in pairs}
    unknown = sorted(set(options) - {"baud", "serial"})
    if unknown:
        raise UsageError(f"mcu: has no option {unknown[0]!r}", do="valid options: baud, serial")
    baud = options.get("baud", str(BAUD))
    if baud not in map(str, BAUDS):
        raise UsageError(f"mcu: baud={baud!r} is no line rate of a display", do=f"one of {', '.join(map(str, BAUDS))}")
    return Place(path, int(baud), options.get("serial"))


def find_again(place: Place, listed: Sequence[UsbPort]) -> str | None:
    """The path to open: where the plug of that number is now, else the path that was named.

    None while another plug has taken that path: what is meant for a display is written to nothing else.
    """
    if place.usb_serial is None:
        return place.path
    there = next((plug.port for plug in listed if plug.serial == place.usb_serial), None)
    return there or (place.path if _serial_at(place.path, listed) is None else None)


def with_serial(place: Place, listed: Sequence[UsbPort]) -> Place:
    """The place with the number of the plug that is there now, unless one was given."""
    return place if place.usb_serial else replace(place, usb_serial=_serial_at(place.path, listed))


def _serial_at(path: str, listed: Sequence[UsbPort]) -> str | None:
    real = os.path.realpath(path)
    return next((plug.serial for plug in listed if plug.port in (path, real)), None)


class Line:
    """An open port. Every call returns at once."""

    def __init__(self, port: serial.Serial) -> None:
        self._port, self._fd = port, port.fileno()

    def fileno(self) -> int:
        return self._fd

    def read(self) -> bytes:
        """What has arrived. Raises LineLost."""
        try:
            data = os.read(self._fd, READ_B)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._lost(error) from error
        if not data:
            raise LineLost(f"{self._port.port}: the other end is gone")
        return data

    def write(self, data: bytes) -> int:
        """How many bytes the port took: fewer than all when it is full. Raises LineLost."""
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._lost(error) from error

    def waiting_b(self) -> int:
        """Bytes that were given to the port and have not left it, as far as its driver tells. Raises LineLost."""
        try:
            return int(self._port.out_waiting)
        except OSError as error:
            raise self._lost(error) from error

    def drop_waiting(self) -> None:
        """What has not left yet never will. Raises LineLost."""
        try:
            termios.tcflush(self._fd, termios.TCOFLUSH)
        except (OSError, termios.error) as error:
            raise LineLost(f"{self._port.port}: {error}") from error

    def close(self) -> None:
        self._port.close()

    def _lost(self, error: OSError) -> LineLost:
        return LineLost(f"{self._port.port}: {error.strerror or error}")


def open_line(place: Place, listed: Sequence[UsbPort] = ()) -> Line:
    """Raises PortMissing, PortBusy, PortDenied or PortForeign, each with its remedy; MachineLacks without pyserial."""
    try:
        import serial
    except ImportError as error:
        raise MachineLacks("pyserial is not installed", do="pip install 'sonoderm[bridge]'") from error
    path = find_again(place, listed)
    if path is None:
        raise PortMissing(f"the display {place.usb_serial} is not plugged in", do="plug it in; these are here: sonoderm device ports")
    try:
        port = serial.Serial(path, place.baud, timeout=0, exclusive=True)
    except serial.SerialException as error:
        raise why_closed(path, error) from error
    return Line(port)
