"""What a model is worth on a label table: forced (a label for every picture) and selective (what a clinician would have seen).

Forced asks the model whatever its state: the label with the highest probability. Selective counts a label only where it
was shown (READY). Units of every interval are groups (lesions, patients, clips), never images.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.bench import accuracy_metrics as metrics
from edge.bench.accuracy_bootstrap import DRAWS, estimate
from edge.bench.accuracy_interval import FEWEST, FEWEST_OF_A_CLASS, believable
from edge.bench.accuracy_metrics import F64, Bool
from edge.reading import State

__all__ = ["Accuracy", "Case", "ClassFigure", "Figure", "Forced", "Selective", "Unknown", "measure"]

SPECIFICITY = 0.90


@dataclass(frozen=True, slots=True)
class Case:
    """One row of a table, looked at. probabilities: in the order of the model's labels. shown: the label of READY, else None.

    label: as the table says; one that the model does not have is a case to be refused.
    """

    label: str
    group: str
    probabilities: tuple[float, ...]
    state: State
    shown: str | None


@dataclass(frozen=True, slots=True)
class Figure:
    """value and its 95 % interval; None where the cases give it no meaning, or are too few for an interval."""

    value: float | None = None
    ci95: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class ClassFigure:
    """recall of one class among n cases of it."""

    label: str
    n: int
    recall: Figure


@dataclass(frozen=True, slots=True)
class Forced:
    accuracy: Figure
    balanced_accuracy: Figure
    auc_macro: Figure  # one against the rest, mean over classes; of the second label when there are two
    ece15: Figure


@dataclass(frozen=True, slots=True)
class Selective:
    """coverage: share of cases in READY. The rest is measured among those."""

    coverage: Figure
    balanced_accuracy: Figure
    per_class: tuple[ClassFigure, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Cases of a label that the model does not have, and their states: READY is the fault here."""

    label: str
    n: int
    states: tuple[tuple[State, int], ...]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """n: all cases, n_known: those of the model's labels (the denominator of every figure), n_groups: groups among all cases."""

    n: int
    n_known: int
    n_groups: int
    forced: Forced
    selective: Selective
    per_class: tuple[ClassFigure, ...]
    states: tuple[tuple[State, int], ...]
    auc_by_group: Figure  # mean probability within a group; nothing when every group is one case
    sensitivity_at_spec90: tuple[tuple[str, Figure], ...]
    unknown: tuple[Unknown, ...]


def measure(cases: Sequence[Case], codes: Sequence[str], draws: int = DRAWS) -> Accuracy:
    """Every figure of one evaluation. codes: the model's labels in order. draws: of the bootstrap."""
    known = [case for case in cases if case.label in codes]
    n, k = len(known), len(codes)
    truth = np.array([codes.index(case.label) for case in known], np.int64)
    p = np.array([case.probabilities for case in known], np.float64).reshape(n, k)
    forced = p.argmax(axis=1) if n else truth
    shown = np.array([codes.index(case.shown) if case.shown in codes else -1 for case in known], np.int64)
    ready = np.array([case.state is State.READY for case in known], np.bool_)
    group = np.unique([case.group for case in known], return_inverse=True)[1].astype(np.int64)

    def units(chosen: Bool) -> int:
        return len(np.unique(group[chosen]))

    def together(chosen: Bool) -> int:
        """Groups behind a figure that takes the classes together; 0 where one of those that occur has too few."""
        of_class = [count for i in range(k) if (count := units(chosen & (truth == i)))]
        return units(chosen) if of_class and min(of_class) >= FEWEST_OF_A_CLASS else 0

    def one(figure: Callable[[F64], F64], groups: int, *, is_share: bool = False, chosen: Bool | None = None) -> Figure:
        return many(figure, (groups,), is_share=is_share, chosen=chosen)[0]

    def many(figure: Callable[[F64], F64], groups: Sequence[int], *, is_share: bool, chosen: Bool | None = None) -> tuple[Figure, ...]:
        found = estimate((lambda w: figure(w * chosen)) if chosen is not None else figure, n, group, draws)
        if not found:
            return (Figure(),) * len(groups)
        return tuple(Figure(v, believable(v, ci, count, is_share=is_share)) for (v, ci), count in zip(found, groups, strict=True))

    def by_class(said: NDArray[np.int64], chosen: Bool) -> tuple[ClassFigure, ...]:
        counts = np.bincount(truth[chosen], minlength=k)
        groups = [units(chosen & (truth == i)) for i in range(k)]
        found = many(lambda w: metrics.recalls(truth, said, k, w), groups, is_share=True, chosen=chosen)
        return tuple(ClassFigure(code, int(count), recall) for code, count, recall in zip(codes, counts, found, strict=True))

    def sensitivity(i: int) -> Figure:
        positive = truth == i
        groups = units(positive) if units(~positive) >= FEWEST else 0  # the threshold is a quantile of the others
        return one(_sensitivity(positive, p[:, i]), groups, is_share=True)

    every = np.ones(n, np.bool_)
    return Accuracy(
        n=len(cases),
        n_known=n,
        n_groups=len({case.group for case in cases}),
        forced=Forced(
            accuracy=one(lambda w: metrics.accuracy(truth, forced, w), units(every), is_share=True),
            balanced_accuracy=one(lambda w: metrics.balanced(metrics.recalls(truth, forced, k, w)), together(every)),
            auc_macro=one(lambda w: _macro_auc(truth, p, w), together(every)),
            ece15=one(lambda w: metrics.ece(forced == truth, p.max(axis=1), w), units(every)),
        ),
        selective=Selective(
            coverage=one(lambda w: metrics.share(ready, w), units(every), is_share=True),
            balanced_accuracy=one(lambda w: metrics.balanced(metrics.recalls(truth, shown, k, w)), together(ready), chosen=ready),
            per_class=by_class(shown, ready),
        ),
        per_class=by_class(forced, every),
        states=_states(cases),
        auc_by_group=_auc_by_group(truth, p, group, draws, together(every)),
        sensitivity_at_spec90=tuple((code, sensitivity(i)) for i, code in enumerate(codes)),
        unknown=tuple(
            Unknown(label, sum(case.label == label for case in cases), _states([case for case in cases if case.label == label]))
            for label in sorted({case.label for case in cases}.difference(codes))
        ),
    )


def _macro_auc(truth: NDArray[np.int64], p: F64, weights: F64) -> F64:
    classes = [1] if p.shape[1] == 2 else range(p.shape[1])
    return metrics.balanced(np.stack([metrics.auc(truth == i, p[:, i], weights) for i in classes], axis=1))


def _sensitivity(positive: NDArray[np.bool_], score: F64) -> Callable[[F64], F64]:
    return lambda weights: metrics.sensitivity_at_specificity(positive, score, SPECIFICITY, weights)


def _auc_by_group(truth: NDArray[np.int64], p: F64, group: NDArray[np.int64], draws: int, groups: int) -> Figure:
    """AUC over (group, label) pairs, each with the mean probability of its cases: a lesion seen from three sides counts once."""
    if group.size == 0 or int(group.max()) + 1 == group.size:
        return Figure()
    pairs, index = np.unique(np.stack([group, truth], axis=1), axis=0, return_inverse=True)
    index = index.reshape(-1)
    count = np.bincount(index)
    mean = np.stack([np.bincount(index, weights=column) / count for column in p.T], axis=1)
    value, drawn = estimate(lambda w: _macro_auc(pairs[:, 1], mean, w), len(pairs), pairs[:, 0], draws)[0]
    return Figure(value, believable(value, drawn, groups, is_share=False))


def _states(cases: Sequence[Case]) -> tuple[tuple[State, int], ...]:
    """Counts in order of precedence, those that occur."""
    counts = Counter(case.state for case in cases)
    return tuple((state, counts[state]) for state in State if counts[state])
