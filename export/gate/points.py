"""Operating points: where a class that must not be missed stays in sight, and where one in ten of the others reaches it."""

from math import floor

import numpy as np

from edge.bundle.manifest import IN_SIGHT, Decision, Label, OperatingPoint
from edge.classify import Guard
from export.gate.decision import EngineOutputs, in_sight_at, probabilities_of

__all__ = ["NOT_TO_MISS", "guards_among", "operating_points"]

NOT_TO_MISS = ("mel", "malignant")


def operating_points(labels: tuple[Label, ...], fit: EngineOutputs, decision: Decision) -> tuple[OperatingPoint, ...]:
    """Two for each class that must not be missed, from the fit half of dev."""
    p = probabilities_of(fit, decision)
    codes = [label.code for label in labels]
    found = []
    for code in (code for code in NOT_TO_MISS if code in codes):
        c = codes.index(code)
        above = float(np.quantile(p[fit.labels != c, c], 0.9))
        found += [
            OperatingPoint(name=IN_SIGHT, label=code, at_least=_down(in_sight_at(p, fit.labels, c)), measured_on="fit half of dev"),
            OperatingPoint(name="specificity 90 %", label=code, at_least=round(above, 5), measured_on="fit half of dev"),
        ]
    return tuple(found)


def guards_among(labels: tuple[Label, ...], points: tuple[OperatingPoint, ...]) -> tuple[Guard, ...]:
    """Those that the device obeys."""
    codes = [label.code for label in labels]
    return tuple(Guard(codes.index(point.label), point.at_least) for point in points if point.name == IN_SIGHT)


def _down(probability: float) -> float:
    """Rounded towards more caution."""
    return floor(probability * 1e5) / 1e5
