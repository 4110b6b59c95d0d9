"""The summary of `sonoderm run --json`: what a script reads at the end of a run."""

import msgspec

from edge.pipeline.tally import Summary

__all__ = ["PlainSummary", "plain_summary"]


class PlainSink(msgspec.Struct, frozen=True, kw_only=True):
    """One sink: views shown, replaced by newer ones before it was free, slower than 0.5 s, past their age limit (must be 0)."""

    name: str
    state: str
    shown: int
    skipped: int
    slow: int
    stale: int
    error: str | None


class PlainSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The summary as printed, version 1. Keys keep their name and meaning within a version.

    duration_s, first_label_s: from the start of the command. first_label_median_s: from a scene's first picture.
    states: share of the time since the first picture. captured == inferred + pending + sum(dropped).
    """

    v: int = 1
    ended: str
    duration_s: float
    first_label_s: float | None
    age_p50_ms: float | None
    age_p99_ms: float | None
    infer_p50_ms: float | None
    infer_p99_ms: float | None
    stale_labels: int
    losses: int
    states: dict[str, float]
    scenes: int
    scenes_labelled: int
    first_label_median_s: float | None
    flips: int
    flips_per_minute: float
    captured: int
    inferred: int
    pending: int
    dropped: dict[str, int]
    sinks: list[PlainSink]


def plain_summary(summary: Summary) -> PlainSummary:
    scenes, counts = summary.scenes, summary.counts
    return PlainSummary(
        ended=summary.ended.value,
        duration_s=summary.duration_s,
        first_label_s=summary.first_label_s,
        age_p50_ms=summary.age_p50_ms,
        age_p99_ms=summary.age_p99_ms,
        infer_p50_ms=summary.infer_p50_ms,
        infer_p99_ms=summary.infer_p99_ms,
        stale_labels=summary.stale_labels,
        losses=summary.losses,
        states={state.value: share for state, share in summary.states},
        scenes=scenes.scenes,
        scenes_labelled=scenes.labelled,
        first_label_median_s=scenes.median_s,
        flips=scenes.flips,
        flips_per_minute=scenes.flips_per_minute,
        captured=counts.captured,
        inferred=counts.inferred,
        pending=counts.pending,
        dropped=dict(counts.dropped),
        sinks=[
            PlainSink(
                name=sink.name,
                state=sink.state.value,
                shown=sink.shown,
                skipped=sink.skipped,
                slow=sink.slow,
                stale=sink.stale,
                error=sink.error,
            )
            for sink in summary.sinks
        ],
    )
