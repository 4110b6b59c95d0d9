"""Intervals by the bootstrap over groups: whole lesions or patients are drawn, never single images of one."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from edge.bench.accuracy_metrics import F64

__all__ = ["DRAWS", "SEED", "Estimate", "draws_of", "estimate"]

DRAWS = 2_000
SEED = 20_25
CHUNK_B = 32 * 1024 * 1024  # of weights at a time, so that a large table needs no more memory than a small one

Estimate = tuple[float | None, tuple[float, float] | None]  # the figure and its 95 % interval; None where it has no meaning


def draws_of(group: NDArray[np.int64], draws: int = DRAWS, seed: int = SEED) -> Iterator[F64]:
    """Weights of cases in chunks of (b, n) float64. group: (n,) index of each case's group, 0 … g - 1, each occurring.

    A draw takes g groups with replacement; a case weighs as often as its group was taken. Efron and Tibshirani, 1993, chapter 8.
    """
    if group.size == 0:
        return
    g = int(group.max()) + 1
    random = np.random.default_rng(seed)
    step = max(1, CHUNK_B // (8 * max(g, group.size)))
    for start in range(0, draws, step):
        b = min(step, draws - start)
        taken = random.integers(0, g, size=(b, g)) + np.arange(b)[:, None] * g
        counts = np.bincount(taken.ravel(), minlength=b * g).reshape(b, g)
        yield counts[:, group].astype(np.float64)


def estimate(figure: Callable[[F64], F64], n: int, group: NDArray[np.int64], draws: int = DRAWS) -> list[Estimate]:
    """A figure, (b, n) weights -> (b,) or (b, k), as its point estimate with a percentile interval: one entry, or one for each of k."""
    if n == 0:
        return []
    point = np.atleast_2d(figure(np.ones((1, n))).reshape(1, -1))[0]
    drawn = np.concatenate([figure(weights).reshape(len(weights), -1) for weights in draws_of(group, draws)])
    out: list[Estimate] = []
    for value, column in zip(point, drawn.T, strict=True):
        known = column[~np.isnan(column)]
        if np.isnan(value):
            out.append((None, None))
        elif known.size == 0:
            out.append((float(value), None))
        else:
            low, high = np.percentile(known, [2.5, 97.5])
            out.append((float(value), (float(low), float(high))))
    return out
