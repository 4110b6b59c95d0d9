"""The quality gate: one reason, the first that a person can act on, in the order in which faults hide each other.

Light comes first, because nothing can be said of a picture that is dark or burnt out; then the field and the contact,
because what does not touch has no focus; then blur; then motion that has not blurred the picture yet.
"""

import cv2
import numpy as np

from edge.frame import U8
from edge.preprocess.field import Field, FieldKind
from edge.quality.blur import blurred
from edge.quality.contact import lost_share
from edge.quality.drift import speed
from edge.quality.limits import Thresholds, thresholds_for
from edge.reading import Reason

__all__ = ["assess", "assess_still"]


def _relief(small: U8) -> float:
    """Standard deviation of 16 x 12 cells, in grey levels: 0 for a wall, a lens cap or a test picture, whatever their noise."""
    cells = cv2.resize(small, (16, 12), interpolation=cv2.INTER_AREA)
    return float(cv2.meanStdDev(cells)[1][0, 0])


def assess(
    small: U8, field: Field, previous_small: U8 | None = None, dt_s: float | None = None, thresholds: Thresholds | None = None
) -> Reason | None:
    """Why the picture is worth no label, or None. Pure.

    small: grey copy of the field, (h, w) uint8, from `prepare`. previous_small, dt_s: that of the frame before and the seconds of
    capture time between them; None for stills. thresholds: those of the field's detector unless given.
    """
    limits = thresholds or thresholds_for(field.detector)
    if min(small.shape) < limits.least_side_px:
        return Reason.NO_FIELD_OF_VIEW
    if int(small.max()) <= limits.black_level:
        return Reason.NO_FIELD_OF_VIEW
    lit = np.count_nonzero(small > limits.dark_level) / small.size
    if field.kind is FieldKind.NONE:
        return Reason.NO_FIELD_OF_VIEW if lit > limits.lit_share else Reason.TOO_DARK
    if lit < limits.bright_enough_share:
        return Reason.TOO_DARK
    if np.count_nonzero(small >= limits.bright_level) > limits.bright_share * small.size:
        return Reason.TOO_BRIGHT
    if limits.least_relief is not None and _relief(small) < limits.least_relief:
        return Reason.NO_FIELD_OF_VIEW
    if limits.contact and lost_share(small) > limits.lost_share:
        return Reason.NO_CONTACT
    if limits.blur and (reason := blurred(small, field.detector)) is not None:
        return reason
    if limits.speed is not None and previous_small is not None and dt_s is not None and speed(small, previous_small, dt_s) > limits.speed:
        return Reason.MOVING
    return None


def assess_still(small: U8, field: Field) -> Reason | None:
    """As `assess`, of a picture that stands for itself: it may have been moved while it was taken, but it does not move."""
    reason = assess(small, field)
    return Reason.BLURRED if reason is Reason.MOVING else reason
