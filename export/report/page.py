"""The report as one HTML file: opens offline, calls nobody, holds no picture of a patient."""

from collections.abc import Sequence
from pathlib import Path

from calibration.report.markup import document, missing, section, table, text
from calibration.report.plot import Axis, Mark, bars, lines, marks
from edge.bundle.durable import replace_durably
from export.report.answers import looked_sections, subgroup_section
from export.report.facts import Curve, Layer, PairFacts, Report, Timed

__all__ = ["page", "write_html"]

NOT_TO_MISS = ("mel", "malignant")
WORST_LAYERS = 20


def page(report: Report) -> str:
    """The whole file as text."""
    parts = [_head(report), _curves(report.curves), _counts(report), _pairs(report.pairs)]
    for looked in report.looked:
        parts += looked_sections(looked, report.codes)
    if not report.looked:
        parts.append(section("Figures on dev", missing("Not measured: the bundle was not run for this report.")))
    else:
        watched = [code for code in report.codes if code in NOT_TO_MISS]
        parts.append(subgroup_section(report.looked[0], report.subgroups, report.codes, watched))
    parts += [_layers(report.layers), _timed(report.timed), _mistakes(), _card(report.card)]
    return document(f"{report.name} {report.version}: report", parts)


def write_html(html: str, path: Path) -> None:
    """Whole, or what was there stays. Raises OSError (a full disk is one line at the rim)."""
    replace_durably(path, html.encode("utf-8"))


def _head(report: Report) -> str:
    notes = "".join(f'<p class="warn">{text(note)}</p>' for note in report.notes)
    return (
        f"<header><h1>{text(report.name)} {text(report.version)}</h1><p>{text(report.intended_use)}</p>"
        f'<p class="soft">Payload {text(report.digest)}<br>Report made {text(report.made_at)}</p>{notes}</header>'
    )


def _curves(curves: Sequence[Curve]) -> str:
    curves = [curve for curve in curves if curve.points]
    if not curves:
        return section("Training", missing("Not shown: no training curve was found in the run's folder."))
    parts = [
        '<p class="soft">Balanced accuracy is of the tenth of train that is kept for choices; its n stands in the row "choice" below.</p>'
    ]
    for curve in curves:
        last = max(point.epoch for point in curve.points)
        epochs = Axis("epoch", 0, max(last, 1), whole=True)
        best = max(curve.points, key=lambda point: point.balanced_accuracy)
        most = max(point.loss for point in curve.points) or 1.0
        lowest = min(0.9, int(min(point.balanced_accuracy for point in curve.points) * 10) / 10)
        right = Axis("balanced accuracy", lowest, 1.0)
        losses, accuracies = [(float(p.epoch), p.loss) for p in curve.points], [(float(p.epoch), p.balanced_accuracy) for p in curve.points]
        left = lines(epochs, Axis("loss", 0.0, most), losses, f"Loss of {curve.name} over {last + 1} epochs", "b")
        plot = lines(epochs, right, accuracies, f"Balanced accuracy of {curve.name}, best {best.balanced_accuracy:.3f}")
        said = f"choice: best {best.balanced_accuracy:.3f} after epoch {best.epoch}, last {curve.points[-1].balanced_accuracy:.3f}"
        parts.append(
            f'<h3>{text(curve.name)}</h3><div class="pair"><figure>{left}'
            f"<figcaption>train: loss, last {curve.points[-1].loss:.3f}</figcaption>"
            f"</figure><figure>{plot}<figcaption>{text(said)}</figcaption></figure></div>"
        )
    return section("Training", *parts)


def _counts(report: Report) -> str:
    if not report.counts:
        return section("Pictures by side of the split", missing("Not counted: the pictures of this recipe are rendered."))
    rows = [(side, *map(str, row), str(sum(row))) for side, row in report.counts]
    caption = (
        "Pictures of each class. No patient or lesion stands on two sides. dev is fit and conformal together; "
        "report was counted, not opened."
    )
    return section("Pictures by side of the split", table(caption, ("side", *report.codes, "all"), rows))


def _pairs(pairs: Sequence[PairFacts]) -> str:
    if not pairs:
        return section("Forms and engines", missing("Not shown: the bundle names no pair."))
    rows = []
    for pair in pairs:
        f = pair.figures
        known = (
            (
                f"{f.agreement:.2%}",
                f"{f.balanced_accuracy:.3f} ({f.balanced_accuracy_float:.3f})",
                f"{f.loss_upper:.2%}",
                f"{f.auc:.3f} ({f.auc_float:.3f})",
                f"{f.ece:.3f}",
                f"{f.ready:.2f}",
            )
            if f
            else ("not measured", *["-"] * 5)
        )
        rows.append((pair.form, pair.engine, pair.gate, ", ".join(pair.isa) or "-", *known))
    heading = (
        "form",
        "engine",
        "gate",
        "proven on",
        "labels as FP32",
        "balanced accuracy (FP32)",
        "loss at most",
        "AUC (FP32)",
        "ECE",
        "READY",
    )
    sizes = {(pair.figures.frames, pair.figures.n) for pair in pairs if pair.figures}
    frames, n = (" or ".join(map(str, sorted({size[i] for size in sizes}))) for i in (0, 1))
    said = (
        f"Figures of the gate on dev and augmentations of it ({frames} frames), as the export measured them; the bound of the loss is "
        f"one-sided, 95 %, by patients or lesions. AUC, ECE and READY are of dev alone (n = {n} pictures)."
    )
    told = f'<p class="soft">{text(said)}</p>' if sizes else ""  # no caption: it would be as wide as the table, and so be cut
    return section("Forms and engines", told, table("", heading, rows))


def _layers(layers: Sequence[Layer] | None) -> str:
    if not layers:
        return section("Sensitivity of layers to INT8", missing("Not measured: give the scan's file with --sensitivity."))
    worst = sorted(layers, key=lambda layer: -layer.effect)[:WORST_LAYERS]
    said = (
        f"The {len(worst)} most sensitive of {len(layers)} layers, each alone in INT8: mean KL from FP32 to INT8 in thousandths of a nat. "
        f"Measured on the pictures of the scan, not on dev."
    )
    drawn = bars([(layer.layer, 1000 * layer.effect) for layer in worst], "Sensitivity of layers")
    return section("Sensitivity of layers to INT8", f"<figure>{drawn}<figcaption>{text(said)}</figcaption></figure>")


def _timed(timed: Sequence[Timed] | None) -> str:
    title = "Latency against accuracy"
    if not timed:
        return section(title, missing("Not measured: give the measurements with --latency."))
    most = max(point.latency_ms for point in timed) * 1.15
    low = min(0.9, int(min(point.balanced_accuracy for point in timed) * 20 - 1) / 20)
    points = [Mark(p.latency_ms, p.balanced_accuracy, name=p.name, hint=f"{p.name}: {p.latency_ms:.1f} ms") for p in timed]
    plot = marks(Axis("ms for one picture", 0.0, most), Axis("balanced accuracy", max(0.0, low), 1.0), points, "The table has the numbers")
    rows = [(p.name, f"{p.latency_ms:.2f}", f"{p.balanced_accuracy:.3f}", p.side, str(p.n)) for p in timed]
    return section(title, f"<figure>{plot}</figure>", table("", ("what", "ms", "balanced accuracy", "side", "n"), rows))


def _mistakes() -> str:
    return section(
        "Mistakes",
        missing(
            "The pictures that got another label stand in a file of their own (mistakes.html). It holds pictures of "
            "patients and stays on the workstation; this report holds none."
        ),
    )


def _card(card: str) -> str:
    if not card:
        return ""
    return section("Card", f"<details><summary>The model card inside the bundle</summary><pre>{text(card)}</pre></details>")
