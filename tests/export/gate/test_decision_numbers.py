"""The numbers of a (form, engine): they mend what is off on the engine, and a set covers each class as often as it says."""

import numpy as np
import pytest

from edge.backends.session import RawOutput
from edge.bundle.manifest import Decision, Scope
from edge.classify import prediction_set, scope_distance
from export.gate.decision import EngineOutputs, ScopeRuler, distances, fit_decision, fit_scope, in_sight_at, probabilities_of

AS_IT_IS = Decision(bias=(0.0,) * 3, set_at=(0.0,) * 3)


def simulated(n: int, k: int, seed: int, *, sharpness: float = 1.0, shift: float = 0.0) -> EngineOutputs:
    """Logits of a perfectly calibrated classifier of balanced classes, then made `sharpness` times too sure, class 0 pushed by `shift`."""
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((n, k)) * 2
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.array([rng.choice(k, p=row) for row in p])
    logits = logits * sharpness
    logits[:, 0] += shift
    nothing = np.zeros((n, 1), np.float32)
    return EngineOutputs(logits.astype(np.float32), nothing, np.zeros(n, np.float32), labels.astype(np.int64))


def names(n: int) -> list[str]:
    return [f"lesion {i}" for i in range(n)]


@pytest.mark.parametrize("sensitivity", [0.75, 0.8, 0.9])
def test_a_new_case_of_a_class_not_to_be_missed_is_in_sight_as_often_as_stated(sensitivity: float) -> None:
    """The promise as a frequency over many draws; and not more often than one rank above it, or READY would be lost for nothing."""
    seen = []
    for seed in range(80):
        fit, fresh = simulated(240, 3, 3000 + 2 * seed), simulated(600, 3, 3001 + 2 * seed)
        at = in_sight_at(probabilities_of(fit, AS_IT_IS), fit.labels, 1, sensitivity)
        seen.append((probabilities_of(fresh, AS_IT_IS)[fresh.labels == 1, 1] >= at).mean())
    assert sensitivity - 0.01 <= np.mean(seen) <= sensitivity + 0.025


def test_in_sight_counts_ranks_and_a_class_of_few_is_always_in_sight() -> None:
    p = np.stack([1 - np.arange(1, 20) / 20, np.arange(1, 20) / 20], 1).astype(np.float32)
    ones = np.ones(19, np.int64)
    assert in_sight_at(p, ones, 1, 0.8) == pytest.approx(0.20)  # the fourth of nineteen
    assert in_sight_at(p[:3], ones[:3], 1, 0.8) == 0.0
    assert in_sight_at(p, ones, 0, 0.8) == 0.0


def test_the_scope_threshold_refuses_the_stated_share_of_its_own() -> None:
    rng = np.random.default_rng(0)
    embedding = rng.standard_normal((400, 8)).astype(np.float32)
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    base = simulated(400, 2, 3)
    outputs = EngineOutputs(base.logits, embedding, rng.standard_normal(400).astype(np.float32), base.labels)
    scope = Scope(bank="b", n=100, dim=8, k=5, knn_mean=0.5, knn_sd=0.2)
    decision = fit_decision(outputs, outputs, ScopeRuler(scope, embedding[:100]), groups=names(800), coverage=0.9, false_alarm=0.05)
    assert decision.out_of_scope_above is not None
    assert (distances(outputs, scope, embedding[:100]) > decision.out_of_scope_above).mean() == pytest.approx(0.05, abs=0.01)


def test_without_a_bank_the_gate_alone_measures_as_the_device_does() -> None:
    rng = np.random.default_rng(1)
    base = simulated(300, 2, 4)
    outputs = EngineOutputs(base.logits, base.embedding, rng.normal(3, 2, 300).astype(np.float32), base.labels)
    scope = fit_scope(outputs, None, 10, "b")
    assert scope.bank is None
    on_device = [
        scope_distance(RawOutput(row, None, float(gate)), scope, None) for row, gate in zip(base.logits, outputs.gate, strict=True)
    ]
    assert distances(outputs, scope, None) == pytest.approx(np.array(on_device), abs=1e-5)


def test_the_decision_of_a_pair_mends_its_outputs_and_its_sets_cover_each_class() -> None:
    """What is fitted and how is the promise of tests/calibration; here, that a pair's decision is made of it, from the right halves."""
    fit, conformal, fresh = (simulated(1500, 3, seed, sharpness=2.0, shift=1.0) for seed in (11, 12, 13))
    scope, bank = Scope(bank="b", n=1, dim=1, k=1), np.ones((1, 1), np.float32)
    decision = fit_decision(fit, conformal, ScopeRuler(scope, bank), groups=names(3000), coverage=0.9, false_alarm=0.05)
    assert decision.temperature == pytest.approx(2.0, rel=0.12)
    assert decision.bias[0] - np.mean(decision.bias[1:]) == pytest.approx(-0.5, abs=0.25)
    p = probabilities_of(fresh, decision)
    hit = np.array([label in prediction_set(row, decision.set_at) for row, label in zip(p, fresh.labels, strict=True)])
    assert all(hit[fresh.labels == c].mean() >= 0.86 for c in range(3))
