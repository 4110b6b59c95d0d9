"""The rim of the server: a serial port or pty, and the clock."""

import os
import time
from collections.abc import Callable

from edge.errors import MachineLacks, SourceUnreachable
from edge.service import Pulse
from firmware_bridge.device.server import Server

__all__ = ["serve"]


def serve(server: Server, port: str, baud: int, stop: Callable[[], bool] = lambda: False) -> None:
    """Until a reset is due or stop() says so. Raises MachineLacks (no pyserial), SourceUnreachable (the port)."""
    try:
        import serial
    except ImportError as error:
        raise MachineLacks("pyserial is not installed", do="pip install 'sonoderm[bridge]'") from error
    try:
        with serial.Serial(port, baud, timeout=0.02, write_timeout=5) as line:  # pyserial sets the port raw
            pulse = Pulse(os.environ)
            while not stop() and not server.reset_due:
                pulse.alive()
                data = line.read(1)
                data += line.read(line.in_waiting) if data else b""
                for reply in server.feed(data, time.monotonic_ns()):
                    line.write(reply)
            line.flush()
    except serial.SerialException as error:
        raise SourceUnreachable(f"{port}: {error}", do="check the cable, the rights on the port, and who else holds it") from error
