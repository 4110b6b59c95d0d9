"""The comparison as one HTML file: opens offline, calls nobody, holds no picture."""

from dataclasses import dataclass

from calibration.report.markup import Cell, bar, document, section, share, table, text
from calibration.report.plot import bars
from calibration.scope.compare import Comparison, Kind, SetRow
from calibration.scope.record import GATE_NOTE, counted, interval
from edge.reading import ModelIdentity

__all__ = ["PageHead", "page"]


@dataclass(frozen=True, slots=True)
class PageHead:
    """made_at: ISO 8601, UTC. notes: what was not measured, and what must be said of what was."""

    command: str
    made_at: str
    device_limit: float
    notes: tuple[str, ...]


def page(found: Comparison, model: ModelIdentity, head: PageHead) -> str:
    """The whole file as text."""
    title = f"{model.name} {model.version}: what is out of scope"
    warned = "".join(f'<p class="warn">{text(note)}</p>' for note in head.notes)
    top = (
        f"<header><h1>{text(title)}</h1>"
        f'<p class="soft">Payload {text(model.digest)}<br>{text(model.form)} on {text(model.engine)}<br>Made {text(head.made_at)}</p>'
        f"<pre>{text(head.command)}</pre>{warned}<p>Research use only, not for diagnosis.</p></header>"
    )
    return document(title, [top, _methods(found, head), _refused(found), _areas(found)])


def _methods(found: Comparison, head: PageHead) -> str:
    rows = [
        (
            row.name + (" (best by the rule)" if row.name == found.best else ""),
            "yes" if row.on_device else "no",
            f"{row.limit:.3f} ({interval(row.limit_ci95)})",
            f"{counted(row.false_alarms)} ({interval(row.false_alarms.ci95)})",
            f"{row.refusal:.3f}",
            f"{row.short:.3f} ± {row.short_se:.3f}",
        )
        for row in found.methods
    ]
    heading = ("method", "a bundle can carry it", "limit (95 %)", "false alarms on the held half (95 %)", "refused", "below best ± SE")
    n, groups = found.fitted_on
    caption = f"Limits at {found.asked:.1%} false alarms, from {n} pictures of {groups} lesions or patients of the fit half of dev."
    shipped = found.shipped_false_alarms
    said = (
        f"With the bundle's own distance the limit would be {head.device_limit:.4f}. As shipped: {counted(shipped)} false alarms "
        f"({interval(shipped.ci95)})."
    )
    drawn = bars([(row.name, row.refusal) for row in found.methods], "Share refused, averaged over the sets that choose")
    return section(
        "Methods",
        f"<p>{text(found.rule)}</p>",
        table(caption, heading, rows),
        f'<p>{text(said)}</p><p class="soft">{text(GATE_NOTE)}</p>',
        f"<figure>{drawn}<figcaption>{text('Share refused, averaged over the sets that choose.')}</figcaption></figure>",
    )


def _name(row: SetRow) -> str:
    said = {Kind.REPORT: "for the report alone", Kind.RENDERED: "rendered, no photograph", Kind.DEV: "dev", Kind.OWN: "own dev"}[row.kind]
    return f"{row.name}: {said}" + (", the model's own" if row.belongs and row.kind is not Kind.OWN else "")


def _refused(found: Comparison) -> str:
    names = tuple(row.name for row in found.methods)
    rows: list[tuple[str | Cell, ...]] = []
    for i, row in enumerate(found.sets):
        shipped = (bar(row.shipped.k, row.n), bar(row.poor, row.n), bar(row.labelled, row.n))
        rows.append((_name(row), str(row.n), str(row.n_groups), *shipped, *(bar(m.sets[i].refused.k, row.n) for m in found.methods)))
    heading = ("set", "n", "groups", "refused as shipped", "poor image", "label shown as shipped", *names)
    caption = "How many of n are refused by scope alone, at each method's limit. On the device the quality gate comes first (poor image)."
    return section("Refused, k of n", table(caption, heading, rows))


def _areas(found: Comparison) -> str:
    rows = [
        (_name(row), str(row.n), str(row.n_groups), *(share(m.sets[i].area, m.sets[i].area_ci95) for m in found.methods))
        for i, row in enumerate(found.sets)
        if not row.belongs
    ]
    heading = ("set", "n", "groups", *(row.name for row in found.methods))
    caption = "AUROC against the held half of the model's own pictures; 95 % interval by lesion, patient or clip where n is 50 or more."
    return section("AUROC", table(caption, heading, rows))
