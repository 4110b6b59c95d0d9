"""The numbers of a (form, engine): they mend what is off, and a prediction set covers as often as it says."""

import numpy as np
import pytest

from edge.bundle.manifest import Scope
from edge.classify import prediction_set
from export.gate.decision import EngineOutputs, _fit_temperature_bias, fit_decision, in_sight_at, probabilities_of, set_thresholds


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


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_false_sureness(sharpness: float) -> None:
    outputs = simulated(6000, 3, 1, sharpness=sharpness)
    temperature, bias = _fit_temperature_bias(outputs.logits.astype(float), outputs.labels)
    assert temperature == pytest.approx(sharpness, rel=0.1)
    assert np.abs(bias).max() < 0.15


def test_the_bias_undoes_a_favoured_class() -> None:
    outputs = simulated(6000, 3, 2, shift=1.5)
    _, bias = _fit_temperature_bias(outputs.logits.astype(float), outputs.labels)
    assert bias[0] - bias[1:].mean() == pytest.approx(-1.5, abs=0.25)


def test_the_set_holds_the_true_class_as_often_as_it_says_for_each_class() -> None:
    """The promise as a frequency over many draws: mean coverage of each class at least nominal, less one point."""
    nominal, covered = 0.9, []
    for seed in range(60):
        calibration, fresh = simulated(300, 3, 2 * seed), simulated(300, 3, 2 * seed + 1)
        at = set_thresholds(probabilities_of(calibration, 1.0, np.zeros(3)), calibration.labels, nominal)
        p = probabilities_of(fresh, 1.0, np.zeros(3))
        hit = np.array([label in prediction_set(row, at) for row, label in zip(p, fresh.labels, strict=True)])
        covered.append([hit[fresh.labels == c].mean() for c in range(3)])
    assert (np.mean(covered, 0) >= nominal - 0.01).all()


def test_a_class_too_small_for_its_own_quantile_shares_one() -> None:
    outputs = simulated(2000, 3, 5)
    keep = np.concatenate(
        [np.flatnonzero(outputs.labels == 0), np.flatnonzero(outputs.labels == 1)[:10], np.flatnonzero(outputs.labels == 2)[:12]]
    )
    at = set_thresholds(probabilities_of(outputs, 1.0, np.zeros(3))[keep], outputs.labels[keep], 0.9)
    assert at[1] == at[2] != at[0]


def test_too_few_cases_for_any_quantile_keep_the_class_in_every_set() -> None:
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]], np.float32)
    assert set_thresholds(p, np.array([0, 0, 1]), 0.9) == (0.0, 0.0)


@pytest.mark.parametrize("sensitivity", [0.75, 0.8, 0.9])
def test_a_new_case_of_a_class_not_to_be_missed_is_in_sight_as_often_as_stated(sensitivity: float) -> None:
    """The promise as a frequency over many draws; and not more often than one rank above it, or READY would be lost for nothing."""
    seen = []
    for seed in range(80):
        fit, fresh = simulated(240, 3, 3000 + 2 * seed), simulated(600, 3, 3001 + 2 * seed)
        at = in_sight_at(probabilities_of(fit, 1.0, np.zeros(3)), fit.labels, 1, sensitivity)
        seen.append((probabilities_of(fresh, 1.0, np.zeros(3))[fresh.labels == 1, 1] >= at).mean())
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
    decision = fit_decision(outputs, outputs, scope, embedding[:100], coverage=0.9, false_alarm=0.05)
    from export.gate.decision import distances

    assert decision.out_of_scope_above is not None
    assert (distances(outputs, scope, embedding[:100]) > decision.out_of_scope_above).mean() == pytest.approx(0.05, abs=0.01)
