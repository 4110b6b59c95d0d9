"""From single times to what is reported: quantiles, how much they wandered, and the histogram. Never a mean. Pure."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from edge.bench.result import Stage

__all__ = ["BLOCKS", "stage_of"]

BLOCKS: Final = 10
BINS_PER_OCTAVE: Final = 4


def stage_of(name: str, times_ns: Sequence[int]) -> Stage:
    """times_ns: one per frame, in order; at least one."""
    times_ms = np.asarray(times_ns, np.float64) / 1e6
    p50, p95, p99, p999 = (round(float(q), 4) for q in np.percentile(times_ms, [50, 95, 99, 99.9]))
    blocks = [block for block in np.array_split(times_ms, BLOCKS) if block.size]
    medians = tuple(round(float(np.median(block)), 4) for block in blocks)
    return Stage(
        name=name,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        p999_ms=p999,
        max_ms=round(float(times_ms.max()), 4),
        blocks_p50_ms=medians,
        histogram=_histogram([float(t) for t in times_ms]),
    )


def _histogram(times_ms: Sequence[float]) -> tuple[tuple[float, int], ...]:
    """Counts in bins a quarter of an octave wide; empty ones are left out."""
    counts: dict[int, int] = {}
    for time_ms in times_ms:
        at = math.ceil(math.log2(max(time_ms, 1e-6)) * BINS_PER_OCTAVE)
        counts[at] = counts.get(at, 0) + 1
    return tuple((round(2 ** (at / BINS_PER_OCTAVE), 4), n) for at, n in sorted(counts.items()))
