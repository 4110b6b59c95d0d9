"""Fit what turns outputs into labels, on `dev` alone and on the very engine that will run: temperature, bias, set, scope.

How probabilities are corrected is chosen on the fit half (`calibration.confidence`), so that they speak of equally frequent classes;
prediction sets are class-conditional, from the conformal half (`calibration.conformal`), at the recipe's coverage.
A class that must not be missed has one threshold more, from the fit half: a picture that reaches it gets no other label.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from calibration.confidence.cases import cases_of
from calibration.confidence.compare import compare
from calibration.confidence.methods import Scaling, apply, uniform, with_scaling
from calibration.conformal.quantile import thresholds
from edge.bundle.manifest import Decision, Scope
from edge.classify import knn_distance
from edge.frame import F32

__all__ = ["EngineOutputs", "ScopeRuler", "fit_decision", "fit_scope", "in_sight_at", "probabilities_of", "with_blurred_limit"]

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
IN_SIGHT = 0.8  # share of a class that must not be missed; of derm7 0.1.0 it costs a tenth of READY on dev, 0.75 a fourteenth, 0.9 a sixth


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


def in_sight_at(probabilities: F32, labels: I64, c: int, sensitivity: float = IN_SIGHT) -> float:
    """The largest probability of class c that a new case of c reaches with the given sensitivity, (n, k) and (n,) of the fit half.

    The floor((n_c + 1) * (1 - sensitivity))-th smallest of its cases (exchangeable with the new one): at most 1 - sensitivity of them
    can ever be READY under another label. 0.0, always in sight, where the class has too few cases for such a promise.
    """
    own = np.sort(probabilities[labels == c, c].astype(np.float64))
    rank = floor((len(own) + 1) * (1 - sensitivity) + 1e-9)  # 1 - 0.8 is a little less than 0.2
    return 0.0 if rank < 1 else float(own[rank - 1])


def fit_scope(fit: EngineOutputs, bank: F32 | None, k: int, member: str) -> Scope:
    """Means and spreads of the scope scores on in-domain held-out pictures. bank: None where the gate alone tells."""
    scope = Scope(gate_mean=float((-fit.gate).mean()), gate_sd=float(fit.gate.std() + 1e-6))
    if bank is None:
        return scope
    knn = _knn(fit, bank, k)
    n, dim = bank.shape
    return replace(scope, bank=member, n=n, dim=dim, k=k, knn_mean=float(knn.mean()), knn_sd=float(knn.std() + 1e-6))


def _knn(outputs: EngineOutputs, bank: F32, k: int) -> F64:
    return np.array([knn_distance(row, bank, k) for row in outputs.embedding], np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class ScopeRuler:
    """What a bundle measures scope with. bank: (n, d) float32, rows of length 1; None where the gate alone tells."""

    scope: Scope
    bank: F32 | None

    def distances(self, outputs: EngineOutputs) -> F64:
        return distances(outputs, self.scope, self.bank)


def distances(outputs: EngineOutputs, scope: Scope, bank: F32 | None) -> F64:
    """Scope distance of each picture (n,), as `edge.classify.scope_distance` computes it."""
    gate = np.asarray((-outputs.gate.astype(np.float64) - scope.gate_mean) / scope.gate_sd)
    return gate if bank is None else gate + (_knn(outputs, bank, scope.k) - scope.knn_mean) / scope.knn_sd


def with_blurred_limit(decision: Decision, blurred: F64, false_alarm: float) -> Decision:
    """blurred: (m,) scope distances of blurred in-domain pictures, of which the share `false_alarm` lies past the limit."""
    far = float(np.quantile(blurred, 1 - false_alarm))
    return replace(decision, blurred_out_of_scope_above=round(max(far, decision.out_of_scope_above or far), 4))


def probabilities_of(outputs: EngineOutputs, decision: Decision) -> F32:
    """(n, k) as the device computes them."""
    return apply(Scaling.of(decision), outputs.logits.astype(np.float64)).astype(np.float32)


def fit_decision(
    fit: EngineOutputs,
    conformal: EngineOutputs,
    ruler: ScopeRuler,
    *,
    groups: Sequence[str],
    coverage: float,
    false_alarm: float,
) -> Decision:
    """All numbers of one (form, engine). groups: lesion or patient of each picture of the fit half, then of the conformal half."""
    k = fit.logits.shape[1]
    found = compare(cases_of(fit.logits, fit.labels, groups[: len(fit.labels)]), uniform(k))
    threshold = float(np.quantile(ruler.distances(fit), 1 - false_alarm))
    plain = Decision(bias=(0.0,) * k, set_at=(0.0,) * k, out_of_scope_above=round(threshold, 4))
    decision = with_scaling(plain, found.scaling)
    held = cases_of(conformal.logits, conformal.labels, groups[len(fit.labels) :])
    sets = thresholds(apply(Scaling.of(decision), held.scores), held.labels, held.groups, coverage)
    return replace(decision, set_at=tuple(one.at_least for one in sets))
