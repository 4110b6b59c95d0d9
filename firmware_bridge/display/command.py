"""`sonoderm device display`: parse and call."""

from typing import Annotated

import typer

from edge.errors import MachineLacks

__all__ = ["display"]


def display(
    port: Annotated[str | None, typer.Option(help="Where the device speaks. Without it a port is made, and named.")] = None,
    baud: Annotated[int, typer.Option(help="Line rate; USB ignores it.")] = 115_200,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="End after so long.")] = None,
) -> None:
    """A display on this terminal: shows what `run --sink mcu:PORT` sends.

    Space freezes, r resumes, a acknowledges, q ends. Where there is no terminal each change is one line.
    """
    try:
        from firmware_bridge.display.show import show
    except ModuleNotFoundError as error:
        if error.name not in ("termios", "pty", "tty"):
            raise
        raise MachineLacks("the terminal display needs Linux or macOS", do="connect a display, or use --sink web:") from error
    show(port, baud, seconds)
