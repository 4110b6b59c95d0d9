"""`sonoderm bench`: how fast is it here, stage by stage, with the conditions beside every number."""

import datetime
import importlib.metadata
import re
from pathlib import Path
from typing import Annotated

import typer

from edge.backends.machine import read_machine
from edge.bench.compare import Comparison, compare
from edge.bench.conditions import conditions, look_before
from edge.bench.result import BenchResult, Conditions, Run, parse_result
from edge.bench.stages import Plan, measure, pictures_for
from edge.bundle.onefile import read_once
from edge.cli.engine_options import EngineOption, FormOption, ModelOption, ThreadsOption
from edge.cli.opened import named, opened_model
from edge.cli.output import Progress, columns, print_json, say
from edge.cli.trust_option import TrustOption
from edge.errors import CheckFailed, UsageError
from edge.model import Model

__all__ = ["app"]

MAX_RESULT_B = 4 << 20
app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def bench(
    model: ModelOption = "derm7",
    seconds: Annotated[float, typer.Option("--seconds", min=0.2, help="Length of each of the two runs.")] = 8.0,
    fps: Annotated[float, typer.Option("--fps", min=1.0, max=1000.0, help="Frame rate of the paced run.")] = 30.0,
    size: Annotated[str, typer.Option("--size", help="Size of the pictures, WIDTHxHEIGHT.")] = "640x480",
    burn_in: Annotated[float, typer.Option("--burn-in", min=0.0, help="Seconds of work before, so that a board is warm.")] = 0.0,
    old: Annotated[Path | None, typer.Option("--compare", metavar="FILE", help="An older result (--json): ratio of each stage.")] = None,
    engine: EngineOption = None,
    form: FormOption = None,
    threads: ThreadsOption = None,
    trust: TrustOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole result as JSON, for --compare.")] = False,
) -> None:
    """Time of each stage, free-running and paced like a camera. With --compare, exit code 1 when a stage is slower beyond the noise."""
    width_px, height_px = _size(size)
    earlier = parse_result(read_once(old, MAX_RESULT_B), str(old)) if old else None
    plan = Plan(fps=fps, seconds=seconds, burn_in_s=burn_in)
    with opened_model(model, trust, engine, form, threads) as opened:
        result = _measure(opened, (width_px, height_px), plan)
    comparison = compare(earlier, result) if earlier else None
    if as_json:
        print_json(result)
        if comparison:
            say(_comparison(comparison))
    else:
        print(_report(result))
        if comparison:
            print(_comparison(comparison))
    if comparison and comparison.is_slower:
        slower = ", ".join(f"{c.stage} ({c.mode})" for c in comparison.changes if c.verdict == "slower")
        raise CheckFailed(f"slower than {old}, beyond the noise: {slower}", do="measure again with nothing else running, then find out why")


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if not found or not all(32 <= int(side) <= 8192 for side in found.groups()):
        raise UsageError(f"'{text}' is no size of a picture", do="write it like 640x480 (32 to 8192 a side)")
    return int(found[1]), int(found[2])


def _measure(model: Model, size_px: tuple[int, int], plan: Plan) -> BenchResult:
    width_px, height_px = size_px
    say(f"drawing pictures, then {plan.warm_up_s + plan.burn_in_s + 2 * plan.seconds:.0f} s with {named(model)}")
    pictures = pictures_for(model.manifest.modality, width_px, height_px)
    before = look_before()
    with Progress("measuring", round(2 * plan.seconds + plan.warm_up_s + plan.burn_in_s)) as progress:
        runs = measure(model, pictures, plan, on_second=progress.advance)
    who = model.identity
    return BenchResult(
        at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        sonoderm=importlib.metadata.version("sonoderm"),
        model=who.name,
        version=who.version,
        digest=who.digest,
        engine=who.engine,
        engine_version=model.session.engine_version,
        form=who.form,
        threads=model.session.threads,
        picture=f"{width_px}x{height_px}",
        conditions=conditions(read_machine(), before, runs),
        runs=runs,
    )


def _report(result: BenchResult) -> str:
    threads = f"{result.threads} thread{'s' if result.threads > 1 else ''}"
    engine = f"{result.engine} {result.engine_version}, {threads}"
    head = f"{result.model} {result.version}  form {result.form} on {engine}, pictures {result.picture}"
    return "\n".join([head, *_conditions(result.conditions), *(line for run in result.runs for line in _run(run)), *_warnings(result)])


def _warnings(result: BenchResult) -> list[str]:
    return [f"  warning: {text}" for text in result.conditions.warnings]


def _conditions(found: Conditions) -> list[str]:
    clocks = f"{max(found.cpu_mhz):.0f} of {max(found.cpu_max_mhz, default=0):.0f} MHz" if found.cpu_mhz else "clocks unknown"
    gpu = f", GPU {found.gpu_mhz:.0f} MHz" if found.gpu_mhz is not None else ""
    mode = f", power mode {found.power_mode}" if found.power_mode else ""
    before, after = found.celsius_before, found.celsius_after
    heat = f"{max(r.value for r in before):.0f} °C before, {max(r.value for r in after):.0f} °C after" if before and after else "unknown"
    return [
        f"  on {found.board or found.cpu}, {found.isa}, {found.cores} cores",
        f"  governor {', '.join(found.governors) or 'unknown'}, {clocks}{gpu}{mode}",
        f"  temperature {heat}; load {found.load_1m:.2f} before; Linux {found.kernel}, Python {found.python}",
    ]


def _run(run: Run) -> list[str]:
    how = f"paced at {run.fps:g} fps, {run.late} late" if run.fps else f"free-running, {run.frames / run.seconds:.0f} labels a second"
    power = f", {run.power_mw / 1000:.1f} W, {run.energy_mj:.1f} mJ a label" if run.power_mw is not None else ", power unknown"
    rows: list[tuple[str, ...]] = [("stage", "p50 ms", "p95 ms", "p99 ms", "p99.9 ms", "max ms")]
    for stage in run.stages:
        figures = (stage.p50_ms, stage.p95_ms, stage.p99_ms, stage.p999_ms, stage.max_ms)
        rows.append((stage.name, *(f"{figure:.2f}" for figure in figures)))
    head = f"  {how}: {run.frames} frames, {run.cpu_share:.0%} of a core{power}"
    return [head, columns(rows, indent=4)]


def _comparison(found: Comparison) -> str:
    rows = [("run", "stage", "then ms", "now ms", "ratio", "noise", "verdict")]
    for c in found.changes:
        ratio, noise = f"{c.ratio:.2f}", f"±{(c.noise - 1) * 100:.0f} %"
        rows.append((c.mode, c.stage, f"{c.old_p50_ms:.2f}", f"{c.new_p50_ms:.2f}", ratio, noise, c.verdict or "not comparable"))
    lines = [f"  not comparable: {text}" for text in found.differences]
    return "\n".join(["compared with the older result (p50):", *lines, columns(rows, indent=2)])
