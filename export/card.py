"""The model card: what a person should know before trusting the model. Markdown, a member of the bundle."""

import re
from collections.abc import Sequence

from export.gate.figures import PairFigures
from export.gate.pairs import RECALL_NAMED, Gated
from export.gate.teacher import AgainstTeacher
from export.recipe import Recipe

__all__ = ["card", "figures_of_card", "gate_lines"]

HEADING = "| form | engine | frames | agreement | balanced accuracy (FP32) | loss at most | n | AUC (FP32) | ECE | READY |"
ROW = re.compile(
    r"^\| (\S+) \| (\S+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \(([\d.]+)\) \| (-?[\d.]+) \| (\d+) \| ([\d.]+) \(([\d.]+)\) "
    r"\| ([\d.]+) \| ([\d.]+) \|$",
    re.MULTILINE,
)


def card(
    recipe: Recipe,
    gated: Sequence[Gated],
    counts: dict[str, tuple[int, ...]],
    teachers: Sequence[str] = (),
    beside: AgainstTeacher | None = None,
) -> str:
    """counts: pictures per label, by side of the split. teachers: a line on each network that the student learned from.

    beside: the student held against them on dev.
    """
    model = recipe.model
    codes = [label.code for label in recipe.labels]
    lines = [
        f"# {model.name} {model.version}",
        "",
        model.intended_use,
        "",
        f"Licence of the weights: {model.licence}. {model.licence_note}",
        "",
        *(["## Teacher", "", *(f"- {line}" for line in teachers), ""] if teachers else []),
        "## Data",
        "",
        "| side | " + " | ".join(codes) + " |",
        "|" + "---|" * (len(codes) + 1),
        *(f"| {side} | " + " | ".join(map(str, row)) + " |" for side, row in counts.items()),
        "",
        *([f"- {cite}" for cite in recipe.data.cite] if recipe.data else ["- Rendered pictures alone."]),
        "",
        "Probabilities speak of a uniform prevalence of the classes: they are fitted with every class weighing the same.",
        "",
        *gate_lines(gated),
        *_beside(beside),
        "Figures on sets that no step saw stand in the README, with their command.",
        "",
        "## Limits",
        "",
        "- Not a medical device. Performance on skin of Fitzpatrick type IV to VI, on other devices and in screening is not established."
        if model.modality == "dermoscopy"
        else "- Not a medical device. Performance on other devices, other populations and in screening is not established.",
        "- A disease that is not in the list above is labelled as one that is, unless the scope check refuses the picture.",
        "  The scope check knows pictures of another kind; it is no test for unknown diseases.",
        "",
    ]
    return "\n".join(lines)


def figures_of_card(text: str) -> tuple[PairFigures, ...]:
    """The gate's table of a card that `card` wrote; nothing of a card by another hand, or of an older one."""
    out = []
    for form, engine, frames, agreement, balanced, balanced_float, loss, n, auc, auc_float, ece, ready in ROW.findall(text):
        measured = map(float, (agreement, balanced, balanced_float, loss, auc, auc_float, ece, ready))
        out.append(PairFigures(form, engine, int(frames), int(n), *measured))
    return tuple(out)


def _beside(teacher: AgainstTeacher | None) -> list[str]:
    """student - teacher, by paired resampling of patients or lesions."""
    if teacher is None:
        return []
    found = teacher.comparison
    low, high = found.loss_interval
    view = "with the mirror image" if teacher.flipped else "one view"
    return [
        "## Student and teacher on dev",
        "",
        f"Balanced accuracy of the student ({teacher.form} on {teacher.engine}) {found.balanced:.3f}, of the teacher ({view}) "
        f"{found.balanced_float:.3f}: student - teacher {-found.loss:+.3f} ({-high:+.3f} to {-low:+.3f}), {found.frames} pictures, "
        "neither calibrated.",
        "",
    ]


def gate_lines(gated: Sequence[Gated]) -> list[str]:
    """The part on what INT8 lost."""
    return [
        "## INT8 against FP32 on dev (seen by the calibration: no estimate of what a new patient gets)",
        "",
        "Frames are dev itself and augmentations of it: agreement, balanced accuracy and the one-sided 95 % bound of its loss are of them,",
        "by resampling patients or lesions. AUC, ECE and READY are of the n pictures of dev.",
        "",
        HEADING,
        "|" + "---|" * HEADING.count(" | ") + "---|",
        *(_row(one.figures) for one in gated),
        "",
        "Recall, FP32 to INT8, with the paired 95 % interval of the change:",
        "",
        *(
            f"- {one.figures.form} on {one.figures.engine}, {r.code} ({r.frames} frames): "
            f"{r.wanted:.3f} to {r.found:.3f} ({r.low:+.3f} to {r.high:+.3f})"
            for one in gated
            for r in one.comparison.recalls
            if r.code in RECALL_NAMED
        ),
        "",
        *(
            f"- {one.figures.form} on {one.figures.engine}: of all subgroups, {w.column} = {w.value} (n = {w.n}) loses most: "
            f"accuracy {w.accuracy_float:.3f} to {w.accuracy:.3f}"
            for one in gated
            if (w := one.worst) is not None
        ),
        "",
    ]


def _row(f: PairFigures) -> str:
    return (
        f"| {f.form} | {f.engine} | {f.frames} | {f.agreement:.4f} | {f.balanced_accuracy:.3f} ({f.balanced_accuracy_float:.3f}) "
        f"| {f.loss_upper:.4f} | {f.n} | {f.auc:.3f} ({f.auc_float:.3f}) | {f.ece:.3f} | {f.ready:.2f} |"
    )
