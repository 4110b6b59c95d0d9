"""The calibration report as one HTML file: opens offline, calls nobody, holds no picture. Each figure with its n; the command on top."""

from collections.abc import Sequence

from calibration.confidence.reliability import ERROR_TO_SEE, FORMULA, POWER_ASKED, Reliability
from calibration.conformal.quantile import Source
from calibration.report.facts import Bin, CalibrationReport, PairFacts, SettledFacts
from calibration.report.markup import document, missing, section, table, text
from calibration.report.plot import Axis, Mark, bars, marks
from edge.bench.accuracy_interval import wilson
from edge.model.prevalence import prevalence_words

__all__ = ["page"]

SEEN = "Dev was seen by the calibration (temperature, bias, thresholds): no estimate of what a new patient gets."


def page(report: CalibrationReport) -> str:
    """The whole file as text."""
    parts = [_head(report), _calibration(report), *(_reliability(pair, report) for pair in report.pairs)]
    parts += [_coverage(pair, report) for pair in report.pairs]
    parts.append(_settled(report.settled, report))
    return document(f"{report.name} {report.version}: calibration", parts)


def _of(report: CalibrationReport) -> str:
    return f"{report.side}, n = {report.n} pictures of {report.n_groups} lesions or patients"


def _head(report: CalibrationReport) -> str:
    note = f"Opened for this report alone: {report.opening}" if report.opening else SEEN
    opened = f'<p class="warn">{text(note)}</p>'
    return (
        f"<header><h1>{text(report.name)} {text(report.version)}: calibration</h1>"
        f'<p class="soft">Payload {text(report.digest)}<br>Report made {text(report.made_at)}<br>{text(_of(report))}</p>'
        f"<pre>{text(report.command)}</pre>{opened}"
        f"<p>The probabilities speak of {text(prevalence_words(report.codes, report.prevalence))}. This set has "
        f"{text(prevalence_words(report.codes, report.shares))}; figures of probabilities are carried to it. "
        "Research use only, not for diagnosis.</p></header>"
    )


def _judged(found: Reliability) -> tuple[str, ...]:
    return (
        str(found.n),
        str(found.n_groups),
        f"{found.error:.3f}",
        f"{found.band:.3f}",
        f"{found.power:.2f}",
        found.verdict.value,
        f"{found.ece15:.3f}",
    )


def _calibration(report: CalibrationReport) -> str:
    heading = ("form", "engine", "n", "groups", "l2 error", "band (95 %)", f"power at {ERROR_TO_SEE}", "verdict", "ECE-15", "NLL")
    rows = [(pair.form, pair.engine, *_judged(pair.reliability), f"{pair.nll:.4f}") for pair in report.pairs]
    if report.settled:
        rows.append((f"{report.settled.form}, settled", report.settled.engine, *_judged(report.settled.reliability), "-"))
    figures = report.pairs[0].reliability.figures if report.pairs else 1
    said = (
        f"l2 error: {FORMULA}. Band: its 95 % quantile if all is true, lesions or patients resampled, jointly over {figures} figures. "
        f"Power: how often a true error of {ERROR_TO_SEE} would leave the band; below {POWER_ASKED} a figure inside it says nothing."
    )
    caption = f"Is a probability true? {_of(report)}."
    return section("Calibration", f'<p class="soft">{text(said)}</p>', table(caption, heading, rows))


def _diagram(bins: Sequence[Bin], caption: str) -> str:
    points, rows = [], []
    for b in bins:
        low, high = wilson(b.right, b.n_groups)
        points.append(Mark(b.said, b.right, (low, high), hint=f"n = {b.n}: said {b.said:.2f}, right {b.right:.2f}"))
        rows.append((f"{b.said:.3f}", f"{b.right:.3f} ({low:.3f} to {high:.3f})", str(b.n), str(b.n_groups)))
    drawn = marks(
        Axis("probability of the likeliest class", 0.0, 1.0),
        Axis("share that is right", 0.0, 1.0),
        points,
        "Reliability: the table beside it has the numbers",
        diagonal=True,
    )
    shown = table("By bin.", ("said", "right (95 % interval)", "n", "groups"), rows)
    return f'<div class="pair"><figure>{drawn}<figcaption>{text(caption)}</figcaption></figure>{shown}</div>'


def _reliability(pair: PairFacts, report: CalibrationReport) -> str:
    caption = f"{_of(report)}. Bars: Wilson's 95 % interval, with lesions or patients as trials."
    return section(f"Reliability: {pair.form} on {pair.engine}", _diagram(pair.bins, caption))


def _coverage(pair: PairFacts, report: CalibrationReport) -> str:
    title = f"Prediction sets: {pair.form} on {pair.engine}"
    rows = []
    for row in pair.coverage.rows:
        name = "all classes" if row.label is None else report.codes[row.label]
        behind = pair.behind[row.label] if pair.behind and row.label is not None else None
        expected = f"{row.expected[0]:.3f} to {row.expected[1]:.3f}" if row.expected else ("always in the set" if behind else "not known")
        verdict = ("as expected" if row.is_as_expected else "TOO LOW") if row.expected else "-"
        by = f"{behind.source.value} ({behind.of})" if behind else "-"
        rows.append((name, str(row.n), str(row.n_groups), f"{row.share:.3f}", expected, verdict, by))
    heading = ("class", "n", "groups", "coverage", "expected (95 %)", "verdict", "threshold from (cases)")
    level = f"stated for each class: {report.level:.0%}" if report.level else "no level is stated"
    sizes = [(f"{size} class{'' if size == 1 else 'es'}", float(n)) for size, n in enumerate(pair.coverage.sizes)]
    small = [report.codes[c] for c, one in enumerate(pair.behind or ()) if one.source is not Source.OWN]
    named = f"Too small for a threshold of their own: {', '.join(small)}. " if small else ""
    sets = pair.coverage
    said = (
        f"{named}Mean set size {sets.mean_size:.2f}; one class in {sets.singles:.1%} of the sets, none in {sets.empties:.1%}. "
        f"READY {pair.ready:.1%} of pictures; scope alone refuses {pair.refused:.1%}. {_of(report)}."
    )
    caption = f"Sets hold the truth, {level}. Expected: beta-binomial, for thresholds of that calibration; a lesion or patient counts once."
    drawn = bars(sizes, "How many sets have how many classes")
    return section(
        title,
        table(caption, heading, rows),
        f"<p>{text(said)}</p><figure>{drawn}<figcaption>{text('Sets by their size, counts.')}</figcaption></figure>",
    )


def _settled(found: SettledFacts | None, report: CalibrationReport) -> str:
    title = "What is shown after averaging in time"
    if found is None:
        return section(title, missing("Not measured: ask for it with --settled N."))
    caption = (
        f"{found.reliability.n} settled readings of {found.clips} clips ({report.side}): stills in motion through the whole pipeline, "
        f"settled temperature {found.temperature:g}, {found.form} on {found.engine}."
    )
    return section(title, _diagram(found.bins, caption))
