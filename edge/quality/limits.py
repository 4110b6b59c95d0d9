"""The limits of the quality gate, each with what it was measured on. docs/quality.md has the table that follows from them."""

from dataclasses import dataclass

from edge.preprocess.field import Detector
from edge.quality.detail import LEAST_SIDE_PX

__all__ = ["Thresholds", "thresholds_for"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Grey levels are 0..255 of the small copy; shares 0..1; speeds in short sides per second. None: not judged."""

    black_level: int = 4  # nothing brighter: there is nothing to see (live, the source says black long before)
    # Two percent of a good picture are brighter than 114 (skin) and 64 (ultrasound) in all of the train folds; nothing of
    # the brightest one is brighter than 25 at a tenth of its gain. 40 is the geometric middle of 25 and 64.
    dark_level: int = 40
    bright_enough_share: float = 0.02
    # Saturated share: at most 0.084 in the train folds; at five times the gain 0.51 and more.
    bright_level: int = 250
    bright_share: float = 0.25
    lit_share: float = 0.0005  # a picture without a field in which no more than this is brighter than dark_level is dark, not empty
    # Relief of the least contrasted good picture of the train folds: 6.2 (skin), 9.8 (ultrasound).
    least_relief: float | None = 3.0
    contact: bool = True
    # Columns without contact: at most 0.28 in the train folds; 0.65 and more where 72 % of the width was lost.
    lost_share: float = 0.5
    blur: bool = True
    # A blur of 6 % of the short side within one exposure of 1/30 s is 1.8 short sides a second; hand tremor and drift
    # stay below 0.3, a sweep of a probe below 1.
    speed: float | None = 1.5
    least_side_px: int = LEAST_SIDE_PX  # of the small copy: a narrower strip cannot be judged


DERMATOSCOPE = Thresholds()
ULTRASOUND = Thresholds(bright_share=0.11)  # at most 0.073 in the train folds; at five times the gain 0.139 in 99 of 100
# "none" assumes nothing of the subject, not even that it has texture. Light is judged over the whole picture: what is burnt out holds
# nothing, whatever it was. A quarter of a picture may be white by nature (reference case: a white corner); rendered phantoms have no
# saturated pixel, and at five times the gain 0.353 (ultrasound) and 0.635 (skin) and more of them are: 0.3 is the middle.
ANY_SUBJECT = Thresholds(dark_level=12, bright_share=0.3, least_relief=None, blur=False, contact=False, speed=None, least_side_px=1)


def thresholds_for(detector: Detector) -> Thresholds:
    return {"dermatoscope": DERMATOSCOPE, "ultrasound": ULTRASOUND, "none": ANY_SUBJECT}[detector]
