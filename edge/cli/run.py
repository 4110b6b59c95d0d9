"""`sonoderm run SOURCE`: labels live, or why there is none, until the source ends or a person stops it."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from edge.bundle.open import SLOT, VerifiedBundle
from edge.bundle.trust import load_trust
from edge.cli.engine_options import EngineOption, FormOption, ModelOption, ThreadsOption
from edge.cli.output import print_json, say
from edge.cli.run_summary import plain_summary
from edge.cli.trust_option import TrustOption
from edge.errors import UsageError
from edge.pipeline.events import Stop
from edge.pipeline.keeper import Confirm, ModelKeeper
from edge.pipeline.live import LiveRun, Surround
from edge.pipeline.options import LiveOptions, OpenModel
from edge.pipeline.process_age import process_began_ns
from edge.pipeline.report import summary_lines
from edge.pipeline.start import live_run
from edge.pipeline.tally import Summary
from edge.reading import Reason
from edge.service import Pulse
from edge.sinks.table import Surroundings, open_sink

if TYPE_CHECKING:
    from edge.model import Model  # loads an engine's library: left to the inference thread, while the source opens

__all__ = ["app", "stopped_by_signals"]

app = typer.Typer(rich_markup_mode=None)
EXIT_INTERRUPTED = 130


@app.command()
def run(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="camera:0, file:clip.mp4, dir:FOLDER, dicom:cine.dcm, url:…, phantom:derm, or a path.")
    ],
    *,
    model: ModelOption,
    sink: Annotated[
        list[str] | None, typer.Option("--sink", "-s", help="console:, window:, web:[HOST:]PORT, jsonl:FILE, null:; repeatable.")
    ] = None,
    save: Annotated[Path | None, typer.Option("--save", metavar="DIR", help="Keep each frozen view there: picture and reading.")] = None,
    exit_on_loss: Annotated[bool, typer.Option("--exit-on-loss", help="A lost source ends the run (exit 4), no reconnect.")] = False,
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.1, help="End the run after so long.")] = None,
    age_limit_ms: Annotated[int, typer.Option("--age-limit-ms", min=100, max=2000, help="No label is ever shown past this age.")] = 500,
    engine: EngineOption = None,
    form: FormOption = None,
    threads: ThreadsOption = None,
    profile: Annotated[Path | None, typer.Option("--profile", metavar="FILE", help="What was measured on this device.")] = None,
    optic: Annotated[str, typer.Option("--optic", help="Lens, tube or probe in use, as named in the profile.")] = "",
    trust: TrustOption = None,
    confirm: Annotated[
        Confirm | None, typer.Option("--confirm", help="With slot:DIR, who confirms a trial: auto (10 s of life), manual (a tool).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The summary at the end as JSON on standard output.")] = False,
) -> None:
    """Point a source at a model and show labels live, or why there is none.

    A source that is lost is looked for until it is back. Exit code 4 when it cannot be reached at the start; 0 at the end of a clip, after
    --seconds and after SIGTERM; 130 after Ctrl-C.
    """
    if optic and profile is None:
        raise UsageError("--optic names an optic of a profile, and there is no --profile", do="give --profile FILE, or leave --optic out")

    def open_it(which: str | VerifiedBundle, step: Callable[[Reason], None]) -> "Model":
        from edge.model import OpenOptions
        from edge.model import open_model as open_verified

        options = OpenOptions(profile=profile, optic=optic, on_step=step, say=say)
        return open_verified(which, trust, engine=engine, form=form, threads=threads, options=options)

    keeper = None
    if model.startswith(SLOT):
        from edge.cli.slot_model import slot_keeper

        keeper = slot_keeper(model, load_trust(trust), confirm or Confirm.AUTO, age_limit_ms, open_it)
    elif confirm is not None:
        raise UsageError("--confirm is for a trial, and this model is in no slot", do="give --model slot:DIR, or leave --confirm out")
    limit_ns = age_limit_ms * 1_000_000
    options = LiveOptions(age_limit_ns=limit_ns, exit_on_loss=exit_on_loss, started_ns=process_began_ns(), seconds=seconds)
    sinks = [*(sink or ["console:"]), *([f"save:{save}"] if save else [])]
    summary = _run(source, lambda step: open_it(model, step), options, sinks, keeper)
    if as_json:
        print_json(plain_summary(summary))
    else:
        for line in summary_lines(summary):
            say(line)
    if summary.ended is Stop.INTERRUPTED:
        raise typer.Exit(EXIT_INTERRUPTED)


def _run(source: str, open_model: OpenModel, options: LiveOptions, sinks: list[str], keeper: ModelKeeper | None) -> Summary:
    world = Surround(say=say, alive=Pulse(os.environ).alive)
    live = live_run(source, keeper.open if keeper is not None else open_model, options, world, keeper)

    def request_stop(why: str) -> None:
        say(why)
        live.stop()

    around = Surroundings(say=say, request_stop=request_stop)
    opened = [open_sink(uri, around) for uri in sinks]
    with stopped_by_signals(live):
        return live.run(opened)


@contextmanager
def stopped_by_signals(live: LiveRun) -> Iterator[None]:
    """SIGINT and SIGTERM end the run cleanly; a second SIGINT does not wait for that."""

    def on_interrupt(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        live.stop(Stop.INTERRUPTED)

    def on_terminate(_number: int, _frame: FrameType | None) -> None:
        live.stop(Stop.ASKED)

    before = signal.signal(signal.SIGINT, on_interrupt), signal.signal(signal.SIGTERM, on_terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])
