"""The device's end of the link, sans-IO: newest statement in, frames out when the line is free; a display's bytes in, commands out.

The line is modelled, since a USB port and a pty report no queue: at most one frame is under way, so that a label never waits behind old
ones. What is said anew goes first, then the heartbeat that is due, then, in the gaps, the label table for a display that asked for it.
"""

from collections import deque
from typing import Final

from edge.reading import Command
from firmware_bridge.display.frames import PART_CAP_B, Pressed, Said, TablePart, Taken, Want, pack, unpack
from firmware_bridge.display.statement import Statement, words_of
from firmware_bridge.display.wire import WIRE_CAP_B, Cutter, seal

__all__ = ["HEARTBEAT_NS", "Sender"]

HEARTBEAT_NS: Final = 50_000_000
_NS_PER_S: Final = 1_000_000_000
_BITS_A_BYTE: Final = 10  # start, eight, stop
_ANSWERS_KEPT: Final = 4
_UNSAID: Final[tuple[object, ...]] = ()


class Sender:
    def __init__(self, baud: int) -> None:
        self._ns_per_byte = _BITS_A_BYTE * _NS_PER_S // baud
        self._margin_ns = 2 * WIRE_CAP_B * self._ns_per_byte  # the frame under way, and its own
        self._input = Cutter()
        self._statement: Statement | None = None
        self._seq = 0
        self._words: tuple[object, ...] = _UNSAID  # last said
        self._said_ns: int | None = None
        self._free_ns = 0  # when the line has sent all it was given
        self._answers: deque[Taken] = deque(maxlen=_ANSWERS_KEPT)
        self._part_at_b: int | None = None  # what of the table goes next
        self._was_label = False
        self._last_press: tuple[int, int] | None = None

    @property
    def damaged(self) -> int:
        """Damaged frames from the display."""
        return self._input.damaged

    def say(self, statement: Statement) -> None:
        """The newest statement; the one before is never said again."""
        if self._statement is None or _hash(self._statement) != _hash(statement):
            self._part_at_b = None
        self._statement = statement

    def feed(self, data: bytes) -> list[Command]:
        """Bytes from the display. -> presses that were not heard before."""
        commands = []
        for payload in self._input.feed(data):
            match unpack(payload):
                case Want(table, at_b) if self._statement is not None and table == _hash(self._statement):
                    self._part_at_b = at_b
                case Pressed(boot, seq, command):
                    self._answers.append(Taken(boot, seq))
                    if (boot, seq) != self._last_press:
                        self._last_press = boot, seq
                        commands.append(command)
        return commands

    def next_frame(self, now_ns: int) -> bytes | None:
        """The bytes to write now; None while the line is busy or nothing is due."""
        if now_ns < self._free_ns:
            return None
        payload = self._next_payload(now_ns)
        if payload is None:
            return None
        sealed = seal(payload)
        self._free_ns = max(now_ns, self._free_ns) + len(sealed) * self._ns_per_byte
        return sealed

    def due_ns(self, now_ns: int) -> int:
        """When next_frame should be asked again, unless something happens before."""
        heartbeat_ns = now_ns if self._said_ns is None else self._said_ns + HEARTBEAT_NS
        waits = self._answers or self._part() is not None or self._is_news(now_ns)
        return max(self._free_ns, now_ns if waits else heartbeat_ns)

    def restart(self) -> None:
        """The line is new: nothing is under way, everything is said again."""
        self._free_ns, self._said_ns, self._words, self._part_at_b = 0, None, _UNSAID, None
        self._answers.clear()
        self._input = Cutter()

    def _next_payload(self, now_ns: int) -> bytes | None:
        if self._answers:
            return pack(self._answers.popleft())
        part = self._part()
        label_is_due = self._said_ns is None or now_ns - self._said_ns >= HEARTBEAT_NS or self._is_news(now_ns)
        if label_is_due and not (part is not None and self._was_label):  # a table that is asked for gets every second frame at least
            self._was_label = True
            return pack(self._say_now(now_ns))
        self._was_label = False
        if part is None:
            return None
        self._part_at_b = part.at_b + len(part.data)
        return pack(part)

    def _say_now(self, now_ns: int) -> Said:
        self._seq = (self._seq + 1) % 256
        said = words_of(self._statement, now_ns, seq=self._seq, margin_ns=self._margin_ns)
        self._words, self._said_ns = _words(said), now_ns
        return said

    def _is_news(self, now_ns: int) -> bool:
        """True when the display would show another thing (numbers apart: they go with the next heartbeat)."""
        return _words(words_of(self._statement, now_ns, seq=0, margin_ns=self._margin_ns)) != self._words

    def _part(self) -> TablePart | None:
        table = None if self._statement is None else self._statement.table
        if table is None or self._part_at_b is None or self._part_at_b >= len(table.block):
            return None
        return TablePart(table.hash, self._part_at_b, table.block[self._part_at_b : self._part_at_b + PART_CAP_B])


def _words(said: Said) -> tuple[object, ...]:
    return said.state, said.live_state, said.reason, said.label, said.fits, said.table, said.rendered


def _hash(statement: Statement) -> int | None:
    return None if statement.table is None else statement.table.hash
