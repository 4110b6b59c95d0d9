"""Thresholds of prediction sets: class-conditional (Mondrian) LAC with finite-sample quantiles, per lesion or patient. Pure.

LAC (Sadinle, Lei and Wasserman, JASA 2019): a class is in the set where its probability reaches a threshold. Class-conditional (Vovk,
2012): each class has the quantile of its own cases, so that a rare class is not paid for by a frequent one. Several pictures of one
lesion are no independent cases: each lesion weighs one, its pictures share it, and a further lesion may fall anywhere (Lee, Barber and
Willett, Distribution-free inference with hierarchical data, arXiv:2306.06342); where each has one picture this is Vovk's quantile.

The promise, over draws of calibration and of a new picture of a new lesion of class c: P(c in the set) >= level.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

import numpy as np

from calibration.confidence.cases import F64, I64

__all__ = ["MOST_ASKED", "SMALLEST_CLASS", "ClassThreshold", "Fallback", "Source", "behind_of", "smallest_kept", "thresholds"]

SMALLEST_CLASS = 19  # below, a 90 % quantile is one of the two lowest cases, and of 95 % there is none
MOST_ASKED = 0.5  # a class that has the majority is always in the set: of a model that is nearly always right, a quantile is near 1
PLACES = 1e6


class Fallback(StrEnum):
    """What a class gets that is too small for a threshold of its own."""

    POOLED = "pooled"  # one threshold from the cases of all such classes
    ALWAYS = "always"  # in every set


class Source(StrEnum):
    """Where a threshold comes from, for people."""

    OWN = "its own cases"
    POOLED = "the pooled cases of small classes"
    ALWAYS = "too few cases: always in the set"


@dataclass(frozen=True, slots=True)
class ClassThreshold:
    """at_least: the probability from which the class is in the set. n_groups: of the class. rank: of `of`: the threshold is the
    rank-th smallest case from below (0: always in the set). of: cases behind it, more than n_groups where pooled.
    """

    at_least: float
    source: Source
    n_groups: int
    rank: int
    of: int


def smallest_kept(probabilities: F64, groups: I64, level: float) -> tuple[float, int]:
    """The largest threshold that keeps a new case with probability >= level, and its rank; (0.0, 0) where there are too few cases.

    probabilities (n,) of the true class, groups (n,) whose case each is. Every group weighs 1 / (g + 1), shared by its pictures; the
    remaining 1 / (g + 1) is the new one's, which may lie below all.
    """
    _, index = np.unique(groups, return_inverse=True)
    g = int(index.max()) + 1 if len(index) else 0
    weight = 1.0 / np.bincount(index)[index] if g else np.zeros(0)
    order = np.argsort(-probabilities, kind="stable")
    needed = (g + 1) * level - 1e-9  # of the groups' weight, from the top
    if needed > g or g == 0:
        return 0.0, 0
    at = int(np.searchsorted(np.cumsum(weight[order]), needed - 1e-9))
    return float(probabilities[order[min(at, len(order) - 1)]]), g + 1 - ceil(needed)


def behind_of(at_least: Sequence[float], counts: Sequence[int], level: float) -> tuple[ClassThreshold, ...]:
    """The calibration behind shipped thresholds (k,), told from how many lesions or patients of each class it had."""
    small = sum(n for n in counts if n < SMALLEST_CLASS)
    found = []
    for at, n in zip(at_least, counts, strict=True):
        of = n if n >= SMALLEST_CLASS else small
        rank = of + 1 - ceil((of + 1) * level - 1e-9) if at > 0 else 0
        source = (Source.OWN if n >= SMALLEST_CLASS else Source.POOLED) if rank > 0 else Source.ALWAYS
        found.append(ClassThreshold(at, source, n, max(0, rank), of))
    return tuple(found)


def thresholds(
    probabilities: F64, labels: I64, groups: I64, level: float, fallback: Fallback = Fallback.POOLED
) -> tuple[ClassThreshold, ...]:
    """One for each class, from (n, k), (n,), (n,) of the conformal half, which no number behind the probabilities was fitted on.

    Rounded down and never above MOST_ASKED, which can only raise the coverage.
    """
    k = probabilities.shape[1]
    own = probabilities[np.arange(len(labels)), labels]
    counts = [len(np.unique(groups[labels == c])) for c in range(k)]
    small = [c for c in range(k) if counts[c] < SMALLEST_CLASS]
    pooled = np.isin(labels, small)
    unit = labels * (int(groups.max()) + 1 if len(groups) else 1) + groups  # a patient with lesions of two classes is a case of each
    found = []
    for c in range(k):
        if c not in small:
            chosen, source = labels == c, Source.OWN
        elif fallback is Fallback.POOLED:
            chosen, source = pooled, Source.POOLED
        else:
            chosen, source = np.zeros(len(labels), np.bool_), Source.ALWAYS
        at, rank = smallest_kept(own[chosen], unit[chosen], level)
        at = float(np.floor(min(MOST_ASKED, at) * PLACES) / PLACES)
        found.append(ClassThreshold(at, source if rank else Source.ALWAYS, counts[c], rank, len(np.unique(unit[chosen]))))
    return tuple(found)
