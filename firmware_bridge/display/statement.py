"""What may be said to a display at one moment: a view and the time in, one statement out. Pure."""

from dataclasses import dataclass
from typing import Final

from edge.reading import Reading, Reason, State, View
from firmware_bridge.display.codes import NO_REASON, REASON_IDS
from firmware_bridge.display.frames import NEVER_MS, NO_TABLE, Said
from firmware_bridge.display.labeltable import LabelTable

__all__ = ["Statement", "statement_of", "words_of"]

_NS_PER_MS: Final = 1_000_000
_NS_PER_S: Final = 1_000_000_000
_AGE_CAP_S: Final = 0xFFFF
_SPEAK_OF_A_PICTURE: Final = (State.READY, State.UNSURE, State.OUT_OF_SCOPE, State.POOR_IMAGE)
_BEFORE_THE_FIRST_VIEW: Final = Reading(captured_ns=None, frame=None, state=State.STARTING)


@dataclass(frozen=True, slots=True)
class Statement:
    """A view with its label table: made once a view, said many times. label, fits: as in `Said`."""

    reading: Reading
    table: LabelTable | None
    age_limit_ns: int
    rendered: bool
    label: int | None
    fits: int


def statement_of(view: View, table: LabelTable | None) -> Statement:
    """Raises ValueError for a label that the table does not have: whoever made the reading named a model that is not its own."""
    codes = [] if table is None else [code for code, _ in table.labels]
    reading = view.reading
    shows_label = reading.state in (State.READY, State.FROZEN) and reading.label is not None
    unknown = [code for code in (*((reading.label,) if shows_label else ()), *reading.set) if code not in codes]
    if unknown:
        raise ValueError(f"the reading says {unknown[0]!r}, which is no label of its model")
    label = codes.index(reading.label) if shows_label and reading.label is not None else None
    fits = sum(1 << codes.index(code) for code in reading.set)
    return Statement(reading, table, view.age_limit_ns, view.rendered, label, fits)


def words_of(statement: Statement | None, now_ns: int, *, seq: int, margin_ns: int) -> Said:
    """The frame that may be sent at now_ns. margin_ns: the longest that it takes to arrive; the label is that much nearer its end.

    A statement whose picture would be too old on arrival becomes NO SIGNAL, stalled. Before the first view: STARTING.
    """
    reading = _BEFORE_THE_FIRST_VIEW if statement is None else statement.reading
    table = NO_TABLE if statement is None or statement.table is None else statement.table.hash
    if statement is None or reading.state not in (*_SPEAK_OF_A_PICTURE, State.FROZEN):
        return Said(seq, reading.state, reason=_reason(reading.reason), table=table)
    frozen = reading.state is State.FROZEN
    captured_ns = now_ns - statement.age_limit_ns if reading.captured_ns is None else reading.captured_ns
    left_ns = statement.age_limit_ns if frozen else captured_ns + statement.age_limit_ns - now_ns
    expires_in_ms = min(NEVER_MS - 1, (left_ns - margin_ns) // _NS_PER_MS)
    if expires_in_ms <= 0:
        return Said(seq, State.NO_SIGNAL, reason=REASON_IDS[Reason.STALLED], table=table)
    return Said(
        seq,
        reading.state,
        live_state=(reading.live_state or State.STARTING) if frozen else None,
        reason=_reason(reading.live_reason if frozen else reading.reason),
        label=statement.label,
        confidence=_half_percents(reading.confidence) if statement.label is not None else None,
        fits=statement.fits,
        expires_in_ms=expires_in_ms,
        frozen_age_s=min(_AGE_CAP_S, max(0, now_ns - captured_ns) // _NS_PER_S) if frozen else 0,
        table=table,
        rendered=statement.rendered,
    )


def _reason(reason: Reason | None) -> int:
    return NO_REASON if reason is None else REASON_IDS[reason]


def _half_percents(confidence: float | None) -> int | None:
    """Rounded down: a display never says more than the model."""
    return None if confidence is None else int(200 * min(1.0, max(0.0, confidence)))
