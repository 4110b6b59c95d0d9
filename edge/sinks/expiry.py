"""A label dies with its picture, on every screen, even when the loop that should have said so is late or dead."""

from edge.reading import Reading, Reason, State, View

__all__ = ["at_drawing", "is_expired"]

SPEAKS_OF_A_PICTURE = (State.READY, State.UNSURE, State.OUT_OF_SCOPE, State.POOR_IMAGE)


def is_expired(view: View, now_ns: int) -> bool:
    """True once the newest picture behind a live statement is older than the view's age limit.

    FROZEN speaks of a picture that the clinician holds on purpose; FAULT, NO SIGNAL and STARTING speak of none.
    """
    reading = view.reading
    if reading.state not in SPEAKS_OF_A_PICTURE:
        return False
    return reading.captured_ns is None or now_ns - reading.captured_ns > view.age_limit_ns


def at_drawing(view: View, now_ns: int) -> Reading:
    """The reading that may be drawn at `now_ns`: the view's own, or NO SIGNAL / stalled once it has expired."""
    reading = view.reading
    if is_expired(view, now_ns):
        return Reading(
            captured_ns=reading.captured_ns,
            frame=reading.frame,
            state=State.NO_SIGNAL,
            reason=Reason.STALLED,
            model=reading.model,
            do="no newer picture has arrived",
        )
    return reading
