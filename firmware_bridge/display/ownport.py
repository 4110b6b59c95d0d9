"""A port that is made here: a pty. The device opens it by its name; this end plays the display."""

import os
import pty
import tty
from typing import Final

__all__ = ["OwnPort"]

READ_B: Final = 4096


class OwnPort:
    """Every call returns at once. name: what the device opens. The far end is kept open here too, so that a leaving device is no error."""

    def __init__(self) -> None:
        self._fd, self._far_fd = pty.openpty()
        tty.setraw(self._far_fd)
        os.set_blocking(self._fd, False)
        self.name = os.ttyname(self._far_fd)

    def fileno(self) -> int:
        return self._fd

    def read(self) -> bytes:
        try:
            return os.read(self._fd, READ_B)
        except BlockingIOError:
            return b""

    def write(self, data: bytes) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0

    def close(self) -> None:
        os.close(self._far_fd)
        os.close(self._fd)
