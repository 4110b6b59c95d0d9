"""What `calibrate confidence` found, as the versioned JSON object (version 1) and as text for people."""

from calibration.confidence.compare import Comparison, MethodFigures
from calibration.site.refit import Refit, Verdict
from edge.cli.output import columns
from edge.model.prevalence import prevalence_words
from edge.reading import ModelIdentity

__all__ = ["comparison_object", "comparison_text", "refit_object", "refit_text", "who_of"]


def who_of(model: ModelIdentity) -> dict[str, object]:
    """The head of every JSON object of this package: its version, and which bytes were asked on what."""
    names = {"model": model.name, "version": model.version, "digest": model.digest, "engine": model.engine, "form": model.form}
    return {"v": 1, **names}


def _row(row: MethodFigures) -> dict[str, object]:
    return {
        "method": row.method.value if row.method else "none",
        "numbers": row.numbers,
        "nll": round(row.nll, 6),
        "nll_se": round(row.nll_se, 6),
        "behind_best": round(row.behind, 6),
        "behind_best_se": round(row.behind_se, 6),
        "brier": round(row.brier, 6),
        "ece15": round(row.ece15, 6),
    }


def comparison_object(found: Comparison, model: ModelIdentity, codes: tuple[str, ...], prevalence: tuple[float, ...]) -> dict[str, object]:
    return {
        **who_of(model),
        "n": found.n,
        "n_groups": found.n_groups,
        "counts": dict(zip(codes, found.counts, strict=True)),
        "prevalence": dict(zip(codes, prevalence, strict=True)),
        "methods": [_row(row) for row in found.rows],
        "chosen": found.chosen.value,
        "temperature": found.scaling.temperature,
        "bias": found.scaling.bias,
        "scale": found.scaling.scale,
        "at_limit": found.scaling.at_limit,
    }


def comparison_text(found: Comparison, codes: tuple[str, ...], prevalence: tuple[float, ...]) -> str:
    k = len(codes)
    rows = [["method", "numbers", "NLL", "behind the best", "Brier", "ECE-15", ""]]
    for row in found.rows:
        name = row.method.named(k) if row.method else "none (the outputs as they are)"
        behind = f"{row.behind:.4f} ± {row.behind_se:.4f}" if row.method else f"{row.behind:.4f}"
        mark = "<- the simplest within one standard error" if row.method is found.chosen else ""
        rows.append([name, str(row.numbers), f"{row.nll:.4f} ± {row.nll_se:.4f}", behind, f"{row.brier:.4f}", f"{row.ece15:.4f}", mark])
    scaling = found.scaling
    numbers = [f"temperature {scaling.temperature:.4f}"]
    if any(scaling.bias):
        numbers.append("bias " + ", ".join(f"{code} {b:+.3f}" for code, b in zip(codes, scaling.bias, strict=True)))
    if scaling.scale:
        numbers.append("scale " + ", ".join(f"{code} {s:.3f}" for code, s in zip(codes, scaling.scale, strict=True)))
    lines = [
        f"n = {found.n} pictures of {found.n_groups} lesions or patients ("
        + ", ".join(f"{code} {n}" for code, n in zip(codes, found.counts, strict=True))
        + "); cross-validated by lesion or patient, ± one standard error",
        columns(rows),
        f"chosen: {found.chosen.named(k)}: {'; '.join(numbers)}",
        f"its probabilities speak of {prevalence_words(codes, prevalence)}",
    ]
    if scaling.at_limit:
        lines.append("no finite temperature fits best: these cases are too few or too easy to calibrate with")
    return "\n".join(lines)


def refit_object(found: Refit, model: ModelIdentity, written: str | None) -> dict[str, object]:
    return {
        **who_of(model),
        "n": found.n,
        "n_groups": found.n_groups,
        "verdict": found.verdict.value,
        "temperature_old": found.old,
        "temperature_new": found.new,
        "likeliest": found.likeliest,
        "likeliest_ci90": found.ci90,
        "nll_change": found.change,
        "nll_change_ci90": found.change_ci90,
        "written": written,
    }


def refit_text(found: Refit) -> str:
    low, high = found.ci90
    c_low, c_high = found.change_ci90
    lines = [
        f"{found.verdict.value}: n = {found.n} pictures of {found.n_groups} lesions or patients",
        f"temperature in force {found.old:.3f}; of this site likeliest {found.likeliest:.3f} (90 % interval {low:.3f} to {high:.3f})",
    ]
    if found.verdict is Verdict.HELPED:
        lines.append(f"new temperature {found.new:.3f}: loss of a further picture {found.change:+.4f} ({c_low:+.4f} to {c_high:+.4f}) nats")
    else:
        lines.append(
            f"the likeliest one would change the loss by {found.change:+.4f} ({c_low:+.4f} to {c_high:+.4f}) nats: nothing is changed"
        )
    return "\n".join(lines)
