"""The comparison as one HTML file: opens offline, calls nobody, holds no picture."""

from dataclasses import dataclass

from calibration.report.markup import Cell, bar, document, section, table, text
from calibration.report.plot import bars
from calibration.scope.compare import Comparison, SetFacts
from calibration.scope.record import GATE_NOTE, counted, interval, kind
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


def _refused(found: Comparison) -> str:
    names = tuple(row.name for row in found.methods)
    rows: list[tuple[str | Cell, ...]] = []
    for i, row in enumerate(found.sets):
        counts = (row.shipped.k, row.poor, row.labelled, *(method.sets[i].refused.k for method in found.methods))
        rows.append((row.name, kind(row), str(row.n), str(row.n_groups), *(bar(k, row.n) for k in counts)))
    heading = ("set", "kind", "n", "groups", "refused as shipped", "poor image", "label shown as shipped", *names)
    caption = (
        "How many of n are refused by scope alone, at each method's limit. On the device the quality gate comes first (poor image). "
        "Kind: dev and rendered (drawn, no photograph) choose a method; report only never does; own is not to be refused."
    )
    return section("Refused, k of n", table(caption, heading, rows))


def _area(one: SetFacts) -> Cell:
    under = f"<small>{interval(one.area_ci95)}</small>" if one.area_ci95 else ""
    return Cell(f"<td>{one.area:.3f}{under}</td>")


def _areas(found: Comparison) -> str:
    rows: list[tuple[str | Cell, ...]] = [
        (row.name, kind(row), str(row.n), str(row.n_groups), *(_area(m.sets[i]) for m in found.methods))
        for i, row in enumerate(found.sets)
        if not row.belongs
    ]
    heading = ("set", "kind", "n", "groups", *(row.name for row in found.methods))
    caption = (
        "AUROC against the held half of the model's own pictures; 95 % interval by lesion, patient or clip where n is 50 or more "
        "and the area is not exactly 1."
    )
    return section("AUROC", table(caption, heading, rows))
