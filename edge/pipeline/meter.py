"""Rates and quantiles of a run, in bounded memory. Pure: times are arguments."""

from __future__ import annotations

from collections import deque

import numpy as np

__all__ = ["AgeHistogram", "Durations", "Pace"]

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


class Pace:
    """How fast frames come, from their capture times. Forgets at each new opening."""

    def __init__(self, nominal_fps: float | None = None, kept: int = 31) -> None:
        self._nominal_ns = NS_PER_S / nominal_fps if nominal_fps else None
        self._times: deque[int] = deque(maxlen=kept)

    def feed(self, captured_ns: int) -> None:
        if not self._times or captured_ns > self._times[-1]:
            self._times.append(captured_ns)

    def period_ns(self) -> float | None:
        """Median interval of the last eight frames; the nominal one until two intervals are known, None without.

        What is measured counts, not what is said: stills of one a second are delivered ten times as often.
        """
        intervals = np.diff(np.array(list(self._times)[-9:], np.int64))
        return float(np.median(intervals)) if intervals.size >= 2 else self._nominal_ns

    def fps(self, now_ns: int) -> float | None:
        """Frames a second over the kept ones that are not older than two seconds."""
        recent = [t for t in self._times if now_ns - t < 2 * NS_PER_S]
        if len(recent) < 2:
            return None
        return (len(recent) - 1) * NS_PER_S / (recent[-1] - recent[0])


class Durations:
    """The last `kept` durations of one stage; the first `warm_up` of a run are not counted."""

    def __init__(self, *, warm_up: int = 3, kept: int = 120) -> None:
        self._left = warm_up
        self._kept: deque[int] = deque(maxlen=kept)

    def feed(self, duration_ns: int) -> None:
        if self._left > 0:
            self._left -= 1
        else:
            self._kept.append(duration_ns)

    def __len__(self) -> int:
        return len(self._kept)

    def quantile_ms(self, q: float) -> float | None:
        return float(np.quantile(np.array(self._kept, np.int64), q)) / NS_PER_MS if self._kept else None


class AgeHistogram:
    """Counts of ages, one bin a quarter of a millisecond, up to two seconds; older ones fall into the last bin."""

    BIN_NS = NS_PER_MS // 4
    BINS = 8000

    def __init__(self) -> None:
        self._bins = np.zeros(self.BINS + 1, np.int64)

    def feed(self, age_ns: int) -> None:
        self._bins[min(max(age_ns, 0) // self.BIN_NS, self.BINS)] += 1

    def add(self, other: AgeHistogram) -> None:
        self._bins += other._bins

    @property
    def n(self) -> int:
        return int(self._bins.sum())

    def quantile_ms(self, q: float) -> float | None:
        """Upper edge of the bin that holds the q-th part; None without any."""
        if self.n == 0:
            return None
        at = int(np.searchsorted(np.cumsum(self._bins), q * self.n, side="left"))
        return (at + 1) * self.BIN_NS / NS_PER_MS
