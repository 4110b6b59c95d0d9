"""Is a probability true on pictures that it has not seen, and would one have noticed if not? Pure.

Figure: l2 calibration error of the likeliest class over bins of equal mass, debiased: the square of each bin's gap less the variance
that it has by chance, w_b ((right_b - said_b)^2 - right_b (1 - right_b) / (n_b - 1)) (Kumar, Liang and Ma, Verified Uncertainty
Calibration, NeurIPS 2019, section 4). Its square root; 0 where the sum is negative.

Band: what that figure is for a model whose probabilities are true. Lesions or patients are drawn with replacement; the pictures of one
are right together as far as their probabilities allow (one uniform number a group: the picture is right where it lies below what was
said), which is the widest band that true probabilities can have. Named in advance are J figures; each band is taken at 1 - 0.05 / J
(Bonferroni), so that all hold together with 95 %.

Power: the share of the same draws, each picture right with 0.08 less than was said, that leave the band. A figure inside a band that
would not have shown an error of 0.08 says "too few cases", not "passed".
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from calibration.confidence.cases import F64, I64, Bool
from edge.bench.accuracy_metrics import ece

__all__ = ["ERROR_TO_SEE", "FORMULA", "Reliability", "Verdict", "l2_error", "reliability_of"]

BINS = 15
DRAWS = 2_000
SEED = 1
ALPHA = 0.05
ERROR_TO_SEE, POWER_ASKED = 0.08, 0.8
FORMULA = f"debiased l2 ECE, top label, {BINS} bins of equal mass (Kumar et al. 2019)"


class Verdict(StrEnum):
    INSIDE = "inside the band"
    OUTSIDE = "outside the band"
    TOO_FEW = "too few cases"


@dataclass(frozen=True, slots=True)
class Reliability:
    """error, ece15: of the cases. band: upper end for a true model. power: of seeing ERROR_TO_SEE. figures: J, judged together."""

    n: int
    n_groups: int
    error: float
    ece15: float
    band: float
    power: float
    figures: int

    @property
    def verdict(self) -> Verdict:
        if self.error > self.band:
            return Verdict.OUTSIDE
        return Verdict.INSIDE if self.power >= POWER_ASKED else Verdict.TOO_FEW


def l2_error(right: F64, said: F64) -> F64:
    """right (b, n) 0 or 1, said (b, n): b draws of n pictures each -> (b,) debiased l2 error."""
    n = said.shape[1]
    bins = min(BINS, max(1, n // 2))
    order = np.argsort(said, axis=1, kind="stable")
    edges = np.linspace(0, n, bins + 1).astype(np.int64)
    size = np.diff(edges).astype(np.float64)
    said_sum = np.add.reduceat(np.take_along_axis(said, order, 1), edges[:-1], axis=1)
    right_mean = np.add.reduceat(np.take_along_axis(right, order, 1), edges[:-1], axis=1) / size
    by_chance = right_mean * (1 - right_mean) / np.maximum(size - 1, 1)
    squared = ((right_mean - said_sum / size) ** 2 - by_chance) @ (size / n)
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))


def reliability_of(right: Bool, said: F64, groups: I64, *, figures: int = 1, draws: int = DRAWS) -> Reliability:
    """right (n,): was the likeliest class the true one. said (n,): its probability. groups (n,). figures: how many are judged together."""
    true, off = np.zeros(draws), np.zeros(draws)
    random = np.random.default_rng(SEED)
    by_group, sizes = said[np.argsort(groups, kind="stable")], np.bincount(groups)
    first, g = np.cumsum(sizes) - sizes, len(sizes)
    for draw in range(draws):
        drawn = random.integers(0, g, g)
        size = sizes[drawn]
        within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        p = by_group[np.repeat(first[drawn], size) + within]
        below = np.repeat(random.random(g), size)
        true[draw] = l2_error((below < p).astype(np.float64)[None], p[None])[0]
        off[draw] = l2_error((below < p - ERROR_TO_SEE).astype(np.float64)[None], p[None])[0]
    band = float(np.quantile(true, 1 - ALPHA / figures))
    return Reliability(
        n=len(said),
        n_groups=g,
        error=float(l2_error(right.astype(np.float64)[None], said[None])[0]),
        ece15=float(ece(right, said, np.ones((1, len(said))))[0]),
        band=band,
        power=float((off > band).mean()),
        figures=figures,
    )
