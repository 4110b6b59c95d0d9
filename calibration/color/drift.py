"""Has the camera changed since it was last measured? The last response on what was seen then, and on what is seen now."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calibration.color.difference import difference
from calibration.color.read import Seen
from calibration.color.space import linear_to_lab
from edge.profile import Correction
from edge.profile.color import linear_of

__all__ = ["DRIFTED_ABOVE", "Drift", "drift_since"]

DRIFTED_ABOVE: Final = 2.0  # median ΔE00: twice what can just be told apart side by side


@dataclass(frozen=True, slots=True)
class Drift:
    """median, worst: ΔE00 between then and now, over the patches that both measurements used. since: when that was (ISO 8601)."""

    since: str
    median: float
    worst: float

    @property
    def has_drifted(self) -> bool:
        return self.median > DRIFTED_ABOVE


def drift_since(last: Correction | None, seen: Seen) -> Drift | None:
    """None where nothing comparable is on record: no chart was measured for this setting."""
    if last is None or last.color is None or last.color_evidence is None or len(last.color_evidence.patches) != len(seen.code):
        return None
    power, black, matrix = (np.array(values) for values in (last.color.power, last.color.black, last.color.matrix))
    then, now = (linear_of(code / 255, power, black) @ matrix.T for code in (np.array(last.color_evidence.patches), seen.code))
    moved = difference(linear_to_lab(np.clip(then, 0, 1)), linear_to_lab(np.clip(now, 0, 1)))[seen.used]
    return Drift(last.color_evidence.measured_at, float(np.median(moved)), float(moved.max()))
