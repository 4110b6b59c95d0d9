"""Which ports there are, and which device answers on which. A port that is in use by one of our workers is left alone by the others."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.errors import InputRefused, MachineLacks, SonodermError, SourceUnreachable
from firmware_bridge.flash.client import Client
from firmware_bridge.flash.line import Line
from firmware_bridge.wire.own import DeviceInfo

__all__ = ["Found", "Interrupted", "PortBook", "PortTrouble", "UsbPort", "open_device", "read_ports_file", "usb_ports"]

_PROBE_S: Final = 2.5  # a busy machine behind the port is slow to answer
_AGAIN_S: Final = 0.2
_REMEMBERED_S: Final = 1.0  # a port that was another device's is not asked again before


class Interrupted(Exception):
    """The technician stopped it."""


@dataclass(frozen=True, slots=True)
class UsbPort:
    port: str
    serial: str | None
    what: str


@dataclass(frozen=True, slots=True)
class Found:
    """A device that answered. client: open, owned by whoever holds this."""

    client: Client
    info: DeviceInfo
    buffer_b: int


@dataclass(frozen=True, slots=True)
class PortTrouble:
    port: str
    error: SonodermError


def usb_ports() -> tuple[UsbPort, ...]:
    """Serial ports on USB alone: a built-in ttyS0 never answers, and is never probed. Raises MachineLacks without pyserial."""
    try:
        from serial.tools import list_ports
    except ImportError as error:
        raise MachineLacks("pyserial is not installed", do="pip install 'sonoderm[bridge]'") from error
    found = [port for port in list_ports.comports() if port.vid is not None]
    return tuple(UsbPort(port.device, port.serial_number, port.product or port.description or "") for port in sorted(found))


def read_ports_file(path: Path) -> tuple[str, ...]:
    """One port a line; # starts a comment. Raises InputRefused."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputRefused(f"--ports {path}: it cannot be read: {error}", do="give a text file with one port a line") from error
    return tuple(dict.fromkeys(port for line in lines if (port := line.partition("#")[0].strip())))


def open_device(port: str, baud: int) -> Found:
    """Raises what `Line` and `Client` raise."""
    client = Client(Line(port, baud), baud)
    try:
        buffer_b = client.buffer_b(_PROBE_S)
        return Found(client, client.info(), buffer_b)
    except BaseException:
        client.close()
        raise


class PortBook:
    """candidates: the ports that may be ours, asked anew each time (a device that restarts comes back under another name)."""

    def __init__(self, candidates: Callable[[], Sequence[str]], baud: int) -> None:
        self._candidates, self._baud = candidates, baud
        self._lock = threading.Lock()
        self._taken: set[str] = set()
        self._wanted: set[str] = set()  # serials that are looked for
        self._handed: dict[str, Found] = {}  # found by a worker that looked for another
        self._known: dict[str, tuple[str, float]] = {}  # port -> whose it was ("": it did not answer), when

    def look(self, ports: Sequence[str]) -> tuple[list[Found], list[PortTrouble]]:
        """Each of these ports once, side by side. What answers is taken."""
        found: list[Found] = []
        troubles: list[PortTrouble] = []
        with ThreadPoolExecutor(max_workers=max(1, min(len(ports), 16))) as pool:
            for port, outcome in zip(ports, pool.map(self._try, ports), strict=True):
                if isinstance(outcome, Found):
                    self._taken.add(port)
                    found.append(outcome)
                else:
                    troubles.append(PortTrouble(port, outcome))
        return found, troubles

    def _try(self, port: str) -> Found | SonodermError:
        try:
            return open_device(port, self._baud)
        except SonodermError as error:
            return error

    def again(self, serial: str, last_port: str, patience_s: float, stop: threading.Event) -> Found:
        """The device of this serial, wherever it is now. Raises SourceUnreachable, Interrupted.

        Each port is asked by one worker alone; a device that another worker looks for is handed over to it, open.
        """
        until_s = time.monotonic() + patience_s
        with self._lock:
            self._taken.discard(last_port)
            self._wanted.add(serial)
        try:
            while not stop.is_set():
                with self._lock:
                    handed = self._handed.pop(serial, None)
                    port = None if handed else self._next_port(serial, last_port)
                if handed is not None:
                    return handed
                found = None if port is None else self._ask(port, serial)
                if found is not None:
                    return found
                if time.monotonic() > until_s:
                    raise SourceUnreachable(f"device {serial} did not come back within {patience_s:.0f} s (it was {last_port})")
                if port is None:
                    stop.wait(_AGAIN_S)
        finally:
            self._stop_wanting(serial)
        raise Interrupted

    def _next_port(self, serial: str, last_port: str) -> str | None:
        """Taken from now on. The port that was this device's a moment ago first, then its last one, then what nobody knows."""
        now_s = time.monotonic()
        recent = {port: whose for port, (whose, at_s) in self._known.items() if now_s - at_s < _REMEMBERED_S}
        ports = [port for port in self._candidates() if port not in self._taken and recent.get(port, serial) == serial]
        if not ports:
            return None
        chosen = min(ports, key=lambda port: (port not in recent, port != last_port))
        self._taken.add(chosen)
        return chosen

    def _ask(self, port: str, serial: str) -> Found | None:
        """The device, if it is this one; another one goes to whoever looks for it."""
        outcome = self._try(port)
        with self._lock:
            if isinstance(outcome, Found):
                whose = outcome.info.serial
                if whose == serial:
                    return outcome
                if whose in self._wanted and whose not in self._handed:
                    self._handed[whose] = outcome
                    return None
                outcome.client.close()
            self._known[port] = (outcome.info.serial if isinstance(outcome, Found) else "", time.monotonic())
            self._taken.discard(port)
        return None

    def _stop_wanting(self, serial: str) -> None:
        with self._lock:
            self._wanted.discard(serial)
            left = self._handed.pop(serial, None)
            if left is not None:
                left.client.close()
                self._taken.discard(left.client.port)

    def release(self, port: str) -> None:
        with self._lock:
            self._taken.discard(port)
