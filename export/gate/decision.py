"""Fit what turns outputs into labels, on `dev` alone and on the very engine that will run: temperature, bias, set, scope.

Temperature and class bias: smallest class-balanced NLL on the fit half, so that probabilities speak of a
uniform prevalence (Guo et al., ICML 2017; the bias per class has a small L2 towards 0). Prediction set: class-conditional
LAC on the conformal half (Sadinle et al., JASA 2019; Vovk's finite-sample quantile), at the recipe's coverage.
A class that must not be missed has one threshold more, from the fit half: a picture that reaches it gets no other label.
"""

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from edge.bundle.manifest import Decision, Scope
from edge.classify import knn_distance
from edge.frame import F32

__all__ = ["EngineOutputs", "fit_decision", "fit_scope", "in_sight_at", "set_thresholds"]

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
BIAS_L2 = 0.01
MOST_ASKED = 0.5  # a class that has the majority is always in the set: of a model that is nearly always right, a quantile is near 1
IN_SIGHT = 0.8  # share of a class that must not be missed; of derm7 0.1.0 it costs a tenth of READY on dev, 0.75 a fourteenth, 0.9 a sixth
SMALLEST_CLASS = 19  # below, a 90 % quantile is the largest score: such classes pool their scores (ml.md, finite-sample quantiles)


@dataclass(frozen=True, slots=True, eq=False)
class EngineOutputs:
    """What one engine answered to n pictures. logits (n, k), embedding (n, d), gate (n,); labels (n,)."""

    logits: F32
    embedding: F32
    gate: F32
    labels: I64

    def part(self, first: int, end: int) -> "EngineOutputs":
        """Pictures `first` to `end` - 1."""
        here = slice(first, end)
        return EngineOutputs(self.logits[here], self.embedding[here], self.gate[here], self.labels[here])


def _log_softmax(z: F64) -> F64:
    z = z - z.max(1, keepdims=True)
    return np.asarray(z - np.log(np.exp(z).sum(1, keepdims=True)))


def _fit_temperature_bias(logits: F64, labels: I64) -> tuple[float, F64]:
    n, k = logits.shape
    weight = 1.0 / (np.bincount(labels, minlength=k)[labels] * k)

    def loss(free: F64) -> float:
        log_p = _log_softmax(logits / np.exp(free[0]) + free[1:])
        return float(-(weight * log_p[np.arange(n), labels]).sum() + BIAS_L2 * (free[1:] ** 2).sum())

    best = minimize(loss, np.zeros(k + 1), method="L-BFGS-B").x
    return float(np.exp(best[0])), np.asarray(best[1:] - best[1:].mean())


def set_thresholds(probabilities: F32, labels: I64, coverage: float) -> tuple[float, ...]:
    """Smallest probability at which each class stays in the set, (n, k) and (n,) of the conformal half -> k values.

    Class-conditional split conformal: with scores 1 - p_y, the ceil((n_c + 1) * coverage)-th smallest; classes
    with fewer than SMALLEST_CLASS cases share one threshold from their pooled scores. Never above MOST_ASKED, which can only
    raise the coverage.
    """
    k = probabilities.shape[1]
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    small = [c for c in range(k) if (labels == c).sum() < SMALLEST_CLASS]

    def at(scores: F64) -> float:
        rank = ceil((len(scores) + 1) * coverage)
        return 0.0 if rank > len(scores) else min(MOST_ASKED, float(np.sort(scores)[::-1][rank - 1]))

    pooled = at(own[np.isin(labels, small)]) if small else 0.0
    return tuple(round(pooled if c in small else at(own[labels == c]), 6) for c in range(k))


def in_sight_at(probabilities: F32, labels: I64, c: int, sensitivity: float = IN_SIGHT) -> float:
    """The largest probability of class c that a new case of c reaches with the given sensitivity, (n, k) and (n,) of the fit half.

    The floor((n_c + 1) * (1 - sensitivity))-th smallest of its cases (exchangeable with the new one): at most 1 - sensitivity of them
    can ever be READY under another label. 0.0, always in sight, where the class has too few cases for such a promise.
    """
    own = np.sort(probabilities[labels == c, c].astype(np.float64))
    rank = floor((len(own) + 1) * (1 - sensitivity) + 1e-9)  # 1 - 0.8 is a little less than 0.2
    return 0.0 if rank < 1 else float(own[rank - 1])


def fit_scope(fit: EngineOutputs, bank: F32, k: int, member: str) -> Scope:
    """Means and spreads of the two scope scores on in-domain held-out pictures."""
    knn = np.array([knn_distance(row, bank, k) for row in fit.embedding])
    return Scope(
        bank=member,
        n=bank.shape[0],
        dim=bank.shape[1],
        k=k,
        knn_mean=float(knn.mean()),
        knn_sd=float(knn.std() + 1e-6),
        gate_mean=float((-fit.gate).mean()),
        gate_sd=float(fit.gate.std() + 1e-6),
    )


def distances(outputs: EngineOutputs, scope: Scope, bank: F32) -> F64:
    """Scope distance of each picture (n,), as `edge.classify.scope_distance` computes it."""
    knn = np.array([knn_distance(row, bank, scope.k) for row in outputs.embedding])
    return np.asarray((knn - scope.knn_mean) / scope.knn_sd + (-outputs.gate - scope.gate_mean) / scope.gate_sd)


def probabilities_of(outputs: EngineOutputs, temperature: float, bias: F64) -> F32:
    return np.exp(_log_softmax(outputs.logits.astype(np.float64) / temperature + bias)).astype(np.float32)


def fit_decision(fit: EngineOutputs, conformal: EngineOutputs, scope: Scope, bank: F32, *, coverage: float, false_alarm: float) -> Decision:
    """All numbers of one (form, engine)."""
    temperature, bias = _fit_temperature_bias(fit.logits.astype(np.float64), fit.labels)
    threshold = float(np.quantile(distances(fit, scope, bank), 1 - false_alarm))
    return Decision(
        temperature=round(temperature, 5),
        bias=tuple(round(float(b), 5) for b in bias),
        set_at=set_thresholds(probabilities_of(conformal, temperature, bias), conformal.labels, coverage),
        out_of_scope_above=round(threshold, 4),
    )
