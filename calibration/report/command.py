"""`sonoderm calibrate report`: a bundle as it is shipped, on pictures that its calibration has not seen, as one HTML file."""

import datetime
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from calibration.confidence.methods import uniform
from calibration.confidence.table import (
    GroupOption,
    Half,
    ImageRootOption,
    JsonOption,
    LabelsArgument,
    SeedOption,
    Table,
    WhereOption,
    drawn_rows,
    look_at,
    read_table,
    require_known,
)
from calibration.conformal.quantile import ClassThreshold, behind_of
from calibration.report.asked import command_line
from calibration.report.facts import CalibrationReport, PairFacts, SettledFacts, pair_facts, settled_facts
from calibration.report.page import page
from calibration.settled.watch import settle
from edge.backends.table import available
from edge.bundle.durable import replace_durably, require_folder
from edge.bundle.open import VerifiedBundle, resolve_model
from edge.bundle.trust import Trust, load_trust
from edge.cli.engine_options import EngineOption, FormOption, ModelOption
from edge.cli.output import Progress, print_json, say
from edge.cli.trust_option import TrustOption
from edge.errors import MachineLacks, UsageError
from edge.model import Model, OpenOptions, open_model

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)
OPEN = "dev"


@app.command()
def report(
    ctx: typer.Context,
    labels: LabelsArgument,
    *,
    model: ModelOption,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.html", help="The page; it holds no picture.")],
    side: Annotated[str, typer.Option("--side", help="What these pictures are called in the page.")] = OPEN,
    opening: Annotated[
        str, typer.Option("--opening", help="For a side that is opened for reports alone: its line of docs/openings.md.")
    ] = "",
    calibrated_on: Annotated[
        list[str] | None,
        typer.Option("--calibrated-on", metavar="COLUMN=VALUE", help="Rows that are dev: how many cases each threshold has."),
    ] = None,
    settled: Annotated[int, typer.Option("--settled", min=0, help="Also so many pictures in motion: what is averaged in time.")] = 0,
    figures: Annotated[
        int | None, typer.Option("--figures", min=1, help="Bands judged together, named in advance; default: those on this page.")
    ] = None,
    group: GroupOption = None,
    where: WhereOption = None,
    image_root: ImageRootOption = None,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
    trust: TrustOption = None,
    engine: EngineOption = None,
    form: FormOption = None,
) -> None:
    """Is what was calibrated true? Every form on every engine that is proven here, with shipped numbers, on pictures not seen before."""
    if side != OPEN and not opening.strip():
        raise UsageError(f"figures of '{side}' need the note of its opening", do="write it down (docs/openings.md): --opening TEXT")
    require_folder(out)
    believed = load_trust(trust)
    table = read_table(labels, image_root=image_root, where=where or [], group=group, half=Half.ALL, seed=seed)
    bundle = resolve_model(model, believed)
    with ExitStack() as stack:
        models = [stack.enter_context(opened) for opened in _opened(bundle, believed, engine, form)]
        behind_table = None
        if calibrated_on:
            behind_table = read_table(labels, image_root=image_root, where=calibrated_on, group=group, half=Half.CONFORMAL, seed=seed)
        joint = figures or len(models) + (1 if settled else 0)
        pairs = _pairs(models, table, behind_table, joint)
        clips = _settled(models[0], table, settled, seed, joint) if settled else None
    manifest = bundle.manifest
    k = len(manifest.labels)
    shares = np.bincount([manifest.codes().index(row.label) for row in table.rows], minlength=k) / len(table.rows)
    made = CalibrationReport(
        name=manifest.name,
        version=manifest.version,
        digest=bundle.digest,
        made_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        side=side,
        opening=opening,
        command=command_line(ctx),
        codes=manifest.codes(),
        n=len(table.rows),
        n_groups=len({row.group or row.name for row in table.rows}),
        shares=tuple(float(s) for s in shares),
        prevalence=manifest.calibration_prevalence or uniform(k),
        level=manifest.nominal_level,
        pairs=pairs,
        settled=clips,
    )
    replace_durably(out, page(made).encode())
    if as_json:
        print_json(made)
    else:
        for pair in pairs:
            found = pair.reliability
            typer.echo(
                f"{pair.form} on {pair.engine}: l2 error {found.error:.3f}, band {found.band:.3f}, power {found.power:.2f}: "
                f"{found.verdict.value}; coverage {pair.coverage.rows[0].share:.3f}, READY {pair.ready:.1%}"
            )
    say(f"wrote {out}")


def _opened(bundle: VerifiedBundle, trust: Trust, engine: str | None, form: str | None) -> list[Model]:
    """Every pair that passed its gate and whose engine is here. Raises MachineLacks where there is none."""
    here = {entry.engine.name for entry in available() if entry.is_here}
    wanted = [
        pair
        for pair in bundle.manifest.pairs
        if pair.gate == "passed" and pair.engine in here and engine in {None, pair.engine} and form in {None, pair.form}
    ]
    if not wanted:
        raise MachineLacks(f"{bundle.manifest.name}: no form is proven on an engine of this machine", do="sonoderm doctor")
    options = OpenOptions(say=say, warm=False)
    return [open_model(bundle, trust, engine=pair.engine, form=pair.form, options=options) for pair in wanted]


def _pairs(models: list[Model], table: Table, dev: Table | None, figures: int) -> tuple[PairFacts, ...]:
    answers = look_at(table, models)
    found = []
    for model, said in zip(models, answers, strict=True):
        behind = _behind(model, dev) if dev else None
        found.append(pair_facts(model.pair.form, model.pair.engine, said, model.decision, model.manifest, behind, figures))
    return tuple(found)


def _behind(model: Model, dev: Table) -> tuple[ClassThreshold, ...] | None:
    """How many lesions or patients of each class the conformal half has; None where the bundle states no level."""
    if model.manifest.nominal_level is None:
        return None
    require_known(dev, model)
    counts = [len({row.group for row in dev.rows if row.label == code}) for code in model.codes]
    return behind_of(model.decision.set_at, counts, model.manifest.nominal_level)


def _settled(model: Model, table: Table, most: int, seed: int, figures: int) -> SettledFacts:
    rows = drawn_rows(table.rows, most, seed)
    with Progress("watching", len(rows)) as progress:
        seen = settle(model, rows, progress.advance)
    prevalence = model.manifest.calibration_prevalence or uniform(len(model.codes))
    pair = model.pair
    return settled_facts(pair.form, pair.engine, len(rows), model.decision.settled_temperature, seen.cases, prevalence, figures)
