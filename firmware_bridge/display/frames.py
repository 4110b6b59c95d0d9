"""The five frames of the display link, as bytes and as typed values. Numbers are little-endian; docs/display.md draws them.

The first byte is 0x10 | kind: version 1 in the high half. A frame of another version, or of a kind that is not known, is left unread.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from edge.reading import Command, State
from firmware_bridge.display.codes import COMMAND_IDS, COMMANDS, STATE_IDS, STATES

__all__ = [
    "LABELS_CAP",
    "NEVER_MS",
    "NO_TABLE",
    "PART_CAP_B",
    "VERSION",
    "Frame",
    "Pressed",
    "Said",
    "TablePart",
    "Taken",
    "Want",
    "pack",
    "unpack",
]

VERSION: Final = 1
LABELS_CAP: Final = 32  # bits of the set mask
NEVER_MS: Final = 0xFFFF  # in expires_in_ms: this statement speaks of no picture, silence alone ends it
NO_TABLE: Final = 0
PART_CAP_B: Final = 11

_NONE: Final = 0xFF
_NO_LIVE_STATE: Final = 0xF
_RENDERED: Final = 0x80
_SAID: Final = struct.Struct("<BBBBBBIHHI")
_PART: Final = struct.Struct("<BIH")
_TAKEN: Final = struct.Struct("<BHB")
_WANT: Final = struct.Struct("<BIH")
_PRESSED: Final = struct.Struct("<BHBB")


@dataclass(frozen=True, slots=True)
class Said:
    """What the screen may say, to the display. label and the bits of fits (the prediction set) index the label table of that hash.

    seq: 0..255, another one in each frame. reason: an id of `codes`, 0 is none; in FROZEN it is the live state's. confidence: 0..200, in
    halves of a percent. expires_in_ms: counted from when the frame has arrived. frozen_age_s: age of the frozen picture, else 0.
    """

    seq: int
    state: State
    live_state: State | None = None
    reason: int = 0
    label: int | None = None
    confidence: int | None = None
    fits: int = 0
    expires_in_ms: int = NEVER_MS
    frozen_age_s: int = 0
    table: int = NO_TABLE
    rendered: bool = False


@dataclass(frozen=True, slots=True)
class TablePart:
    """Bytes of the label table with that hash from at_b on, to the display."""

    table: int
    at_b: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """A press has arrived, to the display."""

    boot: int
    seq: int


@dataclass(frozen=True, slots=True)
class Want:
    """The display lacks the table of that hash from at_b on."""

    table: int
    at_b: int


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button of the display. boot: another number at each start of the display; seq: another one for each press."""

    boot: int
    seq: int
    command: Command


Frame: TypeAlias = Said | TablePart | Taken | Want | Pressed


def pack(frame: Frame) -> bytes:
    """Raises struct.error for a number that does not fit its field: our own mistake, never the wire's."""
    match frame:
        case Said():
            live = _NO_LIVE_STATE if frame.live_state is None else STATE_IDS[frame.live_state]
            return _SAID.pack(
                0x11,
                frame.seq,
                (_RENDERED if frame.rendered else 0) | STATE_IDS[frame.state] << 4 | live,
                frame.reason,
                _NONE if frame.label is None else frame.label,
                _NONE if frame.confidence is None else frame.confidence,
                frame.fits,
                frame.expires_in_ms,
                frame.frozen_age_s,
                frame.table,
            )
        case TablePart():
            return _PART.pack(0x12, frame.table, frame.at_b) + frame.data
        case Taken():
            return _TAKEN.pack(0x13, frame.boot, frame.seq)
        case Want():
            return _WANT.pack(0x18, frame.table, frame.at_b)
        case Pressed():
            return _PRESSED.pack(0x19, frame.boot, frame.seq, COMMAND_IDS[frame.command])


def unpack(payload: bytes) -> Frame | None:
    """None: another version, an unknown kind, or fields that contradict each other. Such a frame changes nothing."""
    reader = _READERS.get(payload[0]) if payload else None
    return reader(payload) if reader else None


def _said(payload: bytes) -> Said | None:
    if len(payload) != _SAID.size:
        return None
    _, seq, states, reason, label, confidence, fits, expires_in_ms, frozen_age_s, table = _SAID.unpack(payload)
    live = states & 0xF
    if live >= len(STATES) and live != _NO_LIVE_STATE:
        return None
    if (label >= LABELS_CAP and label != _NONE) or (confidence > 200 and confidence != _NONE):
        return None
    said = Said(
        seq=seq,
        state=STATES[states >> 4 & 7],
        live_state=None if live == _NO_LIVE_STATE else STATES[live],
        reason=reason,
        label=None if label == _NONE else label,
        confidence=None if confidence == _NONE else confidence,
        fits=fits,
        expires_in_ms=expires_in_ms,
        frozen_age_s=frozen_age_s,
        table=table,
        rendered=bool(states & _RENDERED),
    )
    return said if _is_sound(said) else None


def _is_sound(said: Said) -> bool:
    """A label stands in READY and FROZEN alone, READY never lacks one, and what points into a table names it."""
    if said.label is not None and said.state not in (State.READY, State.FROZEN):
        return False
    if said.state is State.READY and (said.label is None or said.expires_in_ms == NEVER_MS):
        return False
    if (said.live_state is not None) != (said.state is State.FROZEN):
        return False
    return said.table != NO_TABLE or (said.label is None and not said.fits)


def _part(payload: bytes) -> TablePart | None:
    if not _PART.size < len(payload) <= _PART.size + PART_CAP_B:
        return None
    _, table, at_b = _PART.unpack_from(payload)
    return TablePart(table, at_b, payload[_PART.size :])


def _taken(payload: bytes) -> Taken | None:
    return Taken(*_TAKEN.unpack(payload)[1:]) if len(payload) == _TAKEN.size else None


def _want(payload: bytes) -> Want | None:
    return Want(*_WANT.unpack(payload)[1:]) if len(payload) == _WANT.size else None


def _pressed(payload: bytes) -> Pressed | None:
    if len(payload) != _PRESSED.size:
        return None
    _, boot, seq, command = _PRESSED.unpack(payload)
    return Pressed(boot, seq, COMMANDS[command]) if command in COMMANDS else None


_READERS: Final[Mapping[int, Callable[[bytes], Frame | None]]] = {0x11: _said, 0x12: _part, 0x13: _taken, 0x18: _want, 0x19: _pressed}
