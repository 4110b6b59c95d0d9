"""`sonoderm export report`: run the bundle on dev, gather what the run left, write the page and the contact sheet."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edge.bundle.durable import require_folder
from edge.bundle.open import VerifiedBundle
from edge.errors import UsageError
from export.card import figures_of_card
from export.data.subgroups import subgroups_of
from export.data.table import Side, read_rows, select
from export.pictures import Places
from export.recipe import Recipe
from export.report.contact import contact_sheet
from export.report.facts import PairFacts, Report
from export.report.gather import counts_of, read_curves, read_latency, read_layers
from export.report.look import look
from export.report.page import page, write_html

__all__ = ["Extras", "Steps", "make_report"]


class Steps(Protocol):
    """A progress bar."""

    def advance(self) -> None: ...


Progress = Callable[[str, int], AbstractContextManager[Steps]]


@dataclass(frozen=True, slots=True)
class Extras:
    """What the run itself does not know. subgroups: columns of the label table."""

    subgroups: Sequence[str] = ()
    sensitivity: Path | None = None
    latency: Path | None = None


def make_report(
    recipe: Recipe, bundle: VerifiedBundle, places: Places, extras: Extras, out: Path, made_at: str, progress: Progress
) -> Path:
    """Writes `out`, and mistakes.html beside it, whose path is returned. Raises SonodermError, OSError."""
    manifest = bundle.manifest
    if recipe.data is None:
        raise UsageError(f"{recipe.model.name} learns from rendered pictures: there is no dev to report on", do="name another recipe")
    codes = tuple(label.code for label in recipe.labels)
    if manifest.codes() != codes:
        raise UsageError(f"the labels of the recipe and of {manifest.name} are not the same", do="give the bundle that this recipe made")
    sheet = out.with_name("mistakes.html")
    if sheet == out:
        raise UsageError("mistakes.html holds pictures of patients and is written beside the report", do="name the report otherwise")
    require_folder(out)
    layers = read_layers(extras.sensitivity) if extras.sensitivity else None  # before the long step: a wrong name should not cost minutes
    timed = read_latency(extras.latency) if extras.latency else None
    curves = read_curves(places.runs / recipe.model.name)
    rows = read_rows(recipe.data, codes, places.data)
    dev = select(rows, Side.FIT, Side.CONFORMAL)
    subgroups = subgroups_of(places.data / recipe.data.labels, dev, extras.subgroups)
    with progress(f"{manifest.name} on dev", len(dev)) as bar:
        answers = look(bundle, dev, "dev", bar.advance)
    card = bundle.member(manifest.card).decode("utf-8", "replace") if manifest.card else ""
    report = Report(
        name=manifest.name,
        version=manifest.version,
        digest=bundle.digest,
        intended_use=manifest.intended_use,
        made_at=made_at,
        codes=codes,
        notes=_notes(recipe, bundle),
        curves=curves,
        counts=counts_of(rows, len(codes)),
        pairs=_pairs(bundle, card),
        looked=(answers.looked,),
        subgroups=subgroups,
        layers=layers,
        timed=timed,
        card=card,
    )
    write_html(contact_sheet(f"{manifest.name} {manifest.version}", "dev", len(dev), answers.mistakes), sheet)
    write_html(page(report), out)
    return sheet


def _notes(recipe: Recipe, bundle: VerifiedBundle) -> tuple[str, ...]:
    manifest, model = bundle.manifest, recipe.model
    notes = []
    if (manifest.name, manifest.version) != (model.name, model.version):
        notes.append(
            f"The recipe is of {model.name} {model.version}, the bundle of {manifest.name} {manifest.version}: "
            "the training curves are those of the run's folder and may belong to another training than this bundle."
        )
    if manifest.licence_note:
        notes.append(f"Licence of the weights: {manifest.licence}. {manifest.licence_note}")
    if manifest.provenance.data:
        notes.append("Data to cite: " + " ".join(manifest.provenance.data))
    return tuple(notes)


def _pairs(bundle: VerifiedBundle, card: str) -> tuple[PairFacts, ...]:
    measured = {(figures.form, figures.engine): figures for figures in figures_of_card(card)}
    return tuple(PairFacts(p.form, p.engine, p.gate, p.isa, measured.get((p.form, p.engine))) for p in bundle.manifest.pairs)
