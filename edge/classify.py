"""What the model's outputs say of one picture: probabilities, the set of classes that fit, and whether it is this model's business.

Pure. The same functions fit the numbers at export and apply them on the device, so that they cannot drift apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.bundle.manifest import IN_SIGHT, Decision, Manifest, Outputs, Scope
from edge.errors import BackendFault
from edge.frame import F32
from edge.reading import Reason, State

__all__ = [
    "BLURS",
    "Guard",
    "Judgement",
    "RawOutputs",
    "Verdict",
    "calibrated",
    "decide",
    "guards_of",
    "judge",
    "not_ruled_out",
    "outranks_blur",
    "prediction_set",
    "read_bank",
    "scope_distance",
    "scores_of",
    "set_verdict",
    "still_verdict",
]

F64 = NDArray[np.float64]
BANK_SCALE = 127.0  # int8 rows of the bank are L2-normalised embeddings times this
SMALLEST_PROBABILITY = 1e-12  # below float32's resolution of a softmax: the floor before a logarithm
BLURS = frozenset({Reason.OUT_OF_FOCUS, Reason.MOVING, Reason.BLURRED})
MOST_IN_READY = 2  # "a, or b" is an answer; three classes are none


class RawOutputs(Protocol):
    """What an engine returned for one picture. classes: (K,) float32; embedding: (D,) float32 or None; gate: logit, higher = in scope."""

    @property
    def classes(self) -> F32: ...
    @property
    def embedding(self) -> F32 | None: ...
    @property
    def gate(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Guard:
    """A class that must not be missed: index into the model's labels, and the probability at which it is not ruled out."""

    label: int
    at_least: float


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """One picture, judged. probabilities: (K,) float32, sum 1. set: indices of the classes that fit, best first.

    scope_distance: None when the bundle carries nothing to measure it with.
    """

    probabilities: F32
    set: tuple[int, ...]
    scope_distance: float | None
    in_scope: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be said. label: index into the model's labels, in READY only, with its confidence (0..1)."""

    state: State
    reason: Reason | None = None
    label: int | None = None
    confidence: float | None = None
    set: tuple[int, ...] = ()


def scores_of(raw: RawOutputs, outputs: Outputs) -> F64:
    """What a temperature divides, (K,) float64: logits, or log p where the graph ends in a softmax."""
    scores = np.asarray(raw.classes, np.float64).reshape(-1)
    return np.log(np.maximum(scores, SMALLEST_PROBABILITY)) if outputs.is_probability else scores


def calibrated(scores: F64, temperature: float, bias: Sequence[float], scale: Sequence[float] = ()) -> F64:
    """softmax(scores / temperature + bias) along the last axis of (..., K); with `scale`, of scale * log-softmax(scores).

    Guo et al., ICML 2017, with a bias per class; `scale` is their vector scaling, of log-probabilities so that it does not depend on
    what all scores have in common (of two classes: beta calibration, Kull et al., AISTATS 2017).
    """
    if scale:
        scores = scores - scores.max(-1, keepdims=True)
        scores = (scores - np.log(np.exp(scores).sum(-1, keepdims=True))) * np.asarray(scale, np.float64)
    scores = scores / temperature + np.asarray(bias, np.float64)
    exponentials = np.exp(scores - scores.max(-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(-1, keepdims=True))


def decide(raw: RawOutputs, decision: Decision, outputs: Outputs) -> F32:
    """The calibrated probabilities of one picture, (K,) float32, sum 1. Raises BackendFault when an output is not a number."""
    scores = scores_of(raw, outputs)
    if scores.shape[0] != len(decision.bias):
        raise BackendFault(f"the model gave {scores.shape[0]} classes where its manifest names {len(decision.bias)}", do="sonoderm check")
    if not np.isfinite(scores).all():
        raise BackendFault("the model gave a value that is no number", do="sonoderm check")
    return np.asarray(calibrated(scores, decision.temperature, decision.bias, decision.scale), np.float32)


def prediction_set(probabilities: F32, set_at: tuple[float, ...]) -> tuple[int, ...]:
    """Indices of the classes with p >= set_at[class], best first; equal ones in the order of the model's labels."""
    order = np.argsort(-probabilities, kind="stable")
    return tuple(int(i) for i in order if probabilities[i] >= np.float32(set_at[i]))


def read_bank(data: bytes, scope: Scope) -> F32:
    """The bank member, n x dim int8 row-major -> (n, dim) float32 with rows of length 1. Raises ValueError on another size."""
    if len(data) != scope.n * scope.dim or not data:
        raise ValueError(f"scope bank has {len(data)} bytes where {scope.n} x {scope.dim} were declared")
    rows = np.frombuffer(data, np.int8).reshape(scope.n, scope.dim).astype(np.float32) / BANK_SCALE
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (lengths > 0).all():
        raise ValueError("scope bank has an empty row")
    return np.ascontiguousarray(rows / lengths)


def knn_distance(embedding: F32, bank: F32, k: int) -> float:
    """Mean cosine distance (0..2) of the embedding to its k nearest rows of the bank (n, dim), rows of length 1."""
    length = float(np.linalg.norm(embedding))
    similarity = bank @ (embedding / length) if length > 0 else np.zeros(len(bank), np.float32)
    k = min(k, len(bank))
    return 1.0 - float(np.partition(similarity, len(bank) - k)[-k:].mean())


def scope_distance(raw: RawOutputs, scope: Scope | None, bank: F32 | None) -> float | None:
    """z(mean cosine distance to the k nearest of the bank) + z(-gate); higher = further from what the model was made for.

    knn_mean, knn_sd and gate_mean, gate_sd are of the distance and of *minus* the gate logit. A part that the bundle lacks
    is left out; None when both are lacking.
    """
    if scope is None:
        return None
    parts: list[float] = []
    if bank is not None and raw.embedding is not None:
        parts.append((knn_distance(raw.embedding, bank, scope.k) - scope.knn_mean) / scope.knn_sd)
    if raw.gate is not None:
        parts.append((-raw.gate - scope.gate_mean) / scope.gate_sd)
    return float(sum(parts)) if parts else None


def judge(raw: RawOutputs, decision: Decision, outputs: Outputs, scope: Scope | None, bank: F32 | None) -> Judgement:
    """Everything that one picture's outputs say. With a threshold, a distance that cannot be told is out of scope."""
    probabilities = decide(raw, decision, outputs)
    distance = scope_distance(raw, scope, bank)
    limit = decision.out_of_scope_above
    in_scope = limit is None or (distance is not None and distance <= limit)
    return Judgement(probabilities, prediction_set(probabilities, decision.set_at), distance, in_scope)


def outranks_blur(reason: Reason, judgement: Judgement, decision: Decision) -> bool:
    """Whether a blurred picture is so far out of scope that this comes first: farther than blurred pictures of the model's own."""
    limit, distance = decision.blurred_out_of_scope_above, judgement.scope_distance
    return reason in BLURS and limit is not None and distance is not None and not judgement.in_scope and distance > limit


def guards_of(manifest: Manifest, decision: Decision) -> tuple[Guard, ...]:
    """The operating points that the device obeys: of the decision where it has its own, else those of the manifest in their order."""
    if decision.guard_at:
        return tuple(Guard(label, at) for label, at in enumerate(decision.guard_at) if at is not None)
    codes = [label.code for label in manifest.labels]
    return tuple(Guard(codes.index(point.label), point.at_least) for point in manifest.operating_points if point.name == IN_SIGHT)


def not_ruled_out(label: int, probabilities: F32, guards: tuple[Guard, ...]) -> tuple[int, ...]:
    """Classes that must not be missed and that this label would miss, probabilities (K,)."""
    return tuple(g.label for g in guards if g.label != label and probabilities[g.label] >= np.float32(g.at_least))


def set_verdict(probabilities: F32, fits: tuple[int, ...], guards: tuple[Guard, ...] = ()) -> Verdict:
    """READY with the best class, or UNSURE with its reason, from probabilities (K,) and the set of classes that fit."""
    if not fits:
        return Verdict(State.UNSURE, Reason.NO_CLASS_FITS)
    if len(fits) > MOST_IN_READY or len(fits) >= len(probabilities):
        return Verdict(State.UNSURE, Reason.TOO_MANY_CLASSES, set=fits)
    if fits[0] != int(np.argmax(probabilities)):  # thresholds differ by class: the likeliest one may miss its own
        return Verdict(State.UNSURE, Reason.LOW_CONFIDENCE, set=fits)
    if missed := not_ruled_out(fits[0], probabilities, guards):
        return Verdict(State.UNSURE, Reason.TOO_MANY_CLASSES, set=(*fits, *(i for i in missed if i not in fits)))
    return Verdict(State.READY, None, fits[0], float(probabilities[fits[0]]), fits)


def still_verdict(judgement: Judgement, guards: tuple[Guard, ...] = ()) -> Verdict:
    """What may be said of one picture alone, without its neighbours in time: `classify` and `evaluate`."""
    if not judgement.in_scope:
        return Verdict(State.OUT_OF_SCOPE, Reason.OUT_OF_SCOPE)
    return set_verdict(judgement.probabilities, judgement.set, guards)
