"""The rim of the server: a serial port or pty, the clocks, and `sonoderm device serve`."""

import datetime
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from edge.bundle.slotfiles import DiskFiles, writing
from edge.bundle.trust import load_trust
from edge.errors import MachineLacks, SourceUnreachable, UsageError
from firmware_bridge.device.server import Server
from firmware_bridge.device.slotport import ThreadedSlots
from firmware_bridge.device.slots import SlotStore

__all__ = ["app", "serve"]

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)


def serve(server: Server, port: str, baud: int, stop: Callable[[], bool] = lambda: False) -> None:
    """Until a reset is due or stop() says so. Raises MachineLacks (no pyserial), SourceUnreachable (the port)."""
    try:
        import serial
    except ImportError as error:
        raise MachineLacks("pyserial is not installed", do="pip install 'sonoderm[bridge]'") from error
    try:
        with serial.Serial(port, baud, timeout=0.02, write_timeout=5) as line:  # pyserial sets the port raw
            while not stop() and not server.reset_due:
                data = line.read(1)
                data += line.read(line.in_waiting) if data else b""
                for reply in server.feed(data, time.monotonic_ns()):
                    line.write(reply)
            line.flush()
    except serial.SerialException as error:
        raise SourceUnreachable(f"{port}: {error}", do="check the cable, the rights on the port, and who else holds it") from error


@app.callback()
def device() -> None:
    """The device side of the bridge."""


@app.command("serve")
def serve_command(
    port: Annotated[str, typer.Option(help="The serial port to answer on.")],
    slots: Annotated[Path, typer.Option(help="The slots folder.")],
    link: Annotated[str, typer.Option(help="usb or uart.")] = "usb",
    baud: Annotated[int, typer.Option(help="Line rate; USB ignores it.")] = 115_200,
    trust: Annotated[Path | None, typer.Option(help="Trust the keys in this folder, and no others.")] = None,
) -> None:
    """Answer SMP on a port: tools of Zephyr and MCUboot can flash this device. Ends when a reset is asked for."""
    if link not in ("usb", "uart"):
        raise UsageError(f"--link {link}: no such link", do="say usb or uart")
    if not slots.is_dir():
        raise UsageError(f"--slots {slots}: no such folder", do="make it with `sonoderm device init`")
    store = SlotStore(DiskFiles(slots), load_trust(trust), lock=lambda: writing(slots))
    name = store.record().name

    def log() -> bytes:
        return "".join(f"{line}\n" for line in store.history()).encode()

    server = Server(
        ThreadedSlots(store),
        wall=lambda: datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        link="usb" if link == "usb" else "uart",
        baud=baud,
        files={"/history": log},
        about=f"sonoderm {name}",
    )
    serve(server, port, baud)
