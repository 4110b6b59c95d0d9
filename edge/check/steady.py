"""Was this machine quiet enough for the fastest to be found? Pure: from the load before, and from how far repeated timings spread."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Candidate", "best", "doubt", "timed"]

WORTH = 0.85  # another thread costs power and the page's share of a core: it must save 15 %
BUSY_LOAD = 0.5  # of its cores, over the last minute: past it the choice may be that of another program's pauses
UNSTEADY = 1.5  # ninth decile over first of one combination's timings; 1.04 to 1.3 on a quiet machine, 2 and more beside another program


@dataclass(frozen=True, slots=True)
class Candidate:
    """One combination and what it measured, inference alone; `fault` where it could not be measured. p10_ms: its fast decile."""

    engine: str
    form: str
    threads: int
    p50_ms: float | None = None
    p95_ms: float | None = None
    fault: str | None = None
    p10_ms: float | None = None
    spread: float | None = None  # ninth decile over first


def timed(engine: str, form: str, threads: int, took_ns: list[int]) -> Candidate:
    """took_ns: one measured run each, at least one."""
    p10, p50, p90, p95 = (float(v) for v in np.percentile(np.asarray(took_ns, np.float64) / 1e6, [10, 50, 90, 95]))
    return Candidate(engine, form, threads, p50, p95, None, p10, p90 / p10 if p10 > 0 else None)


def best(candidates: tuple[Candidate, ...]) -> Candidate | None:
    """The lowest median; more threads only where they save 15 %. None where nothing could be measured."""
    measured = [c for c in candidates if c.p50_ms is not None]
    chosen: Candidate | None = None
    for threads in sorted({c.threads for c in measured}):
        fastest = min((c for c in measured if c.threads == threads), key=lambda c: c.p50_ms or 0.0)
        if chosen is None or (fastest.p50_ms or 0.0) < WORTH * (chosen.p50_ms or 0.0):
            chosen = fastest
    return chosen


def doubt(candidates: tuple[Candidate, ...], chosen: Candidate, load: float, cores: int) -> str | None:
    """Why the choice is not to be believed, or None. load: running programs, mean of the last minute, before we began.

    An unsteady rival counts only where its own fast runs would have won: what cannot win cannot be wronged.
    """
    if load > BUSY_LOAD * cores:
        return f"this machine is busy (load {load:.1f} on {cores} core{'s' if cores > 1 else ''})"
    for one in candidates:
        could_win = one is chosen or (one.p10_ms or np.inf) < WORTH * (chosen.p10_ms or np.inf)
        if could_win and one.spread is not None and one.spread > UNSTEADY:
            slow = f"{one.form} on {one.engine}, {one.threads} thread{'s' if one.threads > 1 else ''}"
            return f"this machine is not steady (repeated runs of {slow}, differ by a factor of {one.spread:.1f})"
    return None
