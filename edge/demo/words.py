"""The end of the demo in words: what was promised, what was measured, what to try next."""

from collections.abc import Sequence

from edge.demo.faults import Fault
from edge.demo.script import trial_line
from edge.demo.trial import Trial
from edge.pipeline.tally import Summary

__all__ = ["closing_lines", "is_passed"]

NEXT = (
    "sonoderm classify docs/examples/*.webp --model breast-us",
    "sonoderm run 'dir:docs/examples?motion=tremor' --model breast-us --sink web:",
    "sonoderm run camera:0 --model derm7 --sink web:",
)


def is_passed(summaries: Sequence[Summary], trials: Sequence[Trial], untried: Sequence[Fault]) -> bool:
    """True when each fault was tried and answered in time, a label was seen, and no stale one."""
    return (
        not untried
        and bool(summaries)
        and all(trial.is_ok for trial in trials)
        and all(summary.stale_labels == 0 for summary in summaries)
        and summaries[0].first_label_s is not None
    )


def closing_lines(
    summaries: Sequence[Summary], trials: Sequence[Trial], untried: Sequence[Fault] = (), *, repeat_trials: bool
) -> list[str]:
    """Several runs (the page changes model and source) count together; ages are those of the worst run."""
    first = next((s.first_label_s for s in summaries if s.first_label_s is not None), None)
    ages = [s.age_p99_ms for s in summaries if s.age_p99_ms is not None]
    dropped: dict[str, int] = {}
    for summary in summaries:
        for cause, n in summary.counts.dropped:
            dropped[cause] = dropped.get(cause, 0) + n
    captured, inferred = sum(s.counts.captured for s in summaries), sum(s.counts.inferred for s in summaries)
    causes = ", ".join(f"{cause} {n}" for cause, n in sorted(dropped.items()) if n) or "none"
    lines = [
        f"time to first label   {'none seen' if first is None else f'{first:.2f} s from the start of the process'}",
        f"label age, p99        {'-' if not ages else f'{max(ages):.0f} ms when the slowest screen had drawn it'}",
        f"frames                {captured} captured, {inferred} inferred, dropped: {causes}",
        f"stale labels shown    {sum(s.stale_labels for s in summaries)}",
    ]
    if trials:
        good = sum(trial.is_ok for trial in trials)
        lines.append(f"faults                {good} of {len(trials)} answered in time, with the label back")
    if repeat_trials:
        lines += [f"  {trial_line(trial)}" for trial in trials]
    if untried:
        why = "no label came" if first is None else "no time left: --seconds more"
        lines.append(f"not tried             {', '.join(fault.kind.value for fault in untried)} ({why})")
    return [*lines, "next:", *(f"  {command}" for command in NEXT)]
