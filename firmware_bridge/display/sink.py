"""`mcu:PORT[?baud=N&serial=NUMBER]`: the sink that drives a display on a serial line. Registered in the group `sonoderm.sinks`.

One thread of its own talks to the port and waits for nobody; `show` leaves the newest statement there and returns. A port that is lost is
looked for, by the serial number of its plug, until it is back; meanwhile the display blanks itself.
"""

import contextlib
import os
import select
import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from edge.errors import SonodermError
from edge.reading import CommandPort, ModelIdentity, Reading, Reason, Sink, State, View
from firmware_bridge.display.labeltable import LabelTable, table_of
from firmware_bridge.display.line import Line, Place, open_line, parse_place, with_serial
from firmware_bridge.display.sender import Sender
from firmware_bridge.display.statement import Statement, statement_of
from firmware_bridge.display.wire import WIRE_CAP_B
from firmware_bridge.flash.line import LineLost
from firmware_bridge.flash.ports import UsbPort, usb_ports

__all__ = ["Around", "McuSink", "make"]

RETRY_S: Final = 0.25
STUCK_NS: Final = 200_000_000  # what waits longer in the port is too old to be shown
CLOSE_S: Final = 0.5
_NS_PER_S: Final = 1_000_000_000


class Around(Protocol):
    """What this sink uses of the program around it (`edge.sinks.table.Surroundings` is one)."""

    @property
    def clock_ns(self) -> Callable[[], int]: ...
    @property
    def say(self) -> Callable[[str], None]: ...


class McuSink:
    """line: open already, so that a display that is not there is told before any camera is touched."""

    def __init__(self, place: Place, line: Line, around: Around, list_plugs: Callable[[], Sequence[UsbPort]] = usb_ports) -> None:
        self.name = f"mcu:{place.path}"
        self._place, self._line, self._around, self._list_plugs = place, line, around, list_plugs
        self._sender = Sender(place.baud)
        self._table: tuple[ModelIdentity, LabelTable] | None = None
        self._newest: Statement | None = None  # handed over: one assignment, the talker takes what is there
        self._is_closing = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        os.set_blocking(self._wake_read, False)
        self._commands: CommandPort | None = None
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._stuck_since_ns: int | None = None
        self._was_cut = False

    def open(self, commands: CommandPort) -> None:
        self._commands = commands
        self._thread.start()

    def show(self, view: View) -> None:
        """Raises UsageError for a model whose labels the link cannot carry."""
        self._newest = statement_of(view, self._table_of(view.reading.model))
        self._wake()

    def close(self) -> None:
        self._is_closing = True
        self._wake()
        if self._thread.ident is None:
            self._line.close()  # never opened: there is nobody to say goodbye
        else:
            self._thread.join(CLOSE_S)
        if not self._thread.is_alive():
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _table_of(self, model: ModelIdentity | None) -> LabelTable | None:
        if model is None:
            return None
        if self._table is None or self._table[0] != model:
            self._table = model, table_of(model)
        return self._table[1]

    def _wake(self) -> None:
        try:
            os.write(self._wake_write, b"w")
        except BlockingIOError:
            return  # it is awake already

    # ---- the talker's thread ----------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._is_closing:
                try:
                    self._talk()
                except LineLost as lost:
                    self._line.close()
                    self._around.say(f"display lost: {lost.what}; it is looked for")
                    self._reopen()
            self._say_goodbye()
        finally:
            self._line.close()

    def _talk(self) -> None:
        clock_ns, sender = self._around.clock_ns, self._sender
        while not self._is_closing:
            if self._newest is not None:
                sender.say(self._newest)
            if self._may_write(clock_ns()) and (frame := sender.next_frame(clock_ns())) is not None:
                self._write(frame)
            self._wait(max(0, sender.due_ns(clock_ns()) - clock_ns()) / _NS_PER_S)

    def _wait(self, seconds: float) -> None:
        """Until something is due, was shown or was received."""
        if self._stuck_since_ns is not None:
            seconds = max(seconds, 0.002)
        ready, _, _ = select.select([self._line.fileno(), self._wake_read], [], [], seconds)
        if self._wake_read in ready:
            os.read(self._wake_read, 4096)
        if self._line.fileno() in ready:
            for command in self._sender.feed(self._line.read()):
                if self._commands is not None:
                    self._commands(command)

    def _may_write(self, now_ns: int) -> bool:
        """False while older frames wait in the port; when they stay there they are thrown away, since nobody must read them later."""
        if self._line.waiting_b() < WIRE_CAP_B:
            self._stuck_since_ns = None
            return True
        self._stuck_since_ns = now_ns if self._stuck_since_ns is None else self._stuck_since_ns
        if now_ns - self._stuck_since_ns > STUCK_NS:
            self._line.drop_waiting()
            self._stuck_since_ns, self._was_cut = None, True
        return False

    def _write(self, frame: bytes) -> None:
        if self._was_cut:
            frame = b"\0" + frame  # ends what was left of the frame before
        self._was_cut = self._line.write(frame) < len(frame)

    def _reopen(self) -> None:
        while not self._is_closing:
            select.select([self._wake_read], [], [], RETRY_S)
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, 4096)
            try:
                self._line = open_line(self._place, self._list_plugs())
            except SonodermError:
                continue  # not there yet, or not ours to open yet
            self._sender.restart()
            self._stuck_since_ns, self._was_cut = None, True
            self._around.say(f"display is back: {self.name}")
            return

    def _say_goodbye(self) -> None:
        """The last word is that nothing is shown any more; a port that is lost by now needs no word."""
        ended = Reading(captured_ns=None, frame=None, state=State.NO_SIGNAL, reason=Reason.ENDED)
        table = None if self._newest is None else self._newest.table
        self._sender.say(Statement(ended, table, age_limit_ns=0, rendered=False, label=None, fits=0))
        now_ns = self._around.clock_ns()
        frame = self._sender.next_frame(self._sender.due_ns(now_ns))
        try:
            if frame is not None:
                self._write(frame)
        except LineLost:
            return


def make(target: str, around: Around) -> Sink:
    """What stands behind `mcu:` -> a sink whose port is open. Raises UsageError, SourceUnreachable, MachineLacks."""
    named = parse_place(target)
    listed = usb_ports()
    place = with_serial(named, listed)
    return McuSink(place, open_line(place, listed), around)
