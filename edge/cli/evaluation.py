"""The result of `sonoderm evaluate` as the versioned JSON object (version 1) and as a table for people."""

from collections.abc import Iterable
from dataclasses import dataclass

from edge.bench.accuracy import Accuracy, ClassFigure, Figure
from edge.bench.accuracy_bootstrap import DRAWS
from edge.bench.accuracy_interval import FEWEST
from edge.cli.output import columns
from edge.labels import LabelTable
from edge.reading import ModelIdentity

__all__ = ["Evaluation", "as_json_object", "as_text"]

DIGITS = 6
INTERVALS = f"bootstrap by group, {DRAWS:,} draws; Wilson's for a share of under {FEWEST} groups or of cases that agree; none: n too small"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """refused: one line for each picture that could not be read. group: the column of the intervals' units, or None: pictures."""

    model: ModelIdentity
    table: LabelTable
    group: str | None
    long_side_px: int | None
    accuracy: Accuracy
    refused: tuple[str, ...]


def as_json_object(result: Evaluation) -> dict[str, object]:
    """The object of the design's command line section. Each figure has a sibling `…_ci95`, null where n is too small."""
    found, model = result.accuracy, result.model
    return {
        "v": 1,
        "model": model.name,
        "version": model.version,
        "digest": model.digest,
        "engine": model.engine,
        "form": model.form,
        "n": found.n,
        "n_known": found.n_known,
        "n_groups": found.n_groups,
        "group": result.group,
        "long_side_px": result.long_side_px,
        "ci95_method": INTERVALS,
        "forced": _with_ci(
            accuracy=found.forced.accuracy,
            balanced_accuracy=found.forced.balanced_accuracy,
            auc_macro=found.forced.auc_macro,
            ece15=found.forced.ece15,
        ),
        "selective": {
            **_with_ci(coverage=found.selective.coverage, balanced_accuracy=found.selective.balanced_accuracy),
            "per_class": _per_class(found.selective.per_class),
        },
        "per_class": _per_class(found.per_class),
        "states": {state.value: n for state, n in found.states},
        **_with_ci(auc_by_group=found.auc_by_group),
        "sensitivity_at_spec90": {code: _rounded(figure.value) for code, figure in found.sensitivity_at_spec90},
        "sensitivity_at_spec90_ci95": {code: _interval(figure) for code, figure in found.sensitivity_at_spec90},
        "unknown": {each.label: {"n": each.n, "states": {state.value: n for state, n in each.states}} for each in found.unknown},
        "refused": list(result.refused),
        "troubles": {trouble.kind.name.lower(): {"n": trouble.n, "rows": list(trouble.rows)} for trouble in result.table.troubles},
    }


def as_text(result: Evaluation) -> str:
    """For people: what was measured on what, then figures with their intervals, then classes and states."""
    found, model = result.accuracy, result.model
    units = f"{found.n_groups} groups by {result.group}" if result.group else "each a group of its own"
    head = f"{model.name} {model.version} ({model.form} on {model.engine}), {result.table.path.name}: {found.n} pictures, {units}"
    counted = (
        f"{found.n_known} have a label of the model and are the denominator; {found.n - found.n_known} are to be refused"
        if found.unknown
        else ""
    )
    figures = [
        ("forced accuracy", found.forced.accuracy),
        ("forced balanced accuracy", found.forced.balanced_accuracy),
        ("AUC" if len(found.per_class) == 2 else "AUC, macro", found.forced.auc_macro),
        ("AUC by group", found.auc_by_group),
        ("calibration error (ECE, 15 bins)", found.forced.ece15),
        ("coverage (READY)", found.selective.coverage),
        ("balanced accuracy when READY", found.selective.balanced_accuracy),
    ]
    rows = [[name, *_cells(figure)] for name, figure in figures if figure.value is not None]
    sensitivity = dict(found.sensitivity_at_spec90)
    classes = [["class", "n", "recall", "95 %", "READY", "recall", "95 %", "sensitivity at 90 % spec.", "95 %"]]
    for forced, selective in zip(found.per_class, found.selective.per_class, strict=True):
        classes.append(
            [
                forced.label,
                str(forced.n),
                *_cells(forced.recall),
                str(selective.n),
                *_cells(selective.recall),
                *_cells(sensitivity[forced.label]),
            ]
        )
    states = [[state.value, str(n), f"{n / found.n:.1%}"] for state, n in found.states]
    unknown = [[each.label, ", ".join(f"{state.value} {n}" for state, n in each.states)] for each in found.unknown]
    parts = [head, counted, columns(rows, 2), columns(classes, 2) if found.n_known else "", columns(states, 2)]
    parts += ["labels that the model does not have:\n" + columns(unknown, 2)] if unknown else []
    parts += [f"{len(result.refused)} pictures could not be read and are in no figure"] if result.refused else []
    return "\n\n".join(filter(None, [*parts, f"Research use only. 95 % intervals: {INTERVALS}."]))


def _cells(figure: Figure) -> list[str]:
    if figure.value is None:
        return ["–", "–"]
    return [f"{figure.value:.3f}", "none" if figure.ci95 is None else f"{figure.ci95[0]:.3f} to {figure.ci95[1]:.3f}"]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _interval(figure: Figure) -> list[float] | None:
    return None if figure.ci95 is None else [round(end, DIGITS) for end in figure.ci95]


def _with_ci(**figures: Figure) -> dict[str, object]:
    out: dict[str, object] = {}
    for name, figure in figures.items():
        out[name] = _rounded(figure.value)
        out[f"{name}_ci95"] = _interval(figure)
    return out


def _per_class(figures: Iterable[ClassFigure]) -> dict[str, object]:
    return {each.label: {"n": each.n, **_with_ci(recall=each.recall)} for each in figures}
