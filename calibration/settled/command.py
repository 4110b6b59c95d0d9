"""`sonoderm calibrate settled`: the temperature of the averaged log-odds, from stills of dev in motion."""

from collections import Counter
from dataclasses import replace
from typing import Annotated

import numpy as np
import typer
from msgspec.structs import replace as with_fields

from calibration.confidence.methods import uniform
from calibration.confidence.record import who_of
from calibration.confidence.table import (
    GroupOption,
    Half,
    HalfOption,
    ImageRootOption,
    JsonOption,
    LabelsArgument,
    SeedOption,
    Table,
    WhereOption,
    drawn_rows,
    read_table,
    require_known,
)
from calibration.settled.temperature import settled_temperature
from calibration.settled.watch import FPS, SECONDS, Settled, settle
from edge.cli.engine_options import EngineOption, FormOption, ModelOption, ThreadsOption
from edge.cli.opened import opened_model
from edge.cli.output import Progress, print_json, say
from edge.cli.trust_option import TrustOption
from edge.errors import InputRefused
from edge.model import Model

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def settled(
    labels: LabelsArgument,
    *,
    model: ModelOption,
    most: Annotated[int, typer.Option("--most", min=20, help="At most so many pictures, drawn by seed: each is a clip.")] = 400,
    seconds: Annotated[float, typer.Option("--seconds", min=0.5, max=10, help="How long each picture is held.")] = SECONDS,
    fps: Annotated[float, typer.Option("--fps", min=5, max=60, help="Pictures a second.")] = FPS,
    group: GroupOption = None,
    where: WhereOption = None,
    image_root: ImageRootOption = None,
    half: HalfOption = Half.FIT,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
    trust: TrustOption = None,
    engine: EngineOption = None,
    form: FormOption = None,
    threads: ThreadsOption = None,
) -> None:
    """The temperature of what is shown after pictures were averaged in time: stills in motion through the whole pipeline."""
    table = read_table(labels, image_root=image_root, where=where or [], group=group, half=half, seed=seed)
    if len(table.rows) > most:
        table = replace(table, rows=drawn_rows(table.rows, most, seed))
        say(f"{most} of the pictures, drawn with seed {seed}")
    with opened_model(model, trust, engine, form, threads) as opened:
        require_known(table, opened)
        seen = _watched(opened, table, seconds, fps)
        prevalence = opened.manifest.calibration_prevalence or uniform(len(opened.codes))
        identity, in_bundle = opened.identity, opened.shipped.settled_temperature
    if len(np.unique(seen.cases.labels)) < 2:
        raise InputRefused(f"{labels.name}: all settled readings are of one class", do="give a table with the model's classes")
    found = settled_temperature(seen.cases, prevalence)
    states = {state.value: n for state, n in Counter(seen.states).items()}
    if as_json:
        counts = {"n": len(seen.states), "settled": len(seen.cases), "n_groups": seen.cases.n_groups, "states": states}
        numbers = {"settled_temperature": found.chosen, "in_bundle": in_bundle, "fitted": found.fitted}
        changes = {"nll_change": found.change, "nll_change_se": found.change_se}
        print_json({**who_of(identity), **counts, **numbers, **changes})
        return
    ended = ", ".join(f"{state} {n}" for state, n in states.items())
    typer.echo(f"n = {len(seen.cases)} settled readings of {len(seen.states)} clips, {seen.cases.n_groups} lesions or patients ({ended})")
    typer.echo(f"settled temperature {found.chosen:.4f} (in the bundle {in_bundle:g})")
    change = f"{found.change:+.4f} ± {found.change_se:.4f} nats, cross-validated"
    typer.echo(f"the best one, {found.fitted:.4f}, changes the loss by {change}; 1 stands unless that is more than one standard error")


def _watched(model: Model, table: Table, seconds: float, fps: float) -> Settled:
    """With a settled temperature of 1, whatever the bundle has: it is what is looked for."""
    model.decision = with_fields(model.decision, settled_temperature=1.0)
    with Progress("watching", len(table.rows)) as progress:
        return settle(model, table.rows, progress.advance, seconds=seconds, fps=fps)
