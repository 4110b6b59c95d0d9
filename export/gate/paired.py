"""What INT8 lost against FP32 on the same frames, with intervals that resample whole lesions or patients; pure.

The frames of one group (its pictures, and every augmentation of them) are drawn together: they are no independent cases.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.errors import CheckFailed

__all__ = ["MIN_FRAMES", "Comparison", "Limits", "RecallChange", "compare", "refusals", "refuse"]

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
MIN_FRAMES = 3000
DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Limits:
    """agreement: least share of equal labels. loss: most that the one-sided 95 % upper bound of the loss may be."""

    agreement: float = 0.99
    loss: float = 0.02
    frames: int = MIN_FRAMES


@dataclass(frozen=True, slots=True)
class RecallChange:
    """INT8 - FP32 recall of one class, with a paired 95 % interval. worse: the whole interval lies below 0."""

    code: str
    frames: int
    wanted: float
    found: float
    low: float
    high: float

    @property
    def worse(self) -> bool:
        return self.high < 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """frames, groups: how many. agreement: share of equal labels. loss: FP32 - INT8 balanced accuracy,
    loss_upper: its one-sided 95 % bound, loss_interval: two-sided.

    recalls: every class that occurs. disagree_most: code of the class, by FP32 label, that loses most agreement.
    """

    frames: int
    groups: int
    agreement: float
    balanced_float: float
    balanced: float
    loss: float
    loss_upper: float
    loss_interval: tuple[float, float]
    recalls: tuple[RecallChange, ...]
    disagree_most: str


def _hits(predicted: I64, labels: I64, group: I64, groups: int, k: int) -> F64:
    """(groups, k): correct frames of each class in each group."""
    out = np.zeros((groups, k))
    np.add.at(out, (group, labels), predicted == labels)
    return out


def compare(wanted: I64, found: I64, labels: I64, groups: list[str], codes: tuple[str, ...], *, seed: int = 1) -> Comparison:
    """wanted, found: (n,) labels that FP32 and INT8 give; labels: (n,) the truth; groups: lesion or patient of each frame."""
    names, group = np.unique(np.asarray(groups), return_inverse=True)
    m, k = len(names), len(codes)
    size = np.zeros((m, k))
    np.add.at(size, (group, labels), 1)
    there = size.sum(0) > 0
    hit_float, hit_int8 = _hits(wanted, labels, group, m, k), _hits(found, labels, group, m, k)
    draws = np.random.default_rng(seed).multinomial(m, np.full(m, 1 / m), DRAWS).astype(np.float64)
    total = draws @ size
    with np.errstate(invalid="ignore", divide="ignore"):  # a rare class can be missing from a draw: left out of that draw
        change = (draws @ (hit_int8 - hit_float)) / total
    loss = -np.nanmean(change[:, there], 1)
    recall_float, recall_int8 = (hit.sum(0) / np.maximum(size.sum(0), 1) for hit in (hit_float, hit_int8))
    recalls = []
    for c in np.flatnonzero(there):
        low, high = np.nanquantile(change[:, c], [0.025, 0.975])
        recalls.append(
            RecallChange(codes[c], int(size[:, c].sum()), float(recall_float[c]), float(recall_int8[c]), float(low), float(high))
        )
    apart = {c: float((wanted[wanted == c] != found[wanted == c]).mean()) for c in np.unique(wanted)}
    balanced_float, balanced = float(recall_float[there].mean()), float(recall_int8[there].mean())
    return Comparison(
        frames=len(labels),
        groups=m,
        agreement=float((wanted == found).mean()),
        balanced_float=balanced_float,
        balanced=balanced,
        loss=balanced_float - balanced,
        loss_upper=float(np.quantile(loss, 0.95)),
        loss_interval=(float(np.quantile(loss, 0.025)), float(np.quantile(loss, 0.975))),
        recalls=tuple(recalls),
        disagree_most=codes[max(apart, key=lambda c: apart[c])],
    )


def refusals(found: Comparison, not_to_miss: tuple[str, ...], limits: Limits = Limits()) -> tuple[str, ...]:
    """Every demand that is not met, in words; empty when the form passes."""
    out = []
    if found.frames < limits.frames:
        out.append(f"only {found.frames} frames, {limits.frames} are needed")
    if found.agreement < limits.agreement:
        out.append(f"agrees with FP32 on {found.agreement:.2%} (most apart: {found.disagree_most})")
    if found.loss_upper > limits.loss:
        out.append(f"loses {found.loss:.1%} balanced accuracy, at most {found.loss_upper:.1%}")
    out += [
        f"recall of {r.code} falls from {r.wanted:.1%} to {r.found:.1%} ({r.low:+.1%} to {r.high:+.1%})"
        for r in found.recalls
        if r.code in not_to_miss and r.worse
    ]
    return tuple(out)


def refuse(form: str, engine: str, found: Comparison, not_to_miss: tuple[str, ...], worst_layer: str, limits: Limits = Limits()) -> None:
    """Raises CheckFailed when a demand is not met. worst_layer: of the sensitivity scan; empty when it was not run."""
    missed = refusals(found, not_to_miss, limits)
    if missed:
        layer = f"; the most sensitive layer is {worst_layer}" if worst_layer else ""
        raise CheckFailed(
            f"{form} on {engine}: {'; '.join(missed)}{layer}",
            state="no bundle was written",
            do=f"allowed are {limits.agreement:.0%} agreement, {limits.loss:.0%} loss: keep more layers in float, or train for INT8",
        )
