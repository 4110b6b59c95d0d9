"""The display's end of the link, sans-IO: the same rules as `reference/sonoderm_display.c`, byte for byte (the tests compare both).

1. Nothing is drawn before a whole, undamaged frame of our version was heard.
2. A statement is blanked when it expires, or after SILENCE_MS without a fresh frame, whichever is first. A frame that bears the number of
   the one before is not fresh: a stuck buffer must not keep a label alive.
3. A label is drawn only from the table that the frame names by its hash, whole and verified; else it is asked for, and LOADING is shown.
4. A press is repeated until it is acknowledged; after PRESS_MS it is given up, and the display says that it was not taken.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge.reading import Command
from firmware_bridge.display.frames import NO_TABLE, VERSION, Pressed, Said, TablePart, Taken, Want, pack, unpack
from firmware_bridge.display.labeltable import BLOCK_CAP_B, LabelTable, hash_of, read_block
from firmware_bridge.display.wire import Cutter, seal

__all__ = ["SILENCE_MS", "Button", "Receiver", "Screen", "Shows"]

SILENCE_MS: Final = 200
WANT_EVERY_MS: Final = 100
PRESS_EVERY_MS: Final = 50
PRESS_MS: Final = 1000


class Shows(StrEnum):
    STALE = "stale"  # nothing that is true now was heard
    LOADING = "loading"  # a statement stands, its words are on their way: no label is drawn
    LIVE = "live"


class Button(StrEnum):
    IDLE = "idle"
    SENDING = "sending"
    TAKEN = "taken"
    NOT_TAKEN = "not taken"


@dataclass(frozen=True, slots=True)
class Screen:
    """What may be drawn now. said: None when stale. label, set: (code, name), in LIVE alone. activity: moves with each fresh frame."""

    shows: Shows
    said: Said | None
    label: tuple[str, str] | None
    set: tuple[tuple[str, str], ...]
    title: str
    activity: int
    button: Button
    other_version: bool


class Receiver:
    """Time in milliseconds of any clock that goes on steadily, passed in. boot: another number at each start, 0..65535."""

    def __init__(self, boot: int) -> None:
        self._boot = boot
        self._input = Cutter()
        self._said: Said | None = None
        self._heard_ms = 0
        self._activity = 0
        self._other_version = False
        self._table: LabelTable | None = None
        self._coming = NO_TABLE  # the hash of the block that is being collected
        self._block = bytearray()
        self._asked_ms: int | None = None
        self._press: Pressed | None = None
        self._press_seq = 0
        self._pressed_ms = 0
        self._sent_ms: int | None = None
        self._button = Button.IDLE

    @property
    def damaged(self) -> int:
        """Damaged frames so far."""
        return self._input.damaged

    def feed(self, data: bytes, now_ms: int) -> None:
        for payload in self._input.feed(data):
            frame = unpack(payload)
            match frame:
                case Said():
                    self._hear(frame, now_ms)
                case TablePart():
                    self._collect(frame, now_ms)
                case Taken(boot, seq) if self._press is not None and (boot, seq) == (self._boot, self._press.seq):
                    self._press, self._button = None, Button.TAKEN
                case _:
                    self._other_version |= payload[0] >> 4 != VERSION

    def press(self, command: Command, now_ms: int) -> None:
        """A newer press replaces one that was not acknowledged yet."""
        self._press_seq = (self._press_seq + 1) % 256
        self._press = Pressed(self._boot, self._press_seq, command)
        self._pressed_ms, self._sent_ms, self._button = now_ms, None, Button.SENDING

    def poll(self, now_ms: int) -> bytes:
        """What to send now; ask again after each frame and at least every PRESS_EVERY_MS."""
        if self._press is not None and now_ms - self._pressed_ms >= PRESS_MS:
            self._press, self._button = None, Button.NOT_TAKEN
        if self._press is not None and (self._sent_ms is None or now_ms - self._sent_ms >= PRESS_EVERY_MS):
            self._sent_ms = now_ms
            return seal(pack(self._press))
        if self._coming != NO_TABLE and (self._asked_ms is None or now_ms - self._asked_ms >= WANT_EVERY_MS):
            self._asked_ms = now_ms
            return seal(pack(Want(self._coming, len(self._block))))
        return b""

    def screen(self, now_ms: int) -> Screen:
        said, title = self._said, "" if self._table is None else self._table.title
        if said is None or now_ms - self._heard_ms >= min(SILENCE_MS, said.expires_in_ms):
            return Screen(Shows.STALE, None, None, (), title, self._activity, self._button, self._other_version)
        labels = self._table.labels if self._table is not None and self._table.hash == said.table else ()
        ids = [i for i in range(said.fits.bit_length()) if said.fits >> i & 1]
        highest = max([*ids, -1 if said.label is None else said.label], default=-1)
        if highest >= len(labels):
            return Screen(Shows.LOADING, said, None, (), title, self._activity, self._button, self._other_version)
        label = None if said.label is None else labels[said.label]
        return Screen(Shows.LIVE, said, label, tuple(labels[i] for i in ids), title, self._activity, self._button, self._other_version)

    def _hear(self, said: Said, now_ms: int) -> None:
        if self._said is not None and self._said.seq == said.seq:
            return
        self._said, self._heard_ms, self._other_version = said, now_ms, False
        self._activity = (self._activity + 1) % 256
        held = NO_TABLE if self._table is None else self._table.hash
        if said.table == held:
            self._coming = NO_TABLE
        elif said.table not in (NO_TABLE, self._coming):
            self._start_collecting(said.table)

    def _start_collecting(self, table: int) -> None:
        self._table = None  # one block of memory: the old table makes room
        self._coming, self._asked_ms = table, None
        self._block.clear()

    def _collect(self, part: TablePart, now_ms: int) -> None:
        if part.table != self._coming or self._coming == NO_TABLE or part.at_b != len(self._block):
            return
        if len(self._block) + len(part.data) > BLOCK_CAP_B:
            self._block.clear()
            return
        self._block += part.data
        self._asked_ms = now_ms  # it comes: there is no need to ask
        if len(self._block) < 2 or len(self._block) < int.from_bytes(self._block[:2], "little"):
            return
        block = bytes(self._block)
        self._block.clear()
        if hash_of(block) == self._coming and (table := read_block(block)) is not None:
            self._table, self._coming = table, NO_TABLE
