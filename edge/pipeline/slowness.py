"""Is this machine fast enough for labels that are in time? Pure; a table would hide the one formula.

Too slow: frame period + 2 x p95 of inference > age limit (a frame may just have missed its turn, then waits for one inference and
takes one); or an inference that ended, or hangs, past the age limit. Fast enough again after CALM looks in time with the
estimate clearly below the limit, so that the screen does not flicker.
"""

from __future__ import annotations

__all__ = ["Slowness"]

ENOUGH_LOOKS = 10
CALM_LOOKS = 5
CLEARLY_BELOW = 0.9
NS_PER_MS = 1_000_000


class Slowness:
    def __init__(self, age_limit_ns: int) -> None:
        self._limit_ns = age_limit_ns
        self._calm = 0
        self.is_slow = False

    def looked(self, age_ns: int, period_ns: float | None, p95_ms: float | None, looks: int) -> None:
        """After each inference: age of its frame at the end, and what was measured over the last looks."""
        worst_ns = 0.0 if p95_ms is None or looks < ENOUGH_LOOKS else (period_ns or 0.0) + 2 * p95_ms * NS_PER_MS
        if age_ns > self._limit_ns or worst_ns > self._limit_ns:
            self.hangs()
        elif worst_ns <= CLEARLY_BELOW * self._limit_ns:
            self._calm += 1
            if self._calm >= CALM_LOOKS:
                self.is_slow = False

    def hangs(self) -> None:
        """An inference is past the age limit."""
        self.is_slow, self._calm = True, 0
