"""One picture's outputs: probabilities, the set that fits, scope, and what may be said."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edge.bundle.manifest import Decision, Outputs, Scope
from edge.classify import Judgement, decide, judge, knn_distance, prediction_set, read_bank, scope_distance, still_verdict
from edge.errors import BackendFault
from edge.frame import F32
from edge.reading import Reason, State


@dataclass(frozen=True)
class Raw:
    classes: F32
    embedding: F32 | None = None
    gate: float | None = None


def raw(*logits: float, embedding: tuple[float, ...] | None = None, gate: float | None = None) -> Raw:
    return Raw(np.array(logits, np.float32), None if embedding is None else np.array(embedding, np.float32), gate)


def a_decision(k: int = 3, *, temperature: float = 1.0, bias: tuple[float, ...] = (), set_at: tuple[float, ...] = ()) -> Decision:
    return Decision(temperature=temperature, bias=bias or (0.0,) * k, set_at=set_at or (0.3,) * k)


def judged(*p: float, fits: tuple[int, ...], in_scope: bool = True) -> Judgement:
    return Judgement(np.array(p, np.float32), fits, None, in_scope)


LOGITS = arrays.arrays(np.float32, st.integers(2, 12), elements=st.floats(-50, 50, width=32))


@given(LOGITS, st.floats(0.05, 20))
def test_probabilities_are_probabilities_whatever_the_logits(logits: F32, temperature: float) -> None:
    p = decide(Raw(logits), a_decision(len(logits), temperature=temperature), Outputs())
    assert p.dtype == np.float32
    assert p.shape == logits.shape
    assert np.isfinite(p).all()
    assert (p >= 0).all()
    assert p.sum() == pytest.approx(1, abs=1e-5)


@given(LOGITS)
def test_a_graph_that_ends_in_a_softmax_says_the_same_as_one_that_does_not(logits: F32) -> None:
    logits = np.clip(logits, -8, 8)
    decision = a_decision(len(logits), temperature=1.7)
    inside = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    from_logits = decide(Raw(logits), decision, Outputs())
    from_softmax = decide(Raw(inside.astype(np.float32)), decision, Outputs(is_probability=True))
    np.testing.assert_allclose(from_logits, from_softmax, atol=2e-4)


def test_temperature_softens_and_bias_moves() -> None:
    sharp = decide(raw(2, 0, 0), a_decision(), Outputs())
    soft = decide(raw(2, 0, 0), a_decision(temperature=4), Outputs())
    moved = decide(raw(2, 0, 0), a_decision(bias=(0.0, 3.0, 0.0)), Outputs())
    assert sharp[0] > soft[0] > 1 / 3
    assert moved.argmax() == 1
    np.testing.assert_allclose(np.log(moved[1] / moved[2]), 3.0, rtol=1e-5)  # the bias stands after the temperature


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_an_output_that_is_no_number_is_a_fault_and_no_label(bad: float) -> None:
    with pytest.raises(BackendFault, match="no number"):
        decide(raw(bad, 0, 0), a_decision(), Outputs())


def test_another_number_of_classes_is_a_fault() -> None:
    with pytest.raises(BackendFault, match="2 classes where its manifest names 3"):
        decide(raw(1, 0), a_decision(3), Outputs())


def test_the_set_holds_each_class_at_its_own_threshold_best_first() -> None:
    p = np.array([0.2, 0.5, 0.3], np.float32)
    assert prediction_set(p, (0.2, 0.6, 0.25)) == (2, 0)
    assert prediction_set(p, (0.0, 0.0, 0.0)) == (1, 2, 0)
    assert prediction_set(p, (1.0, 1.0, 1.0)) == ()
    assert prediction_set(np.array([0.5, 0.5], np.float32), (0.5, 0.5)) == (0, 1)


@given(LOGITS, st.floats(0, 1), st.floats(0, 1))
def test_a_lower_threshold_never_loses_a_class(logits: F32, a: float, b: float) -> None:
    p = decide(Raw(logits), a_decision(len(logits)), Outputs())
    low, high = min(a, b), max(a, b)
    assert set(prediction_set(p, (high,) * len(p))) <= set(prediction_set(p, (low,) * len(p)))


BANK = np.array([[127, 0], [0, 127], [90, 90], [-127, 0]], np.int8)
SCOPE = Scope(bank="bank.bin", n=4, dim=2, k=1, knn_mean=0.1, knn_sd=0.05, gate_mean=-2.0, gate_sd=0.5)


def test_a_bank_is_read_as_rows_of_length_one_and_another_size_refused() -> None:
    bank = read_bank(BANK.tobytes(), SCOPE)
    np.testing.assert_allclose(np.linalg.norm(bank, axis=1), 1, atol=1e-6)
    with pytest.raises(ValueError, match="7 bytes"):
        read_bank(BANK.tobytes()[:-1], SCOPE)
    with pytest.raises(ValueError, match="empty row"):
        read_bank(bytes(8), SCOPE)


def test_the_distance_to_the_bank_is_the_mean_cosine_distance_of_the_nearest() -> None:
    bank = read_bank(BANK.tobytes(), SCOPE)
    x = np.array([2.0, 0.0], np.float32)  # the length of an embedding says nothing
    assert knn_distance(x, bank, 1) == pytest.approx(0, abs=1e-6)
    assert knn_distance(x, bank, 2) == pytest.approx((0 + 1 - 0.5**0.5) / 2, abs=1e-6)
    assert knn_distance(x, bank, 4) == knn_distance(x, bank, 50)
    assert knn_distance(np.zeros(2, np.float32), bank, 1) == 1.0


def test_scope_distance_adds_what_the_bundle_has() -> None:
    bank = read_bank(BANK.tobytes(), SCOPE)
    both = raw(0, 0, 0, embedding=(1, 0), gate=3.0)
    knn_part, gate_part = (0 - 0.1) / 0.05, (-3.0 + 2.0) / 0.5
    assert scope_distance(both, SCOPE, bank) == pytest.approx(knn_part + gate_part, abs=1e-4)
    assert scope_distance(raw(0, 0, 0, gate=3.0), SCOPE, None) == pytest.approx(gate_part)
    assert scope_distance(raw(0, 0, 0, embedding=(1, 0)), SCOPE, bank) == pytest.approx(knn_part, abs=1e-4)
    assert scope_distance(raw(0, 0, 0), SCOPE, bank) is None
    assert scope_distance(both, None, bank) is None


def test_a_higher_gate_logit_is_nearer_to_scope() -> None:
    near, far = (scope_distance(raw(0, 0, gate=g), SCOPE, None) for g in (4.0, -4.0))
    assert near is not None
    assert far is not None
    assert near < far


@pytest.mark.parametrize(("limit", "in_scope"), [(None, True), (-3.9, True), (-4.1, False)])
def test_the_limit_decides_scope_and_none_means_no_check(limit: float | None, in_scope: bool) -> None:
    decision = Decision(bias=(0.0,) * 3, set_at=(0.3,) * 3, out_of_scope_above=limit)
    assert judge(raw(0, 0, 0, gate=4.0), decision, Outputs(), SCOPE, None).in_scope is in_scope


def test_with_a_limit_a_distance_that_cannot_be_told_is_out_of_scope() -> None:
    decision = Decision(bias=(0.0,) * 3, set_at=(0.3,) * 3, out_of_scope_above=1.0)
    assert not judge(raw(5, 0, 0), decision, Outputs(), SCOPE, None).in_scope
    assert not judge(raw(5, 0, 0, gate=float("nan")), decision, Outputs(), SCOPE, None).in_scope


def test_a_still_says_the_best_class_of_a_small_set() -> None:
    verdict = still_verdict(judged(0.6, 0.35, 0.05, fits=(0, 1)))
    assert (verdict.state, verdict.label, verdict.set) == (State.READY, 0, (0, 1))
    assert verdict.confidence == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("judgement", "state", "reason"),
    [
        (judged(0.9, 0.05, 0.05, fits=(0,), in_scope=False), State.OUT_OF_SCOPE, Reason.OUT_OF_SCOPE),
        (judged(0.4, 0.3, 0.3, fits=()), State.UNSURE, Reason.NO_CLASS_FITS),
        (judged(0.3, 0.3, 0.2, 0.2, fits=(0, 1, 2)), State.UNSURE, Reason.TOO_MANY_CLASSES),
        (judged(0.6, 0.4, fits=(0, 1)), State.UNSURE, Reason.TOO_MANY_CLASSES),
        (judged(0.6, 0.3, 0.1, fits=(1,)), State.UNSURE, Reason.LOW_CONFIDENCE),
    ],
    ids=["out of scope", "empty set", "three classes", "all classes of two", "the likeliest misses its own threshold"],
)
def test_a_still_without_a_label_says_why(judgement: Judgement, state: State, reason: Reason) -> None:
    verdict = still_verdict(judgement)
    assert (verdict.state, verdict.reason, verdict.label, verdict.confidence) == (state, reason, None, None)
