"""What an artefact changes in a model's answers, with intervals over whole patients or lesions; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.bench import accuracy_metrics as metrics
from edge.bench.accuracy import Figure
from edge.bench.accuracy_bootstrap import estimate
from edge.bench.accuracy_interval import FEWEST_OF_A_CLASS, believable
from edge.bench.accuracy_metrics import F64, Bool
from edge.reading import State

__all__ = ["Answers", "Change", "Truth", "change", "mean_change"]

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """label: (n,) index of the right label. group: (n,) index of the patient or lesion, 0 … g - 1, each occurring. k: labels."""

    label: I64
    group: I64
    k: int


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """probabilities: (n, k). states: what the screen would say of each picture."""

    probabilities: F64
    states: tuple[State, ...]

    def of_state(self, state: State) -> Bool:
        return np.array([each is state for each in self.states], np.bool_)


@dataclass(frozen=True, slots=True)
class Change:
    """flips: share of pictures whose most probable label is another one. shown_flips: of those READY both times, another label.

    auc, balanced_accuracy: painted - clean. poor, out_of_scope: pictures that come to this state and were not in it.
    """

    flips: Figure
    shown_flips: Figure
    auc: Figure
    balanced_accuracy: Figure
    poor: int
    out_of_scope: int


def _macro_auc(label: I64, p: F64, weights: F64) -> F64:
    classes = [1] if p.shape[1] == 2 else range(p.shape[1])
    return metrics.balanced(np.stack([metrics.auc(label == c, p[:, c], weights) for c in classes], axis=1))


def _by_group(truth: Truth, p: F64) -> tuple[Truth, F64]:
    """One case for each (group, label), with the mean probability of its pictures."""
    pairs, index = np.unique(np.stack([truth.group, truth.label], axis=1), axis=0, return_inverse=True)
    count = np.bincount(index.reshape(-1))
    mean = np.stack([np.bincount(index.reshape(-1), weights=column) / count for column in p.T], axis=1)
    return Truth(pairs[:, 1], pairs[:, 0], truth.k), mean


def _auc_change(truth: Truth, clean: F64, painted: Sequence[F64]) -> Figure:
    """Per patient with two labels, per picture with more. The mean over `painted`."""
    if truth.k == 2:
        by_patient, clean = _by_group(truth, clean)
        painted = [_by_group(truth, p)[1] for p in painted]
        truth = by_patient
    label, of_class = truth.label, _groups_of_classes(truth)

    def fall(weights: F64) -> F64:
        after = np.mean([_macro_auc(label, p, weights) for p in painted], axis=0)
        return np.asarray(after - _macro_auc(label, clean, weights), np.float64)

    return _figure(fall, truth, of_class, is_share=False)


def _groups_of_classes(truth: Truth) -> int:
    """Groups behind a figure that takes the classes together; 0 where a class has too few."""
    counts = [len(np.unique(truth.group[truth.label == c])) for c in np.unique(truth.label)]
    return len(np.unique(truth.group)) if counts and min(counts) >= FEWEST_OF_A_CLASS else 0


def _figure(of: metrics.Figure, truth: Truth, groups: int, *, is_share: bool) -> Figure:
    value, interval = estimate(of, len(truth.label), truth.group)[0]
    return Figure(value, believable(value, interval, groups, is_share=is_share))


def mean_change(truth: Truth, clean: Answers, painted: Sequence[Answers]) -> Change:
    """The mean over several artefacts, each picture under each of them. Counts are sums. n >= 1."""
    said = clean.probabilities.argmax(1)
    others = [each.probabilities.argmax(1) for each in painted]
    flips = np.mean([other != said for other in others], axis=0)
    shown = [clean.of_state(State.READY) & each.of_state(State.READY) for each in painted]
    both = np.mean(shown, axis=0)
    both_flip = np.mean([(other != said) & seen for other, seen in zip(others, shown, strict=True)], axis=0)

    def shown_flips(weights: F64) -> F64:
        seen = weights @ both
        return np.asarray(np.divide(weights @ both_flip, seen, out=np.full(len(seen), np.nan), where=seen > 0), np.float64)

    def balanced(weights: F64) -> F64:
        after = [metrics.balanced(metrics.recalls(truth.label, other, truth.k, weights)) for other in others]
        return np.asarray(np.mean(after, axis=0) - metrics.balanced(metrics.recalls(truth.label, said, truth.k, weights)), np.float64)

    groups = len(np.unique(truth.group))
    return Change(
        flips=_figure(lambda w: np.asarray(w @ flips / w.sum(axis=1), np.float64), truth, groups, is_share=True),
        shown_flips=_figure(shown_flips, truth, len(np.unique(truth.group[both > 0])), is_share=True),
        auc=_auc_change(truth, clean.probabilities, [each.probabilities for each in painted]),
        balanced_accuracy=_figure(balanced, truth, _groups_of_classes(truth), is_share=False),
        poor=_turned(clean, painted, State.POOR_IMAGE),
        out_of_scope=_turned(clean, painted, State.OUT_OF_SCOPE),
    )


def change(truth: Truth, clean: Answers, painted: Answers) -> Change:
    """Of one artefact."""
    return mean_change(truth, clean, [painted])


def _turned(clean: Answers, painted: Sequence[Answers], state: State) -> int:
    return sum(int((each.of_state(state) & ~clean.of_state(state)).sum()) for each in painted)
