"""A live run of a source that is named by its URI: the capture process of `edge.sources`, and its liveness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edge.pipeline.keeper import ModelKeeper
from edge.pipeline.live import LiveRun, Surround
from edge.pipeline.options import LiveOptions, OpenModel
from edge.pipeline.receive import LiveSource
from edge.pipeline.tally import Summary
from edge.reading import Sink

__all__ = ["live_run", "run_live"]

PLAYED = frozenset({"file", "dir", "dicom"})  # schemes whose first picture must not be missed


def live_run(
    uri: str, open_model: OpenModel, options: LiveOptions, around: Surround | None = None, keeper: ModelKeeper | None = None
) -> LiveRun:
    """Ready to `run(sinks)`; `command` and `stop` work from any thread. keeper: of the model, where it may change during the run.

    Raises UsageError and InputRefused for what was typed wrong.
    """
    from edge.sources.live import LiveSource as ReconnectingSource
    from edge.sources.liveness import Liveness
    from edge.sources.uri import parse_uri

    parsed = parse_uri(uri)
    source: LiveSource = ReconnectingSource(parsed)
    options = replace(options, wait_for_model=parsed.scheme in PLAYED)

    def make_liveness(fps: float | None) -> Liveness:
        return Liveness(fps, options.age_limit_ns)

    return LiveRun(source, make_liveness, open_model, uri=uri, options=options, around=around, keeper=keeper)


def run_live(uri: str, open_model: OpenModel, sinks: Sequence[Sink], options: LiveOptions, around: Surround | None = None) -> Summary:
    """As `live_run(...).run(sinks)`."""
    return live_run(uri, open_model, options, around).run(sinks)
