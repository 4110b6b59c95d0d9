"""One serial port, opened alone, raw; what can go wrong with it has a class each, because each has another remedy."""

import errno
import os
from typing import Final, Self

from edge.errors import MachineLacks, SourceUnreachable
from firmware_bridge.flash.holder import holders_of

__all__ = ["Line", "LineLost", "PortBusy", "PortDenied", "PortForeign", "PortMissing", "why_closed"]

_WRITE_TIMEOUT_S: Final = 30.0
_GONE: Final = (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO)


class PortMissing(SourceUnreachable):
    """There is no such port."""


class PortBusy(SourceUnreachable):
    """Another program holds it."""


class PortDenied(MachineLacks):
    """This user may not open it."""


class PortForeign(PortMissing):
    """There is something, and it is no serial port."""


class LineLost(SourceUnreachable):
    """The port was open and is gone: the cable, or a device that restarts."""


class Line:
    def __init__(self, port: str, baud: int) -> None:
        """Raises PortMissing, PortBusy, PortDenied; MachineLacks without pyserial."""
        try:
            import serial
        except ImportError as error:
            raise MachineLacks("pyserial is not installed", do="pip install 'sonoderm[bridge]'") from error
        self.port = port
        try:
            self._serial: serial.Serial = serial.Serial(
                port, baud, timeout=0, write_timeout=_WRITE_TIMEOUT_S, exclusive=True if os.name == "posix" else None
            )
        except (serial.SerialException, OSError) as error:
            raise why_closed(port, error) from error
        except ValueError as error:
            raise PortMissing(f"{port}: {error}", do="give a port and a baud rate that this machine has") from error
        self._lost = (serial.SerialException, OSError, TypeError)  # TypeError: pyserial, when the port was closed under a read

    def read(self, wait_s: float) -> bytes:
        """What has arrived; b"" when nothing did within wait_s. Raises LineLost."""
        try:
            self._serial.timeout = wait_s
            data: bytes = self._serial.read(1)
            return data + self._serial.read(self._serial.in_waiting) if data else b""
        except self._lost as error:
            raise self._gone(error) from error

    def write(self, data: bytes) -> None:
        """Raises LineLost, also when the device takes no bytes for 30 s."""
        try:
            self._serial.write(data)
        except self._lost as error:
            raise self._gone(error) from error

    def close(self) -> None:
        try:
            self._serial.close()
        except self._lost:
            return  # it is gone already

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _gone(self, error: BaseException) -> LineLost:
        return LineLost(f"{self.port} is gone: {_short(error)}", do="check the cable and the power of the device")


def why_closed(port: str, error: Exception) -> SourceUnreachable | MachineLacks:
    """What stands between us and a port that pyserial could not open: each cause has another remedy."""
    number = _number(error)
    if number in (errno.ENOTTY, errno.EINVAL):
        return PortForeign(f"{port} is not a serial port", do="these are here: sonoderm device ports")
    if number in _GONE and not (os.path.exists(port) and number == errno.EIO):
        return PortMissing(f"there is no port {port}", do="plug the device in; these are here: sonoderm device ports")
    if number in (errno.EAGAIN, errno.EBUSY):
        who = ", ".join(holders_of(port))
        return PortBusy(f"{port} is in use by {who or 'another program'}", do="close that program and try again")
    if number in (errno.EACCES, errno.EPERM):
        if os.name == "nt":
            return PortBusy(f"{port} is in use, or you may not open it", do="close every other program that uses it")
        group = _group_of(port)
        do = f"sudo usermod -aG {group} $USER, then log in again" if group else "ask who may open it"
        return PortDenied(f"you may not open {port}", do=do)
    return PortMissing(f"{port} cannot be opened: {_short(error)}", do="these are here: sonoderm device ports")


def _number(error: BaseException) -> int | None:
    """The system's number; pyserial hides that of a failed set-up in the error behind its own, which is a termios.error."""
    number = getattr(error, "errno", None)
    behind = error.__context__.args[:1] if number is None and error.__context__ is not None else ()
    return next((n for n in (number, *behind) if isinstance(n, int)), None)


def _group_of(port: str) -> str | None:
    try:
        import grp  # not on Windows, where nobody asks

        return grp.getgrgid(os.stat(port).st_gid).gr_name
    except (OSError, KeyError):
        return None


def _short(error: BaseException) -> str:
    number = getattr(error, "errno", None)
    return os.strerror(number) if isinstance(number, int) else "the device disconnected"
