"""Health of source and model as tables, and the one state that follows from them. Pure; docs/states.md is drawn from here.

A pair that is absent from MOVES is no move: a late word of a source that was given up changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edge.aggregate import Verdict
from edge.reading import Reason, State

__all__ = ["MOVES", "SIGNAL_STATES", "Event", "Health", "Signal", "move", "state_of"]


class Signal(StrEnum):
    """What the source is doing."""

    OPENING = "opening"  # for the first time
    WAITING = "waiting"  # open, no frame yet
    LIVE = "live"
    STALLED = "stalled"
    BLACK = "black"
    REPEATING = "repeating"
    LOST = "lost"  # the source tries again by itself
    REOPENED = "reopened"  # open again, no frame yet
    ENDED = "ended"


class Event(StrEnum):
    """What can happen to it. SILENT: no frame for longer than a label may stand on its own."""

    OPENED = "opened"
    LIVING = "living frame"
    BLACK = "black frame"
    REPEATED = "repeated frame"
    SILENT = "silent"
    LOST = "lost"
    ENDED = "ended"


_HEARD = (Signal.WAITING, Signal.LIVE, Signal.STALLED, Signal.BLACK, Signal.REPEATING, Signal.REOPENED)
_LIVING = (Signal.OPENING, *_HEARD, Signal.LOST)
_ON_FRAME = {Event.LIVING: Signal.LIVE, Event.BLACK: Signal.BLACK, Event.REPEATED: Signal.REPEATING}

MOVES: dict[tuple[Signal, Event], Signal] = {
    (Signal.OPENING, Event.OPENED): Signal.WAITING,
    (Signal.LOST, Event.OPENED): Signal.REOPENED,
    **{(signal, Event.OPENED): Signal.REOPENED for signal in _HEARD},
    **{(signal, event): to for signal in _HEARD for event, to in _ON_FRAME.items()},
    **{(signal, Event.SILENT): Signal.STALLED for signal in (Signal.WAITING, Signal.LIVE, Signal.BLACK, Signal.REPEATING)},
    **{(signal, Event.LOST): Signal.LOST for signal in _LIVING},
    **{(signal, Event.ENDED): Signal.ENDED for signal in _LIVING},
}

SIGNAL_STATES: dict[Signal, tuple[State, Reason | None]] = {  # LOST says why it was lost
    Signal.OPENING: (State.STARTING, Reason.OPENING_SOURCE),
    Signal.WAITING: (State.STARTING, Reason.OPENING_SOURCE),
    Signal.LIVE: (State.STARTING, Reason.WARMING_UP),  # until the first verdict
    Signal.STALLED: (State.NO_SIGNAL, Reason.STALLED),
    Signal.BLACK: (State.NO_SIGNAL, Reason.BLACK),
    Signal.REPEATING: (State.NO_SIGNAL, Reason.FROZEN_PICTURE),
    Signal.LOST: (State.NO_SIGNAL, None),
    Signal.REOPENED: (State.NO_SIGNAL, Reason.RECONNECTING),
    Signal.ENDED: (State.NO_SIGNAL, Reason.ENDED),
}


@dataclass(frozen=True, slots=True)
class Health:
    """Everything that decides the state, at one moment.

    step: what the model is busy with before it runs, None once it runs. was_lost: the signal was gone since the last verdict,
    so that it is back only with a fresh one. lost_why: why it was lost. verdict: of the newest picture, None before there is one.
    """

    signal: Signal = Signal.OPENING
    step: Reason | None = Reason.OPENING_MODEL
    fault: Reason | None = None
    lost_why: Reason = Reason.UNPLUGGED
    was_lost: bool = False
    verdict: Verdict | None = None


def move(signal: Signal, event: Event) -> Signal:
    """The signal after an event; the same one where the table has no such move."""
    return MOVES.get((signal, event), signal)


def state_of(health: Health) -> tuple[State, Reason | None]:
    """The live state by precedence: FAULT, NO SIGNAL, STARTING, then what the pictures say. (FROZEN lies over it: `frozen`.)"""
    if health.fault is not None:
        return State.FAULT, health.fault
    state, reason = SIGNAL_STATES[health.signal]
    if state is State.NO_SIGNAL:
        return state, reason or health.lost_why
    if health.step is not None:
        return State.STARTING, health.step
    if health.signal is not Signal.LIVE:
        return state, reason
    if health.verdict is not None:
        return health.verdict.state, health.verdict.reason
    return (State.NO_SIGNAL, Reason.RECONNECTING) if health.was_lost else (state, reason)
