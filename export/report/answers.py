"""The part of the page on pictures that were looked at: figures, confusion, reliability, subgroups. All with n and side."""

from collections.abc import Callable, Sequence

import numpy as np

from calibration.report.markup import Cell, bar, missing, section, share, table, text
from calibration.report.plot import Axis, Mark, marks
from edge.bench.accuracy import Accuracy, Case, measure
from edge.bench.accuracy_interval import wilson
from edge.bench.accuracy_metrics import ece
from edge.reading import State
from export.data.subgroups import FEWEST_OF_SUBGROUP, Subgroups
from export.report.facts import Looked

__all__ = ["looked_sections", "subgroup_section"]

BINS = 10
SEEN = {
    "dev": "Dev was seen by the calibration (temperature, bias, thresholds): no estimate of what a new patient gets.",
    "choice": "This tenth of train decided the early stop and other choices: figures on it are too kind.",
}


def _said(case: Case, codes: Sequence[str]) -> str:
    return codes[int(np.argmax(case.probabilities))]


def _of(looked: Looked) -> str:
    groups = len({case.group for case in looked.cases})
    return f"{looked.side}, n = {len(looked.cases)} pictures of {groups} patients or lesions"


def looked_sections(looked: Looked, codes: tuple[str, ...]) -> list[str]:
    """Figures, confusion and reliability of one side."""
    if not looked.cases:
        return [section(f"Figures on {looked.side}", missing("Not measured: no picture of this side was looked at."))]
    found = measure(looked.cases, codes)
    note = f"Opened for this report alone: {looked.opening}" if looked.opening else SEEN.get(looked.side, "")
    title = f"Figures on {looked.side}"
    said = f'<p class="warn">{text(note)}</p>' if note else ""
    return [
        section(title, said, f'<p class="soft">{text(looked.how)}</p>', _figures(found, looked), _recalls(found, looked)),
        section(f"Confusion on {looked.side}", *_confusion(looked, codes)),
        section(f"Reliability on {looked.side}", _reliability(looked, codes)),
    ]


def _figures(found: Accuracy, looked: Looked) -> str:
    forced, shown = found.forced, found.selective
    rows = [
        ("balanced accuracy, every picture gets a label", forced.balanced_accuracy),
        ("accuracy, every picture gets a label", forced.accuracy),
        ("AUC", forced.auc_macro),
        ("AUC per patient or lesion", found.auc_by_group),
        *((f"sensitivity to {label} at 90 % specificity", figure) for label, figure in found.sensitivity_at_spec90),
        ("share of pictures in READY", shown.coverage),
        ("balanced accuracy among those", shown.balanced_accuracy),
    ]
    return table(
        f"{_of(looked)}. 95 % intervals over patients or lesions.",
        ("figure", "value (95 % interval)"),
        [(name, share(figure.value, figure.ci95)) for name, figure in rows],
    )


def _recalls(found: Accuracy, looked: Looked) -> str:
    ready = {figure.label: figure for figure in found.selective.per_class}
    rows = [
        (
            c.label,
            str(c.n),
            share(c.recall.value, c.recall.ci95),
            str(ready[c.label].n),
            share(ready[c.label].recall.value, ready[c.label].recall.ci95),
        )
        for c in found.per_class
    ]
    return table(f"Recall by class on {looked.side}.", ("class", "n", "recall", "n in READY", "recall in READY"), rows)


def _matrix(caption: str, looked: Looked, codes: Sequence[str], columns: Sequence[str], answer: Callable[[Case], str]) -> str:
    rows: list[list[str | Cell]] = []
    for code in codes:
        of_code = [answer(case) for case in looked.cases if case.label == code]
        rows.append([code, *(bar(of_code.count(column), len(of_code)) for column in columns), str(len(of_code))])
    return table(caption, ("true class", *columns, "n"), rows)


def _confusion(looked: Looked, codes: tuple[str, ...]) -> list[str]:
    def shown(case: Case) -> str:
        return case.shown if case.state is State.READY and case.shown is not None else case.state.value

    other = sorted({case.state.value for case in looked.cases if case.state is not State.READY})
    return [
        _matrix(f"The likeliest class ({_of(looked)}): counts and shares of the row.", looked, codes, codes, lambda c: _said(c, codes)),
        _matrix(
            "What the screen shows for a still picture: a label (READY), or why there is none.", looked, codes, (*codes, *other), shown
        ),
    ]


def _reliability(looked: Looked, codes: tuple[str, ...]) -> str:
    p = np.array([case.probabilities for case in looked.cases], np.float64)
    truth = np.array([codes.index(case.label) if case.label in codes else -1 for case in looked.cases])
    confidence, right = p.max(1), p.argmax(1) == truth
    counts = np.bincount(truth[truth >= 0], minlength=len(codes))
    even = np.where(truth >= 0, 1.0 / np.maximum(counts[truth], 1), 0.0)
    found, found_even = (float(ece(right, confidence, w[None])[0]) for w in (np.ones(len(p)), even))
    index = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    points, rows = [], []
    for b in range(BINS):
        inside = np.flatnonzero(index == b)
        if not len(inside):
            continue
        groups = len({looked.cases[i].group for i in inside})
        value, mean = float(right[inside].mean()), float(confidence[inside].mean())
        low, high = wilson(value, groups)
        points.append(Mark(mean, value, (low, high), hint=f"n = {len(inside)}: said {mean:.2f}, right {value:.2f}"))
        rows.append((f"{b / BINS:.1f} to {(b + 1) / BINS:.1f}", str(len(inside)), str(groups), f"{mean:.3f}", share(value, (low, high))))
    axis = Axis("confidence of the likeliest class", 0.0, 1.0)
    plot = marks(axis, Axis("share that is right", 0.0, 1.0), points, "Reliability: the table beside it has the numbers", diagonal=True)
    caption = (
        f"{_of(looked)}. Bars: Wilson's 95 % interval, with patients or lesions as its trials. "
        f"ECE of 15 bins: {found:.3f} as the pictures are, "
        f"{found_even:.3f} with every class weighing the same, which is what the probabilities are fitted for."
    )
    heading = ("confidence", "n", "groups", "mean", "right (95 % interval)")
    return f'<div class="pair"><figure>{plot}<figcaption>{text(caption)}</figcaption></figure>{table("By bin.", heading, rows)}</div>'


def subgroup_section(looked: Looked, subgroups: Sequence[Subgroups], codes: tuple[str, ...], watched: Sequence[str]) -> str:
    """Accuracy, and recall of the classes in `watched`, for each value of each column."""
    if not subgroups:
        return section("Subgroups", missing("Not measured: no column of the label table was named."))
    return section(
        f"Subgroups on {looked.side}",
        f'<p class="soft">{text(_of(looked))}. Below {FEWEST_OF_SUBGROUP} pictures nothing is reported. '
        "Intervals: Wilson, 95 %, with patients or "
        "lesions as trials; they are not corrected for the number of rows, so one that stands apart may do so by chance.</p>",
        *(_subgroup(looked, column, codes, watched) for column in subgroups),
    )


def _subgroup(looked: Looked, column: Subgroups, codes: tuple[str, ...], watched: Sequence[str]) -> str:
    rows = []
    for value in sorted(set(column.values)):
        cases = [case for case, found in zip(looked.cases, column.values, strict=True) if found == value]
        of_class = [[case for case in cases if case.label == code] for code in watched]
        groups = len({case.group for case in cases})
        rows.append((value or "(not given)", str(len(cases)), str(groups), *(_right(chosen, codes) for chosen in (cases, *of_class))))
    return table(column.column, (column.column, "n", "groups", "accuracy", *(f"recall of {code}" for code in watched)), rows)


def _right(cases: Sequence[Case], codes: Sequence[str]) -> str:
    if len(cases) < FEWEST_OF_SUBGROUP:
        return f"not reported (n = {len(cases)})"
    value = sum(_said(case, codes) == case.label for case in cases) / len(cases)
    return share(value, wilson(value, len({case.group for case in cases}))) + f", n = {len(cases)}"
