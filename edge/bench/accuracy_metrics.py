"""Figures of a classifier under weights: one function gives the point estimate (all weights one) and each bootstrap draw.

Every function takes `weights`, (b, n) float64: b draws of n cases, and returns (b,) or (b, k) float64; nan where a figure has
no meaning in a draw (no case of a class). Columns of (n, k) arrays follow the model's labels.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["ECE_BINS", "F64", "Bool", "accuracy", "auc", "balanced", "ece", "recalls", "sensitivity_at_specificity", "share"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Figure = Callable[[F64], F64]

ECE_BINS = 15


def _ratio(above: F64, below: F64) -> F64:
    out: F64 = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    return np.divide(above, below, out=out, where=below > 0)


def share(hit: Bool, weights: F64) -> F64:
    """Weighted share of the cases for which `hit` (n,) holds."""
    return _ratio(weights @ hit.astype(np.float64), weights.sum(axis=1))


def accuracy(truth: I64, said: I64, weights: F64) -> F64:
    """Share of cases whose label was said. truth, said: (n,) indices of labels; -1 in `said` counts as wrong."""
    return share(truth == said, weights)


def recalls(truth: I64, said: I64, k: int, weights: F64) -> F64:
    """Recall of each of k classes, (b, k)."""
    is_class = truth[:, None] == np.arange(k)
    return _ratio(weights @ (is_class & (said == truth)[:, None]).astype(np.float64), weights @ is_class.astype(np.float64))


def balanced(by_class: F64) -> F64:
    """Mean over the classes that occur: (b, k) -> (b,). Of recalls it is the balanced accuracy."""
    there = ~np.isnan(by_class)
    return _ratio(np.where(there, by_class, 0.0).sum(axis=1), there.sum(axis=1).astype(np.float64))


def auc(positive: Bool, score: F64, weights: F64) -> F64:
    """Area under the ROC curve: P(score of a positive > score of a negative) + half of the ties. Hanley and McNeil, Radiology 1982."""
    above, below = _by_score(positive, score, weights)
    before = np.cumsum(below, axis=1) - below
    return _ratio((above * (before + 0.5 * below)).sum(axis=1), above.sum(axis=1) * below.sum(axis=1))


def sensitivity_at_specificity(positive: Bool, score: F64, specificity: float, weights: F64) -> F64:
    """Largest sensitivity of a threshold (score >= t) whose specificity is at least the given one; no interpolation between thresholds."""
    above, below = (side[:, ::-1] for side in _by_score(positive, score, weights))  # falling score: each column is a threshold
    n_above, n_below = above.sum(axis=1, keepdims=True), below.sum(axis=1, keepdims=True)
    allowed = np.cumsum(below, axis=1) <= (1.0 - specificity) * n_below + 1e-9 * n_below
    reached = np.max(np.where(allowed, np.cumsum(above, axis=1), 0.0), axis=1, initial=0.0)
    return np.where(n_below[:, 0] > 0, _ratio(reached, n_above[:, 0]), np.nan)


def _by_score(positive: Bool, score: F64, weights: F64) -> tuple[F64, F64]:
    """Weight of positives and of negatives at each distinct score, rising: two (b, u) arrays."""
    if score.size == 0:
        empty = np.zeros((weights.shape[0], 0))
        return empty, empty
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    sorted_weights = weights[:, order]
    is_positive = positive[order]
    above = np.add.reduceat(sorted_weights * is_positive, starts, axis=1)
    below = np.add.reduceat(sorted_weights * ~is_positive, starts, axis=1)
    return above, below


def ece(right: Bool, confidence: F64, weights: F64) -> F64:
    """Expected calibration error over 15 bins of equal width (lo, hi]. Guo et al., ICML 2017, equation 3."""
    index = np.clip(np.ceil(confidence * ECE_BINS).astype(np.int64) - 1, 0, ECE_BINS - 1)
    in_bin = index[:, None] == np.arange(ECE_BINS)
    gap = weights @ (in_bin * (right.astype(np.float64) - confidence)[:, None])
    return _ratio(np.abs(gap).sum(axis=1), weights.sum(axis=1))
