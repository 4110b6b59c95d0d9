"""What blinks: an LED behind a serial port that takes the bytes `1` and `0`, or a window of this machine's own screen.

The serial target is a microcontroller of the kind that is at hand (a dozen lines of its own: read a byte, set a pin); its own delay, at
115,200 baud under 0.2 ms, counts as part of what is measured. A window's delay is that of the screen, one or two of its frames: subtract
nothing, and say which target was used.
"""

import os
import termios
import tty
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

import cv2
import numpy as np

from edge.errors import MachineLacks, SourceUnreachable, UsageError

__all__ = ["SerialTarget", "Target", "WindowTarget", "open_target"]

WINDOW: Final = "sonoderm: latency target"
DIM, BRIGHT = 60, 225  # never black: a black picture is NO SIGNAL, and that is another measurement


class Target(Protocol):
    """`set` returns when the change is on its way out of this machine."""

    @property
    def name(self) -> str: ...
    def set(self, *, is_on: bool) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None: ...


class SerialTarget:
    """A serial port, raw, 115,200 baud."""

    def __init__(self, path: Path) -> None:
        """Raises SourceUnreachable where there is no such port, MachineLacks where this user may not open it."""
        try:
            self._port = os.open(path, os.O_RDWR | os.O_NOCTTY)
        except PermissionError as error:
            raise MachineLacks(f"{path}: {error.strerror}", do="sonoderm doctor names the group that may") from error
        except OSError as error:
            raise SourceUnreachable(f"{path}: {error.strerror}", do="sonoderm doctor lists serial ports") from error
        try:
            tty.setraw(self._port)
            settings = termios.tcgetattr(self._port)
            settings[4] = settings[5] = termios.B115200
            termios.tcsetattr(self._port, termios.TCSANOW, settings)
        except termios.error as error:
            os.close(self._port)
            raise SourceUnreachable(f"{path} is no serial port", do="sonoderm doctor lists serial ports") from error
        self.name = f"serial:{path}"

    def set(self, *, is_on: bool) -> None:
        try:
            os.write(self._port, b"1" if is_on else b"0")
            termios.tcdrain(self._port)
        except (OSError, termios.error) as error:
            raise SourceUnreachable(f"{self.name}: the target is gone", do="plug it in again") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        os.close(self._port)


class WindowTarget:
    """A window that fills this machine's screen; the camera looks at it. Belongs to the main thread."""

    name = "window:"

    def __enter__(self) -> Self:
        if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):  # the library would end the process
            raise MachineLacks("no screen to blink on (DISPLAY is not set)", do="use --target serial:/dev/ttyACM0")
        try:
            cv2.namedWindow(WINDOW, cv2.WINDOW_NORMAL)
            cv2.setWindowProperty(WINDOW, cv2.WND_PROP_FULLSCREEN, cv2.WINDOW_FULLSCREEN)
        except cv2.error as error:
            raise MachineLacks("this OpenCV has no windows", do="use --target serial:/dev/ttyACM0") from error
        return self

    def set(self, *, is_on: bool) -> None:
        cv2.imshow(WINDOW, np.full((90, 160), BRIGHT if is_on else DIM, np.uint8))
        cv2.waitKey(1)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        cv2.destroyWindow(WINDOW)


def open_target(text: str) -> Target:
    """`serial:PORT` or `window:`. Raises UsageError for anything else."""
    scheme, _, rest = text.partition(":")
    if scheme == "serial" and rest:
        return SerialTarget(Path(rest))
    if text in {"window:", "window"}:
        return WindowTarget()
    raise UsageError(f"{text!r} is no target", do="serial:/dev/ttyACM0 or window:")
