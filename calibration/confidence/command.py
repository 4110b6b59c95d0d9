"""`sonoderm calibrate confidence`: compare methods on the fit half of dev; or make an overlay for a site, or for another prevalence."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from calibration.confidence.compare import compare
from calibration.confidence.methods import Scaling, uniform
from calibration.confidence.prevalence import at_prevalence, parse_prevalence
from calibration.confidence.record import comparison_object, comparison_text, refit_object, refit_text
from calibration.confidence.table import (
    GroupOption,
    Half,
    HalfOption,
    ImageRootOption,
    JsonOption,
    SeedOption,
    Table,
    WhereOption,
    look_at,
    read_table,
)
from calibration.profile.deliver import Delivery
from calibration.site.overlay import refitted
from calibration.site.refit import Verdict, refit, require_enough
from calibration.site.target import DaysOption, KeyOption, ProfileOption, put_decision, read_target
from edge.bundle.trust import load_trust
from edge.cli.engine_options import EngineOption, FormOption, ModelOption, ThreadsOption
from edge.cli.opened import opened_model
from edge.cli.output import print_json, say
from edge.cli.trust_option import TrustOption
from edge.errors import InputRefused, UsageError
from edge.model import Model, OpenOptions
from edge.model.prevalence import prevalence_words

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def confidence(
    labels: Annotated[
        Path | None,
        typer.Argument(metavar="[LABELS.csv]", help="dev, with the columns image and label: compare the methods on its fit half."),
    ] = None,
    *,
    model: ModelOption,
    site: Annotated[
        Path | None,
        typer.Option("--site", metavar="LABELS.csv", help="A few dozen local cases: refit the temperature, say whether it helped."),
    ] = None,
    prevalence: Annotated[
        str | None, typer.Option("--prevalence", metavar="CODE=SHARE,…", help="An overlay for another mix of classes; one may be left out.")
    ] = None,
    group: GroupOption = None,
    where: WhereOption = None,
    image_root: ImageRootOption = None,
    half: HalfOption = Half.FIT,
    seed: SeedOption = 1,
    profile: ProfileOption = None,
    key: KeyOption = None,
    days: DaysOption = 180,
    camera: Annotated[str, typer.Option("--camera", help="Apply the profile's corrections of this camera to the local cases.")] = "",
    optic: Annotated[str, typer.Option("--optic", help="Lens, tube or probe of these corrections.")] = "",
    as_json: JsonOption = False,
    trust: TrustOption = None,
    engine: EngineOption = None,
    form: FormOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Make a probability mean what it says, measured on the form and the engine that will run.

    With --site, exit code 1 when the local cases cannot tell whether another temperature helps: the profile is then left as it is.
    """
    asked = [given for given in (labels, site, prevalence) if given is not None]
    if len(asked) != 1:
        raise UsageError(
            "give one of LABELS.csv, --site LABELS.csv and --prevalence CODE=SHARE,…", do="sonoderm calibrate confidence --help"
        )
    if prevalence is not None and (profile is None or key is None):
        raise UsageError("another prevalence is a bias, which counts only in a signed profile", do="give --profile FILE and --key PEM")
    if camera and (site is None or profile is None):
        raise UsageError("--camera names corrections of a profile for local cases", do="give --site LABELS.csv and --profile FILE")
    believed = load_trust(trust)
    target = read_target(profile, key, days, believed) if profile is not None else None
    table: Table | None = None
    if labels is not None:
        table = read_table(labels, image_root=image_root, where=where or [], group=group, half=half, seed=seed)
    elif site is not None:
        table = read_table(site, image_root=image_root, where=where or [], group=group, half=Half.ALL, seed=seed)
    options = OpenOptions(say=say, profile=target.in_force if target else None, optic=optic)
    with opened_model(model, believed, engine, form, threads, options) as opened:
        if table is None:
            assert target is not None, "asked for above"
            assert prevalence is not None, "one of the three was given"
            _for_prevalence(opened, parse_prevalence(prevalence, opened.codes), target, as_json)
        elif site is None:
            _compare(opened, table, as_json)
        else:
            _at_site(opened, table, target, camera, as_json)


def _speaks_of(model: Model) -> tuple[float, ...]:
    return model.prevalence or uniform(len(model.codes))


def _compare(model: Model, table: Table, as_json: bool) -> None:
    cases = look_at(table, [model])[0].cases
    if len(np.unique(cases.labels)) < 2:
        raise InputRefused(f"{table.path.name}: all pictures are of one class", do="give a table with the model's classes")
    prevalence = _speaks_of(model)
    found = compare(cases, prevalence)
    if as_json:
        print_json(comparison_object(found, model.identity, model.codes, prevalence))
    else:
        typer.echo(comparison_text(found, model.codes, prevalence))


def _at_site(model: Model, table: Table, target: Delivery | None, camera: str, as_json: bool) -> None:
    cases = look_at(table, [model], camera=camera)[0].cases
    require_enough(cases, model.codes)
    prevalence = _speaks_of(model)
    found = refit(cases, Scaling.of(model.decision), prevalence)
    written = None
    if found.verdict is Verdict.HELPED and target is not None:
        new = refitted(model.decision, found, is_signed=target.key is not None)
        own = prevalence if prevalence != model.manifest.calibration_prevalence else ()
        written = put_decision(target, new, model, own, frozenset({"temperature", "set_at", "guard_at"}))
    if as_json:
        print_json(refit_object(found, model.identity, str(written.path) if written else None))
    else:
        typer.echo(refit_text(found))
    if found.verdict is Verdict.CANNOT_TELL:
        raise typer.Exit(1)
    if written is None:
        say("nothing was written: give --profile FILE to keep it")


def _for_prevalence(model: Model, wanted: tuple[float, ...], target: Delivery, as_json: bool) -> None:
    old = _speaks_of(model)
    new = at_prevalence(model.decision, old, wanted)
    written = put_decision(target, new, model, wanted, frozenset({"bias", "set_at", "guard_at"}))
    if as_json:
        shares = dict(zip(model.codes, wanted, strict=True))
        print_json(
            {
                "v": 1,
                "digest": model.bundle.digest,
                "prevalence": shares,
                "bias": new.bias,
                "set_at": new.set_at,
                "written": str(written.path),
            }
        )
    else:
        typer.echo(f"probabilities speak of {prevalence_words(model.codes, wanted)} (before: {prevalence_words(model.codes, old)})")
