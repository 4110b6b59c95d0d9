"""A run's summary in words, one line each."""

from __future__ import annotations

from edge.pipeline.outlet import OutletState
from edge.pipeline.tally import Summary

__all__ = ["summary_lines"]


def summary_lines(summary: Summary) -> list[str]:
    """What a person should know of a run that is over; figures name their unit."""
    counts, scenes = summary.counts, summary.scenes
    dropped = ", ".join(f"{cause} {n}" for cause, n in counts.dropped) or "none"
    states = ", ".join(f"{state.value} {share:.0%}" for state, share in summary.states if share >= 0.005) or "none"
    lines = [
        f"{summary.duration_s:.1f} s, {summary.ended.value}; first label after {_number(summary.first_label_s, 's', 2)}",
        f"frames: {counts.captured} captured = {counts.inferred} inferred + dropped ({dropped})"
        + (f" + {counts.pending} pending" if counts.pending else ""),
        f"label age when shown: p50 {_number(summary.age_p50_ms, 'ms')}, p99 {_number(summary.age_p99_ms, 'ms')}; "
        f"inference p50 {_number(summary.infer_p50_ms, 'ms')}, p99 {_number(summary.infer_p99_ms, 'ms')}",
        f"stale labels shown: {summary.stale_labels}; source lost: {summary.losses}",
        f"states: {states}",
        f"scenes: {scenes.labelled} of {scenes.scenes} labelled, median {_number(scenes.median_s, 's', 2)} to the first label, "
        f"{scenes.flips_per_minute:.1f} flips a minute",
    ]
    for sink in summary.sinks:
        if sink.slow or sink.state in (OutletState.DEAD, OutletState.SLOW):
            cause = f" ({sink.error})" if sink.error else ""
            lines.append(f"sink {sink.name}: {sink.state.value}, {sink.slow} views took more than 0.5 s{cause}")
    return lines


def _number(value: float | None, unit: str, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f} {unit}"
