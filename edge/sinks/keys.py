"""Single keys of a terminal, while a sink is open: the terminal is put back as it was, whatever ends the program."""

import atexit
import contextlib
import os
import select
import sys
import termios
import threading
import tty
from collections.abc import Callable

__all__ = ["Keys"]


class Keys:
    """Calls `pressed(key)` on a thread of its own for each key; does nothing where stdin is no terminal of ours."""

    def __init__(self, pressed: Callable[[str], None]) -> None:
        self._pressed = pressed
        self._before: list[int | list[bytes | int]] | None = None
        self._wake_read, self._wake_write = -1, -1
        self._thread: threading.Thread | None = None
        self._fd = -1

    def start(self) -> bool:
        """True where keys are heard."""
        try:
            self._fd = sys.stdin.fileno()
            if not os.isatty(self._fd) or os.tcgetpgrp(self._fd) != os.getpgrp():
                return False  # in the background a change of the terminal would stop us
            self._before = termios.tcgetattr(self._fd)
            tty.setcbreak(self._fd)
        except (OSError, ValueError, termios.error):
            return False
        atexit.register(self.stop)
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._listen, name="keys", daemon=True)
        self._thread.start()
        return True

    def stop(self) -> None:
        if self._before is None:
            return
        before, self._before = self._before, None
        with contextlib.suppress(termios.error, OSError):
            termios.tcsetattr(self._fd, termios.TCSADRAIN, before)
        atexit.unregister(self.stop)
        os.write(self._wake_write, b"x")
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(1.0)

    def _listen(self) -> None:
        try:
            while True:
                ready, _, _ = select.select([self._fd, self._wake_read], [], [])
                if self._wake_read in ready:
                    return
                keys = os.read(self._fd, 64)
                if not keys:
                    return
                for key in keys.decode("utf-8", "ignore"):
                    self._pressed(key)
        finally:
            os.close(self._wake_read)
            os.close(self._wake_write)
