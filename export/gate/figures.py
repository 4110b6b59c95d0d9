"""What the gate found of one (form, engine), as the card prints it and the report reads it again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.bench import accuracy_metrics as metrics
from edge.frame import F32
from export.data.subgroups import FEWEST_OF_SUBGROUP, Subgroups

__all__ = ["PairFigures", "Subgroup", "auc_and_ece", "worst_subgroup"]

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PairFigures:
    """Of one (form, engine). frames: of the gate, of which `n` are dev itself and the rest augmentations of it.

    On the frames: agreement with FP32 (share of labels), balanced accuracy of both, loss_upper (one-sided 95 % bound of what was
    lost). On dev itself: AUC (macro, one against the rest), ECE (15 bins), READY (share of pictures that get a label).
    """

    form: str
    engine: str
    frames: int
    n: int
    agreement: float
    balanced_accuracy: float
    balanced_accuracy_float: float
    loss_upper: float
    auc: float
    auc_float: float
    ece: float
    ready: float


@dataclass(frozen=True, slots=True)
class Subgroup:
    """Accuracy of INT8 and of FP32 on the n pictures of dev whose `column` has this value."""

    column: str
    value: str
    n: int
    accuracy: float
    accuracy_float: float

    @property
    def loss(self) -> float:
        return self.accuracy_float - self.accuracy


def auc_and_ece(probabilities: F32, labels: I64) -> tuple[float, float]:
    """Macro AUC (of the second label when there are two) and ECE of (n, k), (n,): every picture weighs the same."""
    p, one = probabilities.astype(np.float64), np.ones((1, len(labels)))
    classes = [1] if p.shape[1] == 2 else range(p.shape[1])
    by_class = np.stack([metrics.auc(labels == c, p[:, c], one) for c in classes], axis=1)
    return float(metrics.balanced(by_class)[0]), float(metrics.ece(p.argmax(1) == labels, p.max(1), one)[0])


def worst_subgroup(subgroups: tuple[Subgroups, ...], labels: I64, wanted: I64, found: I64) -> Subgroup | None:
    """The subgroup that loses most of its accuracy against FP32, among those with enough pictures; None where there is none.

    labels, wanted, found: (n,) the truth and what FP32 and INT8 say of the rows that `subgroups` speaks of.
    """
    seen = []
    for column in subgroups:
        values = np.array(column.values)
        for value in sorted(set(column.values) - {""}):
            of = values == value
            if of.sum() >= FEWEST_OF_SUBGROUP:
                right, right_float = (float((said[of] == labels[of]).mean()) for said in (found, wanted))
                seen.append(Subgroup(column.column, value, int(of.sum()), right, right_float))
    return max(seen, key=lambda s: s.loss, default=None)
