"""`sonoderm calibrate latency`: how long from a change before the glass to the label that speaks of it, on this device."""

from collections.abc import Callable
from typing import Annotated

import msgspec
import numpy as np
import typer

from calibration.latency.delay import Delays, measure
from calibration.latency.record import Plan, record
from calibration.latency.target import open_target
from edge.cli.listing import print_pairs
from edge.cli.output import print_json, say
from edge.cli.trust_option import TrustOption
from edge.errors import UsageError
from edge.model import Model, OpenOptions, open_model
from edge.reading import Reason

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class LatencyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints, ms. label: from the change to its view at a sink. stamp: to the capture time that the picture carries."""

    v: int = 1
    source: str
    target: str
    model: str
    n: int
    missed: int
    frame_ms: float
    label_median_ms: float
    label_p95_ms: float
    label_worst_ms: float
    stamp_median_ms: float | None
    step_levels: float


@app.command()
def latency(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The camera, as it will be run: camera:0?size=1280x720&fps=30")],
    model: Annotated[str, typer.Option("--model", help="Shipped name, or path of a bundle.")],
    target: Annotated[str, typer.Option(help="serial:PORT (an LED that takes the bytes 1 and 0), or window: (this screen).")] = "window:",
    toggles: Annotated[int, typer.Option(min=6, max=500, help="How often the target changes.")] = 30,
    hold_ms: Annotated[float, typer.Option("--hold-ms", min=200, max=10_000, help="Shortest time between two changes.")] = 600,
    trust: TrustOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON object.")] = False,
) -> None:
    """Glass to label, measured with a blinking target before the camera.

    Half a frame of waiting for the next exposure is part of every delay. What a screen adds behind the sink is not.
    """
    if source.startswith(("file:", "dir:", "dicom:")):
        raise UsageError(f"{source} was recorded before: no target can blink in it", do="name the camera: camera:0")

    def opened(step: Callable[[Reason], None]) -> Model:
        return open_model(model, trust, options=OpenOptions(on_step=step, say=say))

    with open_target(target) as blinker:
        made = record(source, opened, blinker, Plan(toggles, (hold_ms, hold_ms * 1.8)), say)
        facts = _facts(measure(made.toggles, made.shown), source, blinker.name, model)
    if as_json:
        print_json(facts)
        return
    stamp = f"{facts.stamp_median_ms:.0f} ms, median" if facts.stamp_median_ms is not None else "not known"
    print_pairs(
        [
            (
                "glass to label",
                f"{facts.label_median_ms:.0f} ms median, {facts.label_p95_ms:.0f} ms p95, {facts.label_worst_ms:.0f} ms worst",
            ),
            ("of it until the capture stamp", stamp),
            ("measured on", f"{facts.n} changes of {facts.target}, {facts.missed} missed, {facts.frame_ms:.1f} ms from frame to frame"),
            ("not in it", "what a screen adds behind the sink"),
        ]
    )


def _facts(delays: Delays, source: str, target: str, model: str) -> LatencyFacts:
    label = np.array(delays.label_ms)
    return LatencyFacts(
        source=source,
        target=target,
        model=model,
        n=len(label),
        missed=delays.missed,
        frame_ms=delays.frame_ms,
        label_median_ms=float(np.median(label)),
        label_p95_ms=float(np.percentile(label, 95)),
        label_worst_ms=float(label.max()),
        stamp_median_ms=float(np.median(delays.stamp_ms)) if delays.stamp_ms else None,
        step_levels=delays.step,
    )
