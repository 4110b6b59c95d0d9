"""The rim of the display link: a serial port that never blocks, found again by the serial number of its USB plug.

pyserial opens it (raw, exclusive, speed); reading and writing go to the descriptor itself, since pyserial's own non-blocking write spins
while a full port answers EAGAIN.
"""

from __future__ import annotations

import errno
import os
import termios
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from edge.errors import MachineLacks, SonodermError, SourceUnreachable, UsageError

if TYPE_CHECKING:
    import serial

__all__ = ["Line", "LineLost", "Place", "Plug", "find_again", "open_line", "parse_place", "plugs", "why_closed", "with_serial"]

BAUD: Final = 115_200
BAUDS: Final = (9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600, 1_000_000)
READ_B: Final = 4096


class LineLost(SourceUnreachable):
    """The port is gone: unplugged, reset, or the other end of a pty closed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a display is. usb_serial: of the plug, when it is known: it is found again under any port name."""

    path: str
    baud: int = BAUD
    usb_serial: str | None = None


@dataclass(frozen=True, slots=True)
class Plug:
    """One port that this machine lists."""

    path: str
    usb_serial: str | None


def parse_place(target: str) -> Place:
    """`/dev/ttyACM0?baud=115200&serial=0042` -> Place. Raises UsageError."""
    path, _, query = target.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)) if _is_query(query) else ())
    if not path or (query and not options):
        raise UsageError(f"mcu:{target} names no port", do="mcu:/dev/ttyACM0, or mcu:/dev/ttyACM0?baud=115200&serial=NUMBER")
    unknown = sorted(set(options) - {"baud", "serial"})
    if unknown:
        raise UsageError(f"mcu: has no option {unknown[0]!r}", do="valid options: baud, serial")
    baud = options.get("baud", str(BAUD))
    if baud not in map(str, BAUDS):
        raise UsageError(f"mcu: baud={baud!r} is no line rate of a display", do=f"one of {', '.join(map(str, BAUDS))}")
    return Place(path, int(baud), options.get("serial") or None)


def _is_query(query: str) -> bool:
    return all("=" in pair for pair in query.split("&")) if query else True


def plugs() -> tuple[Plug, ...]:
    """The ports of this machine. Raises MachineLacks without pyserial."""
    try:
        from serial.tools import list_ports
    except ImportError as error:
        raise _no_pyserial() from error
    return tuple(Plug(port.device, port.serial_number) for port in list_ports.comports())


def find_again(place: Place, listed: Sequence[Plug]) -> str:
    """The path to open: where the plug of that number is now, else the path that was named."""
    if place.usb_serial is not None:
        for plug in listed:
            if plug.usb_serial == place.usb_serial:
                return plug.path
    return place.path


def with_serial(place: Place, listed: Sequence[Plug]) -> Place:
    """The place with the number of the plug that is there now, unless one was given."""
    real = os.path.realpath(place.path)
    here = next((plug.usb_serial for plug in listed if plug.path in (place.path, real)), None)
    return place if place.usb_serial else Place(place.path, place.baud, here)


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


def open_line(place: Place, path: str | None = None) -> Line:
    """Raises SourceUnreachable in one of four ways (no such port, no right, in use, no serial port), MachineLacks without pyserial."""
    try:
        import serial
    except ImportError as error:
        raise _no_pyserial() from error
    path = path or place.path
    try:
        port = serial.Serial(path, place.baud, timeout=0, exclusive=True)
    except serial.SerialException as error:
        raise why_closed(path, _number(error), str(error)) from error
    return Line(port)


def _no_pyserial() -> MachineLacks:
    return MachineLacks("pyserial is not installed", do="pip install 'sonoderm[bridge]'")


def _number(error: OSError) -> int | None:
    """The system's number; pyserial hides that of a failed set-up in the error behind its own."""
    inner = error.__context__
    return inner.args[0] if error.errno is None and isinstance(inner, termios.error) and inner.args else error.errno


def why_closed(path: str, number: int | None, said: str) -> SonodermError:
    """Why a port cannot be opened, by the system's error number: each cause has another remedy."""
    match number:
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            listed = ", ".join(plug.path for plug in plugs()) or "none"
            return SourceUnreachable(f"{path}: no such port", do=f"check cable and power; ports here: {listed}")
        case errno.EACCES | errno.EPERM:
            return SourceUnreachable(f"{path}: no right to open it", do="sudo usermod -aG dialout $USER, then log in again")
        case errno.EBUSY | errno.EAGAIN:
            return SourceUnreachable(f"{path}: another program holds it", do="end that program (a terminal, ModemManager, another run)")
        case errno.ENOTTY | errno.EINVAL:
            return SourceUnreachable(f"{path}: not a serial port", do="name the port of the display")
    return SourceUnreachable(f"{path}: {said}", do="check the cable, and unplug and replug the display")
