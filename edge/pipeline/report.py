"""A run's summary in words, one line each."""

from __future__ import annotations

from edge.pipeline.outlet import OutletState
from edge.pipeline.tally import Summary

__all__ = ["summary_lines"]


def summary_lines(summary: Summary) -> list[str]:
    """What a person should know of a run that is over. One clock: each time counts from the start of the command, or is a span."""
    rows = [
        ("ran", f"{summary.duration_s:.1f} s from the start of the command, then {summary.ended.value}"),
        ("first label", "none" if summary.first_label_s is None else f"after {summary.first_label_s:.2f} s, from the same start"),
        ("screen", _screen(summary)),
        ("pictures", _pictures(summary)),
        ("each label", _labels(summary)),
        ("each picture", _model(summary)),
    ]
    if summary.scenes.scenes > 1:
        rows.append(("scenes", _scenes(summary)))
    if summary.losses:
        rows.append(("source", f"lost {_times(summary.losses)}"))
    for sink in summary.sinks:
        if sink.slow or sink.state in (OutletState.DEAD, OutletState.SLOW):
            cause = f" ({sink.error})" if sink.error else ""
            rows.append((f"sink {sink.name}", f"{sink.state.value}, {sink.slow} views took more than 0.5 s{cause}"))
    width = max(len(name) for name, _ in rows)
    return [f"{name.ljust(width)}  {text}" for name, text in rows]


def _screen(summary: Summary) -> str:
    shares = ", ".join(f"{state.value} {share:.0%}" for state, share in summary.states if share >= 0.005)
    return f"{shares} of the time since the first picture" if shares else "no picture was looked at"


def _pictures(summary: Summary) -> str:
    """The ledger in words: captured = inferred + dropped by cause + pending."""
    counts = summary.counts
    dropped = ", ".join(f"{cause} {n}" for cause, n in counts.dropped)
    parts = [f"{counts.inferred} inferred", f"dropped: {dropped or 'none'}", *([f"{counts.pending} pending"] if counts.pending else [])]
    return f"{counts.captured} captured, {', '.join(parts)}"


def _labels(summary: Summary) -> str:
    if summary.age_p50_ms is None:
        return f"none was shown; stale labels shown: {summary.stale_labels}"
    return f"was {_typically(summary.age_p50_ms, summary.age_p99_ms)} old when shown; stale labels shown: {summary.stale_labels}"


def _scenes(summary: Summary) -> str:
    scenes = summary.scenes
    wait = "" if scenes.median_s is None else f", {scenes.median_s:.2f} s (median) after the scene began"
    changed = f"{_times(scenes.flips)} ({scenes.flips_per_minute:.1f} a minute)" if scenes.flips else "never"
    return f"{scenes.labelled} of {scenes.scenes} got a label{wait}; within a scene it changed {changed}"


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"


def _model(summary: Summary) -> str:
    return "the model never ran" if summary.infer_p50_ms is None else f"model took {_typically(summary.infer_p50_ms, summary.infer_p99_ms)}"


def _typically(p50_ms: float, p99_ms: float | None) -> str:
    """`9.5 ms (p99 104.0 ms)`: the median, and what one in a hundred exceeds."""
    return f"{p50_ms:.1f} ms" + ("" if p99_ms is None else f" (p99 {p99_ms:.1f} ms)")
