"""Out of focus, or moved while exposed: two logistic scores on the picture's detail."""

import numpy as np

from edge.frame import U8
from edge.preprocess.field import Detector
from edge.quality.detail import detail
from edge.quality.weights import DERMATOSCOPE, ULTRASOUND
from edge.reading import Reason

__all__ = ["blurred"]


def blurred(small: U8, detector: Detector) -> Reason | None:
    """Small grey copy (h, w) uint8, both sides >= LEAST_SIDE_PX -> OUT_OF_FOCUS, MOVING or None."""
    model = ULTRASOUND if detector == "ultrasound" else DERMATOSCOPE
    focus, motion = model.weights @ ((detail(small) - model.mean) / model.sd) + model.bias
    if np.logaddexp(focus, motion) <= model.limit:
        return None
    return Reason.OUT_OF_FOCUS if focus > motion else Reason.MOVING
