"""The model card: what a person should know before trusting the model. Markdown, a member of the bundle."""

from dataclasses import dataclass

from export.recipe import Recipe

__all__ = ["PairFigures", "card"]


@dataclass(frozen=True, slots=True)
class PairFigures:
    """Figures of one (form, engine) on `dev`. agreement: with FP32, share of labels."""

    form: str
    engine: str
    n: int
    agreement: float
    balanced_accuracy: float
    balanced_accuracy_float: float
    ready: float


def card(recipe: Recipe, figures: tuple[PairFigures, ...], counts: dict[str, tuple[int, ...]]) -> str:
    """counts: pictures per label, by side of the split."""
    model = recipe.model
    codes = [label.code for label in recipe.labels]
    lines = [
        f"# {model.name} {model.version}",
        "",
        model.intended_use,
        "",
        f"Licence of the weights: {model.licence}. {model.licence_note}",
        "",
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
        "## Figures on dev (seen by the calibration: no estimate of what a new patient gets)",
        "",
        "| form | engine | n | agreement with FP32 | balanced accuracy (FP32) | READY |",
        "|---|---|---|---|---|---|",
        *(
            f"| {f.form} | {f.engine} | {f.n} | {f.agreement:.3f} "
            f"| {f.balanced_accuracy:.3f} ({f.balanced_accuracy_float:.3f}) | {f.ready:.2f} |"
            for f in figures
        ),
        "",
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
