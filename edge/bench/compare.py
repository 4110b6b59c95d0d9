"""This result against an older one: a ratio for each stage, and a verdict only where the difference is larger than the noise. Pure."""

import math
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal

from edge.bench.result import BenchResult, Run, Stage

__all__ = ["Comparison", "StageChange", "compare"]

LEAST_CHANGE: Final = math.log(1.05)  # a smaller one is the weather of a machine that nobody reset in between
SIGMAS: Final = 3.0
MAD_TO_SIGMA: Final = 1.4826
MUST_BE_EQUAL: Final = ("model", "engine", "form", "threads", "picture")
CONDITIONS_EQUAL: Final = ("cpu", "board", "cores", "power_mode", "governors")

Verdict = Literal["faster", "slower", "no difference"]


@dataclass(frozen=True, slots=True)
class StageChange:
    """ratio: p50 now over p50 then. noise: the largest ratio that is no news, e.g. 1.08. verdict: None where not comparable."""

    mode: str
    stage: str
    old_p50_ms: float
    new_p50_ms: float
    ratio: float
    noise: float
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """differences: what makes the two not comparable, in words; with any there is no verdict."""

    changes: tuple[StageChange, ...]
    differences: tuple[str, ...]

    @property
    def is_slower(self) -> bool:
        return any(change.verdict == "slower" for change in self.changes)


def compare(old: BenchResult, new: BenchResult) -> Comparison:
    """Runs of the same mode are compared, stage by stage."""
    differences = _differences(old, new, MUST_BE_EQUAL) + _differences(old.conditions, new.conditions, CONDITIONS_EQUAL)
    then = {(run.mode, run.fps): run for run in old.runs}
    changes = [
        change
        for run in new.runs
        if (earlier := then.get((run.mode, run.fps))) is not None
        for change in _changes(earlier, run, is_comparable=not differences)
    ]
    return Comparison(tuple(changes), tuple(differences))


def _differences(old: object, new: object, names: tuple[str, ...]) -> list[str]:
    pairs = ((name, getattr(old, name), getattr(new, name)) for name in names)
    return [f"{name}: {was} then, {now} now" for name, was, now in pairs if was != now]


def _changes(old: Run, new: Run, *, is_comparable: bool) -> list[StageChange]:
    stages = {stage.name: stage for stage in old.stages}
    return [_change(new.mode, stages[s.name], s, is_comparable=is_comparable) for s in new.stages if s.name in stages]


def _change(mode: str, old: Stage, new: Stage, *, is_comparable: bool) -> StageChange:
    noise = max(LEAST_CHANGE, SIGMAS * math.hypot(_sigma(old), _sigma(new)))
    ratio = new.p50_ms / old.p50_ms if old.p50_ms > 0 else 1.0
    moved = math.log(ratio) if ratio > 0 else 0.0
    verdict: Verdict = "no difference" if abs(moved) <= noise else ("slower" if moved > 0 else "faster")
    return StageChange(mode, new.name, old.p50_ms, new.p50_ms, ratio, math.exp(noise), verdict if is_comparable else None)


def _sigma(stage: Stage) -> float:
    """Spread of the logarithm of the block medians, robust: one disturbed block of ten does not count."""
    logs = [math.log(value) for value in stage.blocks_p50_ms if value > 0]
    if len(logs) < 2:
        return 0.0
    middle = median(logs)
    return MAD_TO_SIGMA * median([abs(value - middle) for value in logs])
