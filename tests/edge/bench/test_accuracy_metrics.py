"""Figures against scikit-learn, with weights; and intervals that hold what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge.bench import accuracy_metrics as m
from edge.bench.accuracy import Case, measure
from edge.bench.accuracy_bootstrap import draws_of, estimate
from edge.reading import State

sklearn_metrics = pytest.importorskip("sklearn.metrics", reason="the oracle of these figures is scikit-learn (extra: export)")
CODES = ("akiec", "mel", "nv")


def some_cases(seed: int, n: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """truth (n,), probabilities (n, 3) with ties, weights (4, n) of whole numbers."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, n)
    p = np.round(random.dirichlet(np.ones(3), n) + 0.5 * np.eye(3)[truth], 1)  # rounding makes ties
    p = p / p.sum(axis=1, keepdims=True)
    return truth, p, random.integers(0, 4, (4, n)).astype(float)


@pytest.mark.parametrize("seed", range(8))
def test_auc_equals_scikit_learn_s_with_weights_and_ties(seed: int) -> None:
    truth, p, weights = some_cases(seed)
    for i in range(3):
        want = [sklearn_metrics.roc_auc_score(truth == i, p[:, i], sample_weight=w) for w in weights]
        np.testing.assert_allclose(m.auc(truth == i, p[:, i], weights), want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_recalls_and_accuracy_equal_scikit_learn_s(seed: int) -> None:
    truth, p, weights = some_cases(seed)
    said = p.argmax(axis=1)
    for row, w in enumerate(weights):
        want = sklearn_metrics.recall_score(truth, said, average=None, sample_weight=w)
        np.testing.assert_allclose(m.recalls(truth, said, 3, weights)[row], want, atol=1e-12)
        assert m.accuracy(truth, said, weights)[row] == pytest.approx(sklearn_metrics.accuracy_score(truth, said, sample_weight=w))
        assert m.balanced(m.recalls(truth, said, 3, weights))[row] == pytest.approx(
            sklearn_metrics.balanced_accuracy_score(truth, said, sample_weight=w)
        )


@pytest.mark.parametrize("seed", range(8))
def test_sensitivity_at_a_specificity_is_that_of_scikit_learn_s_curve(seed: int) -> None:
    truth, p, weights = some_cases(seed)
    for i in range(3):
        for row, w in enumerate(weights):
            false_positive, sensitivity, _ = sklearn_metrics.roc_curve(truth == i, p[:, i], sample_weight=w, drop_intermediate=False)
            want = sensitivity[false_positive <= 0.1 + 1e-9].max()
            assert m.sensitivity_at_specificity(truth == i, p[:, i], 0.9, weights)[row] == pytest.approx(want)


def test_ece_of_a_worked_example() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.55])
    right = np.array([True, True, False, False])
    # bin of 0.95: 3 of 4 cases, accuracy 2/3; bin of 0.55: 1 of 4 cases, accuracy 0
    want = 0.75 * abs(2 / 3 - 0.95) + 0.25 * abs(0 - 0.55)
    assert m.ece(right, confidence, np.ones((1, 4)))[0] == pytest.approx(want)


@given(hnp.arrays(np.float64, 20, elements=st.floats(0, 1, width=16)), hnp.arrays(np.bool_, 20))
@settings(max_examples=60)
def test_auc_of_the_turned_score_is_what_is_left_of_one(score: np.ndarray, positive: np.ndarray) -> None:
    there, turned = m.auc(positive, score, np.ones((1, 20))), m.auc(positive, -score, np.ones((1, 20)))
    assert np.isnan(there[0]) == (positive.all() or not positive.any())
    if not np.isnan(there[0]):
        assert there[0] + turned[0] == pytest.approx(1.0)


def test_a_figure_without_a_case_is_none_and_never_a_number() -> None:
    nothing = measure([], CODES, draws=20)
    assert nothing.forced.accuracy.value is None
    assert nothing.n == nothing.n_known == 0
    only_nv = measure([Case("nv", "1", (0.1, 0.1, 0.8), State.UNSURE, None)], CODES, draws=20)
    assert only_nv.forced.accuracy.value == 1.0
    assert only_nv.forced.auc_macro.value is None
    assert only_nv.selective.coverage.value == 0.0
    assert only_nv.selective.balanced_accuracy.value is None


def test_whole_groups_are_drawn_and_draws_are_the_same_every_time() -> None:
    group = np.array([0, 0, 1, 2, 2, 2])
    first = np.concatenate(list(draws_of(group, draws=50)))
    again = np.concatenate(list(draws_of(group, draws=50)))
    assert np.array_equal(first, again)
    assert (first[:, 0] == first[:, 1]).all()
    assert (first[:, 3] == first[:, 4]).all()
    assert (first[:, [0, 2, 3]].sum(axis=1) == 3).all()  # three groups are taken in each draw


def test_an_interval_covers_the_truth_as_often_as_it_says() -> None:
    """95 % intervals of a share of 0.7, from 60 groups of three equal cases each: 400 repetitions, seeded."""
    random = np.random.default_rng(7)
    group = np.repeat(np.arange(60), 3)
    hits = 0
    for _ in range(400):
        right = np.repeat(random.random(60) < 0.7, 3)
        _, interval = estimate(lambda w, right=right: m.share(right, w), 180, group, draws=400)[0]
        assert interval is not None
        hits += interval[0] <= 0.7 <= interval[1]
    assert 0.92 <= hits / 400 <= 0.975


def test_intervals_by_image_of_cases_that_repeat_would_be_too_narrow() -> None:
    right = np.repeat(np.random.default_rng(1).random(60) < 0.7, 3)
    wide = estimate(lambda w: m.share(right, w), 180, np.repeat(np.arange(60), 3))[0][1]
    narrow = estimate(lambda w: m.share(right, w), 180, np.arange(180))[0][1]
    assert wide is not None
    assert narrow is not None
    assert (wide[1] - wide[0]) > 1.5 * (narrow[1] - narrow[0])


def test_forced_selective_and_states_of_a_worked_example() -> None:
    cases = [
        Case("mel", "a", (0.1, 0.8, 0.1), State.READY, "mel"),
        Case("mel", "a", (0.1, 0.3, 0.6), State.UNSURE, None),
        Case("nv", "b", (0.0, 0.1, 0.9), State.READY, "nv"),
        Case("nv", "c", (0.0, 0.7, 0.3), State.READY, "mel"),
        Case("cat", "d", (0.3, 0.3, 0.4), State.OUT_OF_SCOPE, None),
        Case("cat", "e", (0.0, 0.0, 1.0), State.READY, "nv"),
    ]
    found = measure(cases, CODES, draws=50)
    assert (found.n, found.n_known, found.n_groups) == (6, 4, 5)
    assert found.forced.accuracy.value == 0.5
    assert found.forced.balanced_accuracy.value == 0.5
    assert found.selective.coverage.value == 0.75
    assert found.selective.balanced_accuracy.value == 0.75  # mel 1 of 1, nv 1 of 2
    assert [(c.label, c.n) for c in found.selective.per_class] == [("akiec", 0), ("mel", 1), ("nv", 2)]
    assert dict(found.states) == {State.READY: 4, State.UNSURE: 1, State.OUT_OF_SCOPE: 1}
    assert [(u.label, u.n, dict(u.states)) for u in found.unknown] == [("cat", 2, {State.READY: 1, State.OUT_OF_SCOPE: 1})]


def test_with_two_classes_the_auc_is_that_of_the_second_and_groups_are_averaged() -> None:
    cases = [
        Case("benign", "1", (0.9, 0.1), State.READY, "benign"),
        Case("benign", "1", (0.3, 0.7), State.READY, "malignant"),
        Case("malignant", "2", (0.5, 0.5), State.UNSURE, None),
    ]
    found = measure(cases, ("benign", "malignant"), draws=50)
    assert found.forced.auc_macro.value == 0.5
    assert found.auc_by_group.value == 1.0  # mean of patient 1 is 0.4, below 0.5


def test_without_groups_there_is_no_figure_by_group() -> None:
    cases = [Case("nv", "1", (0.1, 0.1, 0.8), State.READY, "nv"), Case("mel", "2", (0.1, 0.8, 0.1), State.READY, "mel")]
    assert measure(cases, CODES, draws=20).auc_by_group.value is None
