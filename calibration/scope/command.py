"""`sonoderm calibrate scope`: which score tells what is none of the model's business, on the form and engine that run."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from calibration.confidence.cases import CONFORMAL, FIT, halves
from calibration.confidence.table import GroupOption, Half, ImageRootOption, JsonOption, SeedOption, WhereOption, read_table
from calibration.profile.deliver import Delivery
from calibration.report.asked import command_line
from calibration.scope.compare import Comparison, Kind, Measured, compare, fitted_limit
from calibration.scope.look import look, yardstick_of
from calibration.scope.measures import Answers, Yardstick
from calibration.scope.overlay import require_allowed, with_limit
from calibration.scope.page import PageHead, page
from calibration.scope.record import comparison_object, comparison_text
from calibration.scope.sets import PictureSet, of_rows, outside_of, own_of, report_only
from calibration.site.target import DaysOption, KeyOption, ProfileOption, read_target, write_entry
from edge.bundle.durable import replace_durably, require_folder
from edge.bundle.trust import load_trust
from edge.cli.engine_options import EngineOption, FormOption, ThreadsOption
from edge.cli.opened import opened_model
from edge.cli.output import Progress, print_json, say
from edge.cli.trust_option import TrustOption
from edge.errors import InputRefused, UsageError
from edge.model import Model
from edge.profile import entry_for

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)
OPENED = "these sets were opened for the report alone; add a line to docs/openings.md (date, commit, set, why): {}"


@dataclass(frozen=True, slots=True, eq=False)
class _Looked:
    """One set, as the engine answered."""

    of: PictureSet
    answers: Answers


@app.command()
def scope(
    ctx: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A shipped name (derm7, breast-us, phantom), a bundle file, or slot:DIR.")],
    *,
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="The folder with isic2018, busbra and the others.")] = None,
    own: Annotated[
        Path | None, typer.Option("--own", metavar="LABELS.csv", help="The model's own dev, where it is not in --data. With --group.")
    ] = None,
    false_alarm: Annotated[
        float, typer.Option("--false-alarm", min=0.001, max=0.2, help="Share of the model's own pictures that a limit may refuse.")
    ] = 0.02,
    most: Annotated[int, typer.Option("--most", min=10, help="At most so many pictures of a set, drawn by seed.")] = 2000,
    rendered: Annotated[int, typer.Option("--rendered", min=0, max=2000, help="How many pictures of each rendered kind.")] = 60,
    report: Annotated[bool, typer.Option("--report", help="Also the sets that are for the report alone; never to choose by.")] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.html", help="A page of it; it holds no picture.")] = None,
    profile: ProfileOption = None,
    key: KeyOption = None,
    days: DaysOption = 180,
    group: GroupOption = None,
    where: WhereOption = None,
    image_root: ImageRootOption = None,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
    trust: TrustOption = None,
    engine: EngineOption = None,
    form: FormOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Compare what tells a stranger: the gate, kNN on embeddings, the PCA residual and their sums; limit at a stated false-alarm rate.

    With --profile, the limit of what the bundle carries goes into that profile: unsigned it may only fall.
    """
    if data is not None and not data.is_dir():
        raise UsageError(f"{data} is no folder", do="name the folder that holds isic2018 and busbra")
    if report and data is None:
        raise UsageError("--report opens sets of --data, which was not given", do="give --data DIR")
    if own is None and (group is not None or where or image_root is not None):
        raise UsageError("--group, --where and --image-root are about --own", do="give --own LABELS.csv, or leave them out")
    if out is not None:
        require_folder(out)
    believed = load_trust(trust)
    target = read_target(profile, key, days, believed) if profile is not None else None
    own_rows = None
    if own is not None:
        own_rows = read_table(own, image_root=image_root, where=where or [], group=group, half=Half.ALL, seed=seed).rows
    with opened_model(model, believed, engine, form, threads) as opened:
        mine = own_of(opened.manifest, data, most, seed) if own_rows is None else of_rows("own dev", Kind.OWN, own_rows, belongs=True)
        sets, notes = outside_of(opened.manifest, data, most, rendered, seed)
        if report and data is not None:
            more, lacking = report_only(opened.manifest, data, most, seed)
            sets, notes = (*sets, *more), (*notes, *lacking)
            notes = (*notes, OPENED.format(", ".join(one.name for one in more)))
        for note in notes:
            say(note)
        looked = _look_at(opened, (mine, *sets))
        found, limit = _compared(opened, looked, false_alarm, seed)
        if found.fitted_on[1] * false_alarm < 1:
            few = f"{found.fitted_on[1]} lesions or patients are few for a limit at {false_alarm:.1%}: it is the farthest of them"
            say(few)
            notes = (*notes, few)
        if as_json:
            print_json(comparison_object(found, opened.identity, limit))
        else:
            typer.echo(comparison_text(found, limit))
        if out is not None:
            made_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            replace_durably(out, page(found, opened.identity, PageHead(command_line(ctx), made_at, limit, notes)).encode())
            say(f"wrote {out}")
        if target is not None:  # last: a limit that may not be written costs nobody the measurement
            _keep(target, limit, opened)


def _look_at(model: Model, sets: Sequence[PictureSet]) -> tuple[_Looked, ...]:
    total = None if any(one.n is None for one in sets) else sum(one.n or 0 for one in sets)
    with Progress("looking", total) as progress:
        looked = [_Looked(one, look(model, one.pictures(), progress.advance)) for one in sets]
    for one in looked:
        if not len(one.answers):
            say(f"{one.of.name}: no picture could be read, not measured")
    if not len(looked[0].answers):
        raise InputRefused(f"{looked[0].of.name} has no picture", do="check --own and --data")
    return tuple(one for one in looked if len(one.answers))


def _measured(looked: _Looked, yardstick: Yardstick, limit: float | None, answers: Answers) -> Measured:
    """answers: all of the set's, or one half of them."""
    _, groups = np.unique(np.asarray(answers.groups, np.str_), return_inverse=True)
    shipped = np.zeros(len(answers), np.bool_) if limit is None else ~(answers.distances <= limit)
    name, kind, belongs = looked.of.name, looked.of.kind, looked.of.belongs
    measures = yardstick.measure(answers)
    return Measured(name, kind, belongs, measures, groups.reshape(-1).astype(np.int64), shipped, answers.poor, answers.labelled)


def _compared(model: Model, looked: Sequence[_Looked], false_alarm: float, seed: int) -> tuple[Comparison, float]:
    """The comparison, and the limit on the device's own distance."""
    yardstick, shipped = yardstick_of(model), model.pair.decision.out_of_scope_above
    mine = looked[0]
    side = halves(mine.answers.groups, seed)
    parts = [mine.answers.only(side == half) for half in (FIT, CONFORMAL)]
    if any(not len(part) for part in parts):
        raise InputRefused(f"{mine.of.name} has too few lesions or patients to be cut in halves", do="show more of the model's own")
    fit, held = (_measured(mine, yardstick, shipped, part) for part in parts)
    others = [_measured(one, yardstick, shipped, one.answers) for one in looked[1:]]
    found = compare(fit, held, others, false_alarm, seed=seed)
    return found, round(fitted_limit(parts[0].distances, false_alarm), 4)


def _keep(target: Delivery, limit: float, model: Model) -> None:
    """The device's own distance alone: what another method found cannot be carried by a profile."""
    pair, digest = model.pair, model.bundle.digest
    require_allowed(limit, pair.decision.out_of_scope_above, is_signed=target.key is not None)
    old = entry_for(target.in_force, digest, pair.form, pair.engine) if target.in_force else None
    if old is not None and old.expires_on < target.at.date():
        old = None  # nothing of it is in force
    write_entry(target, with_limit(limit, old, digest=digest, form=pair.form, engine=pair.engine, expires_on=target.expires_on))
