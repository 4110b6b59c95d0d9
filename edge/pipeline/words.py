"""What a person can do about each reason, in a few words."""

from __future__ import annotations

from edge.reading import Reason

__all__ = ["DO"]

DO: dict[Reason, str] = {
    Reason.TOO_DARK: "more light or more gain",
    Reason.TOO_BRIGHT: "less light or less gain",
    Reason.OUT_OF_FOCUS: "adjust focus or depth",
    Reason.MOVING: "hold still",
    Reason.BLURRED: "take it again, held still",
    Reason.NO_CONTACT: "more gel or more pressure",
    Reason.NO_FIELD_OF_VIEW: "fill the field of view",
    Reason.UNPLUGGED: "check cable and power",
    Reason.STALLED: "check cable and device",
    Reason.BLACK: "check lens cap, light and probe",
    Reason.FROZEN_PICTURE: "unfreeze the scanner, check the grabber",
    Reason.DRIVER_CRASHED: "it is started again; if it stays, unplug and replug",
    Reason.NOT_OPENED: "check its name, or choose another source",
    Reason.OUT_OF_SCOPE: "point at what the model is made for",
    Reason.LOW_CONFIDENCE: "try another view",
    Reason.DISAGREE_IN_TIME: "hold still on one place",
    Reason.TOO_MANY_CLASSES: "try another view",
    Reason.NO_CLASS_FITS: "try another view",
    Reason.TOO_SLOW: "close other programs, or: sonoderm check --tune",
    Reason.MODEL_CANNOT_RUN: "sonoderm check",
    Reason.GOLDEN_DIFFERS: "do not use this device; sonoderm check",
    Reason.FORM_UNPROVEN: "sonoderm check --accept",
}
