"""docs/states.md, drawn from the tables that the code obeys: `python -m edge.pipeline.states_page > docs/states.md`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from edge.pipeline.health import MOVES, SIGNAL_STATES, Event, Signal
from edge.pipeline.words import DO
from edge.reading import Reason, State

__all__ = ["states_page"]

INTRO = """# States

Drawn from the code's tables by `python -m edge.pipeline.states_page`; a test compares this page with them. Do not edit.

The screen shows exactly one state. The first of this list that applies is shown:

"""
WHEN = {
    State.FAULT: "a person is needed: the model cannot run, or this machine is too slow",
    State.FROZEN: "the clinician holds a picture; the live state is the second line",
    State.NO_SIGNAL: "no new, living picture for max(180 ms, 2.5 frame periods), never longer than a label lives",
    State.STARTING: "before the first verdict on this scene",
    State.POOR_IMAGE: "the quality gate",
    State.OUT_OF_SCOPE: "not what the model was made for",
    State.UNSURE: "the pictures do not say one thing",
    State.READY: "a label, with its confidence",
}
SIGNAL_INTRO = """
## The source

A signal (rows) after an event (columns); an empty cell is no move. A frame that is living, black or repeated is told by its content and
its time, never by what a driver returns. A lost source opens itself anew; it is back only with a fresh verdict.

"""
REASONS_INTRO = """
## Reasons, and what to do

"""


def states_page() -> str:
    """The whole page, Markdown."""
    return INTRO + _states() + SIGNAL_INTRO + _moves() + REASONS_INTRO + _reasons()


def _states() -> str:
    rows = [("state", "when"), ("---", "---"), *((state.value, WHEN[state]) for state in State)]
    return _table(rows)


def _moves() -> str:
    header: tuple[str, ...] = ("signal", "on the screen", *(event.value for event in Event))
    rows = [header, ("---",) * len(header)]
    for signal in Signal:
        state, reason = SIGNAL_STATES[signal]
        shown = f"{state.value}, {reason.value if reason else 'why it was lost'}"
        if signal is Signal.LIVE:
            shown = "what the pictures say"
        moves = (MOVES.get((signal, event)) for event in Event)
        rows.append((signal.value, shown, *("" if to is None else to.value for to in moves)))
    return _table(rows)


def _reasons() -> str:
    return _table([("reason", "what to do"), ("---", "---"), *((reason.value, DO.get(reason, "wait")) for reason in Reason)])


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


if __name__ == "__main__":
    sys.stdout.write(states_page())
