"""Tells systemd that this program is ready, and that its loop still turns (sd_notify(3), Type=notify, WatchdogSec=).

One datagram to $NOTIFY_SOCKET; no library is needed. Without a supervisor nothing is sent. The loop itself calls `alive`: one that hangs
falls silent and is started again, while a thread of its own would go on telling that all is well.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping

__all__ = ["Pulse"]

_NS_PER_US = 1_000


class Pulse:
    """The first `alive` says READY=1, later ones WATCHDOG=1, at most each quarter of the watchdog's patience. Never raises, never waits."""

    def __init__(self, environment: Mapping[str, str], clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock_ns = clock_ns
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._every_ns = _patience_ns(environment) // 4
        self._next_ns: int | None = None

    def alive(self) -> None:
        """Called by the loop each time it turns."""
        if not self._address:
            return
        now_ns = self._clock_ns()
        if self._next_ns is None:
            self._next_ns = now_ns + self._every_ns
            self._say("READY=1")
        elif self._every_ns and now_ns >= self._next_ns:
            self._next_ns = now_ns + self._every_ns
            self._say("WATCHDOG=1")

    def _say(self, state: str) -> None:
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as to_supervisor:
                to_supervisor.sendto(state.encode(), address)
        except OSError:
            return  # the supervisor is gone or busy: when it misses us for long enough, it acts


def _patience_ns(environment: Mapping[str, str]) -> int:
    """$WATCHDOG_USEC, when it is meant for this process; 0: no watchdog."""
    meant_for = environment.get("WATCHDOG_PID", "")
    if meant_for and meant_for != str(os.getpid()):
        return 0
    text = environment.get("WATCHDOG_USEC", "")
    return int(text) * _NS_PER_US if text.isascii() and text.isdigit() else 0
