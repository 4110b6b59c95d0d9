"""Thresholds carried over to other probabilities of the same outputs, where no new calibration pictures are at hand. Pure.

A new temperature or prevalence changes what a threshold means. Each threshold here becomes the lowest new probability that its class can
have where it had the old threshold: whatever was in the set stays in it, so coverage is kept and sets can only grow. For two classes the
two probabilities determine each other, and the sets stay as they are.
"""

from collections.abc import Sequence

import numpy as np

__all__ = ["under_bias", "under_temperature"]

PLACES = 1e6


def _down(value: float) -> float:
    return float(np.floor(min(1.0, max(0.0, value)) * PLACES - 1e-9) / PLACES) if value > 0 else 0.0


def under_temperature(at: Sequence[float], ratio: float) -> tuple[float, ...]:
    """at: (k,) thresholds of p. ratio: old temperature / new one; new p is p^ratio, made to sum to 1.

    The rest 1 - p lies on k - 1 classes; its powers sum to the most where it is spread evenly (ratio < 1) or lies on one (ratio > 1).
    """
    others = len(at) - 1
    spread = others ** (1 - ratio) if ratio < 1 else 1.0
    return tuple(_down(t**ratio / (t**ratio + spread * (1 - t) ** ratio)) if 0 < t < 1 else _down(t) for t in at)


def under_bias(at: Sequence[float], factors: Sequence[float]) -> tuple[float, ...]:
    """at: (k,) thresholds of p. factors: (k,) what each class's odds are multiplied with (new prevalence / old one).

    The rest is worst where it lies on the class that gains most.
    """
    new = []
    for c, t in enumerate(at):
        gain = max(f for i, f in enumerate(factors) if i != c)
        new.append(_down(t * factors[c] / (t * factors[c] + (1 - t) * gain)) if 0 < t < 1 else _down(t))
    return tuple(new)
