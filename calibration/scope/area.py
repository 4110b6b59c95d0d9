"""Area under the ROC curve: how often a picture from outside scores higher than one of the model's own. Interval by group. Pure."""

import numpy as np

from calibration.confidence.cases import F64, I64
from edge.bench.accuracy_interval import Interval

__all__ = ["FEWEST_FOR_INTERVAL", "auroc"]

FEWEST_FOR_INTERVAL = 50  # pictures from outside; below, "k of n refused" says what can be said
FEWEST_GROUPS = 3  # one clip of many frames is one case: redrawn, it can only be itself


def _by_group(own: F64, own_groups: I64, outside: F64, outside_groups: I64) -> F64:
    """(G_out, G_own) float64: pairs that are in the right order, ties a half, summed over the pictures of two groups."""
    right = (outside[:, None] > own).astype(np.float64) + 0.5 * (outside[:, None] == own)
    rows = np.zeros((int(outside_groups.max()) + 1, len(own)))
    np.add.at(rows, outside_groups, right)
    columns = np.zeros((int(own_groups.max()) + 1, len(rows)))
    np.add.at(columns, own_groups, rows.T)
    return columns.T


def auroc(own: F64, own_groups: I64, outside: F64, outside_groups: I64, *, draws: int, seed: int) -> tuple[float, Interval | None]:
    """The area, and its 95 % interval from groups drawn anew on both sides; None where too few pictures or groups stand behind it.

    own (n,), outside (m,): scores, n and m >= 1. *_groups: 0 … G - 1, each occurring. An area of exactly 1 or 0 has no interval: what
    was drawn from pictures that never disagree does not show what is unknown.
    """
    right = _by_group(own, own_groups, outside, outside_groups)
    area = float(right.sum() / (len(own) * len(outside)))
    few = len(outside) < FEWEST_FOR_INTERVAL or min(right.shape) < FEWEST_GROUPS
    if few or area in {0.0, 1.0}:
        return area, None
    rng = np.random.default_rng(seed)
    n_out, n_own = right.shape
    drawn_out = rng.multinomial(n_out, np.full(n_out, 1 / n_out), draws).astype(np.float64)
    drawn_own = rng.multinomial(n_own, np.full(n_own, 1 / n_own), draws).astype(np.float64)
    pairs = (drawn_out @ np.bincount(outside_groups)) * (drawn_own @ np.bincount(own_groups))
    areas = ((drawn_out @ right) * drawn_own).sum(1) / pairs
    low, high = np.quantile(areas, (0.025, 0.975))
    return area, (float(low), float(high))
