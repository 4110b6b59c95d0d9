"""How often the sets held the truth, against what their calibration lets expect: a beta-binomial interval. Pure.

A threshold that is the r-th smallest of n calibration cases covers a further case with a probability that is itself a draw from
Beta(n + 1 - r, r) (Vovk, 2012); of m further cases the number covered is therefore beta-binomial. Cases are lesions or patients; a
lesion with several pictures counts by the share of them that is covered, and m is the number of lesions, which is on the safe side.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import betabinom

from calibration.confidence.cases import F64, Bool, Cases
from calibration.conformal.quantile import ClassThreshold

__all__ = ["ClassCoverage", "Coverage", "coverage_of", "covered", "expected_interval", "in_sets"]

DRAWS, SEED = 20_000, 1


@dataclass(frozen=True, slots=True)
class ClassCoverage:
    """share: of pictures of the class (of all, where label is None) whose set holds the truth, each lesion or patient counting once.

    expected: 95 % interval of that share for a threshold with this calibration; None: the class is always in the set, or n too small.
    """

    label: int | None
    n: int
    n_groups: int
    share: float
    expected: tuple[float, float] | None

    @property
    def is_as_expected(self) -> bool:
        """Not below the interval: covering more often than stated is no fault."""
        return self.expected is None or self.share >= self.expected[0] - 1e-9


@dataclass(frozen=True, slots=True)
class Coverage:
    """marginal, then one row for each class that occurs. mean_size: classes in a set. singles, empties: shares of sets with one, none."""

    rows: tuple[ClassCoverage, ...]
    mean_size: float
    singles: float
    empties: float
    sizes: tuple[int, ...]  # how many sets have 0, 1, … k classes


def expected_interval(m: int, n: int, rank: int, level: float = 0.95) -> tuple[float, float] | None:
    """Central interval of the share covered of m new cases; n, rank: of the calibration. None without a threshold or without cases."""
    if rank < 1 or m < 1:
        return None
    law = betabinom(m, n + 1 - rank, rank)
    tail = (1 - level) / 2
    return float(law.ppf(tail)) / m, float(law.ppf(1 - tail)) / m


def in_sets(probabilities: F64, at: Sequence[float]) -> Bool:
    """(n, k) which classes are in the set of each picture, in float32 as the device compares (`edge.classify.prediction_set`)."""
    return np.asarray(probabilities.astype(np.float32) >= np.asarray(at, np.float32))


def covered(cases: Cases, sets: Bool) -> Bool:
    """(n,) is the truth in the set?"""
    return np.asarray(sets[np.arange(len(cases)), cases.labels])


def _by_group(hit: Bool, groups: np.ndarray) -> float:
    """Mean over groups of the share of each group's pictures that was hit."""
    _, index = np.unique(groups, return_inverse=True)
    return float((np.bincount(index, weights=hit) / np.bincount(index)).mean())


def coverage_of(cases: Cases, sets: Bool, behind: Sequence[ClassThreshold] | None) -> Coverage:
    """behind: the thresholds' own calibration, one a class; None where it is not known: then nothing is expected."""
    hit, size = covered(cases, sets), sets.sum(1)
    there = [c for c in range(cases.k) if (cases.labels == c).any()]
    groups = {c: len(np.unique(cases.groups[cases.labels == c])) for c in there}
    rows = [ClassCoverage(None, len(cases), cases.n_groups, _by_group(hit, cases.groups), _expected_of_all(groups, behind))]
    for c in there:
        own = cases.labels == c
        expected = expected_interval(groups[c], behind[c].of, behind[c].rank) if behind else None
        rows.append(ClassCoverage(c, int(own.sum()), groups[c], _by_group(hit[own], cases.groups[own]), expected))
    n, counts = len(cases), np.bincount(size, minlength=cases.k + 1)
    return Coverage(tuple(rows), float(size.mean()), float(counts[1] / n), float(counts[0] / n), tuple(int(c) for c in counts))


def _expected_of_all(groups: dict[int, int], behind: Sequence[ClassThreshold] | None) -> tuple[float, float] | None:
    """Of all classes together: each threshold's coverage is drawn once, classes that share a threshold share the draw."""
    if behind is None or not groups:
        return None
    random = np.random.default_rng(SEED)
    drawn = {behind[c]: random.beta(behind[c].of + 1 - behind[c].rank, behind[c].rank, DRAWS) for c in groups if behind[c].rank}
    hits = sum(random.binomial(m, drawn[behind[c]]) if behind[c].rank else np.full(DRAWS, m) for c, m in groups.items())
    low, high = np.quantile(hits / sum(groups.values()), [0.025, 0.975])
    return float(low), float(high)
