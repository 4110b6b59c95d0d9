"""The comparison as text for people, and as the object that `--json` prints."""

import msgspec

from calibration.confidence.record import who_of
from calibration.scope.compare import Comparison, Counted, Kind, MethodFacts, SetFacts, SetRow
from edge.bench.accuracy_interval import Interval
from edge.cli.output import columns
from edge.reading import ModelIdentity

__all__ = ["GATE_NOTE", "comparison_object", "comparison_text", "counted", "interval", "kind"]

GATE_NOTE = (
    "A gate that export trained has seen the other modality's train folds and rendered pictures (by other painters): sets of those kinds "
    "flatter it, and the sets that are for the report alone say what it does abroad."
)


def comparison_object(found: Comparison, model: ModelIdentity, device_limit: float) -> dict[str, object]:
    return {**who_of(model), "device_limit": device_limit, "note": GATE_NOTE, **msgspec.to_builtins(found)}


def counted(one: Counted) -> str:
    return f"{one.k} of {one.n}"


def interval(found: Interval) -> str:
    return f"{found[0]:.3f} to {found[1]:.3f}"


def _area(one: SetFacts) -> str:
    if one.area is None:
        return "-"
    return f"{one.area:.3f}" + (f" ({interval(one.area_ci95)})" if one.area_ci95 else "")


def kind(row: SetRow) -> str:
    said = "report only" if row.kind is Kind.REPORT else row.kind.value
    return f"{said}, own" if row.belongs else said


def _heading(row: SetRow) -> tuple[str, ...]:
    return (f"{row.name} [{kind(row)}]", str(row.n), str(row.n_groups))


def _method(row: MethodFacts, best: str) -> tuple[str, ...]:
    return (
        row.name + (" *" if row.name == best else ""),
        "yes" if row.on_device else "no",
        f"{row.limit:.3f}",
        interval(row.limit_ci95),
        counted(row.false_alarms),
        interval(row.false_alarms.ci95),
        f"{row.refusal:.3f}",
        f"{row.short:.3f} ± {row.short_se:.3f}",
    )


def comparison_text(found: Comparison, device_limit: float) -> str:
    heading = ("method", "device", "limit", "95 %", "false alarms", "95 %", "refused", "below best")
    methods = columns([heading, *(_method(row, found.best) for row in found.methods)], 2)
    names = tuple(row.name for row in found.methods)
    refused = [("set", "n", "groups", "as shipped", "poor image", "labelled", *names)]
    areas = [("set", "n", "groups", *names)]
    for i, row in enumerate(found.sets):
        of_each = [method.sets[i] for method in found.methods]
        shipped = (counted(row.shipped), str(row.poor), str(row.labelled))
        refused.append((*_heading(row), *shipped, *(counted(one.refused) for one in of_each)))
        if not row.belongs:
            areas.append((*_heading(row), *(_area(one) for one in of_each)))
    n, groups = found.fitted_on
    lines = [
        f"rule, stated beforehand: {found.rule}",
        f"limits at {found.asked:.1%} false alarms, from {n} pictures of {groups} lesions or patients; false alarms on the other half:",
        methods,
        f"best by the rule: {found.best}; with the bundle's own distance the limit would be {device_limit:.4f}",
        f"as shipped: {counted(found.shipped_false_alarms)} false alarms ({interval(found.shipped_false_alarms.ci95)})",
        "",
        "refused, k of n",
        columns(refused, 2),
        "",
        "AUROC against the held half of the model's own pictures",
        columns(areas, 2),
        "",
        GATE_NOTE,
    ]
    return "\n".join(lines)
