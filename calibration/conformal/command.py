"""`sonoderm calibrate conformal`: thresholds of the prediction sets from the conformal half, and what each class got."""

from typing import Annotated

import typer

from calibration.confidence.methods import Scaling, apply
from calibration.confidence.record import who_of
from calibration.confidence.table import (
    GroupOption,
    Half,
    HalfOption,
    ImageRootOption,
    JsonOption,
    LabelsArgument,
    SeedOption,
    WhereOption,
    look_at,
    read_table,
)
from calibration.conformal.coverage import expected_interval
from calibration.conformal.quantile import ClassThreshold, Fallback, thresholds
from edge.cli.engine_options import EngineOption, FormOption, ModelOption, ThreadsOption
from edge.cli.opened import opened_model
from edge.cli.output import columns, print_json
from edge.cli.trust_option import TrustOption

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)
NOMINAL = 0.9
MANY = 20_000  # of further cases: what is left is the chance of the calibration alone


@app.command()
def conformal(
    labels: LabelsArgument,
    *,
    model: ModelOption,
    level: Annotated[float, typer.Option("--level", min=0.5, max=0.99, help="How often each class's own set shall hold it.")] = NOMINAL,
    fallback: Annotated[
        Fallback, typer.Option("--small-classes", help="Classes under 19 cases: one threshold from all of them, or always in the set.")
    ] = Fallback.POOLED,
    group: GroupOption = None,
    where: WhereOption = None,
    image_root: ImageRootOption = None,
    half: HalfOption = Half.CONFORMAL,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
    trust: TrustOption = None,
    engine: EngineOption = None,
    form: FormOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Thresholds of prediction sets, class by class and per lesion or patient, under the bundle's own temperature and bias.

    The half must be one that temperature and bias were not fitted on: the promise is void otherwise.
    """
    table = read_table(labels, image_root=image_root, where=where or [], group=group, half=half, seed=seed)
    with opened_model(model, trust, engine, form, threads) as opened:
        cases = look_at(table, [opened])[0].cases
        found = thresholds(apply(Scaling.of(opened.decision), cases.scores), cases.labels, cases.groups, level, fallback)
        identity, codes, shipped = opened.identity, opened.codes, opened.decision.set_at
    if as_json:
        rows = [_row(code, one, at) for code, one, at in zip(codes, found, shipped, strict=True)]
        print_json({**who_of(identity), "level": level, "n": len(cases), "n_groups": cases.n_groups, "classes": rows})
    else:
        typer.echo(f"{level:.0%} of each class, n = {len(cases)} pictures of {cases.n_groups} lesions or patients")
        typer.echo(_text(codes, found, shipped))


def _row(code: str, found: ClassThreshold, shipped: float) -> dict[str, object]:
    return {
        "label": code,
        "n_groups": found.n_groups,
        "at_least": found.at_least,
        "from": found.source.value,
        "cases_behind": found.of,
        "rank": found.rank,
        "coverage_95": expected_interval(MANY, found.of, found.rank),
        "at_least_in_bundle": shipped,
    }


def _text(codes: tuple[str, ...], found: tuple[ClassThreshold, ...], shipped: tuple[float, ...]) -> str:
    rows = [["class", "cases", "in the set from", "by", "its coverage (95 %)", "in the bundle"]]
    for code, one, at in zip(codes, found, shipped, strict=True):
        expected = expected_interval(MANY, one.of, one.rank)
        said = f"{expected[0]:.3f} to {expected[1]:.3f}" if expected else "1"
        rows.append([code, str(one.n_groups), f"{one.at_least:.4f}", f"{one.source.value} ({one.of})", said, f"{at:.4f}"])
    return columns(rows)
