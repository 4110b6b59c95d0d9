"""Sets hold the truth as often as they say: class by class, lesion by lesion, as a frequency over many draws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.confidence.cases import Cases
from calibration.confidence.methods import Scaling, apply
from calibration.conformal.carry import under_bias, under_temperature
from calibration.conformal.coverage import coverage_of, expected_interval, in_sets
from calibration.conformal.quantile import MOST_ASKED, Fallback, Source, smallest_kept, thresholds
from edge.classify import prediction_set
from tests.calibration.simulated import simulated

LEVEL = 0.9


def p_of(cases: Cases) -> np.ndarray:
    return apply(Scaling(1.0, (0.0,) * cases.k), cases.scores)


@pytest.mark.parametrize(("level", "n", "rank"), [(0.9, 19, 2), (0.9, 9, 1), (0.95, 19, 1), (0.9, 99, 10)])
def test_the_quantile_counts_ranks_as_the_theorem_does(level: float, n: int, rank: int) -> None:
    p = np.random.default_rng(n).permutation(np.arange(1, n + 1) / (n + 1))
    assert smallest_kept(p, np.arange(n), level) == (pytest.approx(rank / (n + 1)), rank)


@pytest.mark.parametrize(("level", "n"), [(0.9, 8), (0.95, 18), (0.9, 0)])
def test_too_few_cases_give_no_threshold(level: float, n: int) -> None:
    assert smallest_kept(np.full(n, 0.9), np.arange(n), level) == (0.0, 0)


def test_pictures_of_one_lesion_share_its_weight() -> None:
    """Nineteen lesions, one with a hundred low pictures: it is one case of nineteen, and the second lowest lesion decides."""
    p = np.concatenate([np.full(100, 0.01), np.linspace(0.3, 0.9, 18)])
    groups = np.concatenate([np.zeros(100, np.int64), np.arange(1, 19)])
    assert smallest_kept(p, groups, LEVEL)[0] == pytest.approx(0.3)


@pytest.mark.parametrize("pictures", [1, 4])
def test_each_class_is_covered_as_often_as_stated(pictures: int) -> None:
    """Mean over draws of calibration and of new lesions: not under the level, and not far above it."""
    hit = []
    for seed in range(60):
        calibration = simulated(90 * pictures, 3, 2 * seed, sharpness=0.4, pictures_of_group=pictures)
        fresh = simulated(150, 3, 2 * seed + 1, sharpness=0.4)
        at = [t.at_least for t in thresholds(p_of(calibration), calibration.labels, calibration.groups, LEVEL)]
        inside = in_sets(p_of(fresh), at)[np.arange(150), fresh.labels]
        hit.append([inside[fresh.labels == c].mean() for c in range(3)])
    mean = np.mean(hit, 0)
    assert (mean >= LEVEL - 0.015).all()
    assert (mean <= LEVEL + 0.045).all()


def test_mapie_finds_the_same_marginal_threshold() -> None:
    """Oracle: MAPIE's split conformal with the LAC score, on one class pooled: its quantile is ours."""
    from mapie.classification import SplitConformalClassifier
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Given(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def fit(self, x, y):  # type: ignore[no-untyped-def]
            self.classes_ = np.arange(x.shape[1])
            return self

        def predict_proba(self, x):  # type: ignore[no-untyped-def]
            return x

        def predict(self, x):  # type: ignore[no-untyped-def]
            return x.argmax(1)

    calibration, fresh = simulated(157, 3, 21, sharpness=0.4), simulated(400, 3, 22, sharpness=0.4)
    p, q = p_of(calibration), p_of(fresh)
    theirs = SplitConformalClassifier(Given().fit(p, calibration.labels), confidence_level=LEVEL, conformity_score="lac", prefit=True)
    theirs.conformalize(p, calibration.labels)
    _, sets = theirs.predict_set(q)
    own = p[np.arange(157), calibration.labels]
    at, _ = smallest_kept(own, np.arange(157), LEVEL)
    assert (in_sets(q, [at] * 3) == sets[:, :, 0]).mean() > 0.999


def test_small_classes_pool_or_are_always_in_the_set_and_say_so() -> None:
    cases = simulated(1200, 3, 23, mix=(0.97, 0.015, 0.015), sharpness=0.4)
    pooled = thresholds(p_of(cases), cases.labels, cases.groups, LEVEL, Fallback.POOLED)
    always = thresholds(p_of(cases), cases.labels, cases.groups, LEVEL, Fallback.ALWAYS)
    assert max(t.n_groups for t in pooled[1:]) < 19
    assert [t.source for t in pooled] == [Source.OWN, Source.POOLED, Source.POOLED]
    assert pooled[1].at_least == pooled[2].at_least
    assert pooled[1].of == pooled[1].n_groups + pooled[2].n_groups
    assert [t.at_least for t in always[1:]] == [0.0, 0.0]
    assert always[1].source is Source.ALWAYS


def test_no_threshold_asks_for_more_than_the_majority() -> None:
    p = np.tile([0.99, 0.01], (50, 1))
    found = thresholds(p, np.zeros(50, np.int64), np.arange(50), LEVEL)
    assert found[0].at_least == MOST_ASKED
    assert found[1].source is Source.ALWAYS


def test_sets_are_those_of_the_device() -> None:
    cases = simulated(200, 4, 24, sharpness=0.4)
    p, at = p_of(cases), (0.2, 0.3, 0.1, 0.25)
    sets = in_sets(p, at)
    for row, chosen in zip(p, sets, strict=True):
        assert set(prediction_set(row.astype(np.float32), at)) == set(np.flatnonzero(chosen))


def test_coverage_lies_in_its_interval_as_often_as_stated() -> None:
    """The interval knows that the calibration was small: 95 % of pairs of calibration and test lie in it, of each class and of all."""
    inside, n = np.zeros(4), 0
    for seed in range(60):
        calibration = simulated(120, 3, 1000 + 2 * seed, sharpness=0.4)
        fresh = simulated(150, 3, 1001 + 2 * seed, sharpness=0.4)
        behind = thresholds(p_of(calibration), calibration.labels, calibration.groups, LEVEL)
        found = coverage_of(fresh, in_sets(p_of(fresh), [t.at_least for t in behind]), behind)
        for i, row in enumerate(found.rows):
            assert row.expected is not None
            inside[i] += row.expected[0] - 1e-9 <= row.share <= row.expected[1] + 1e-9
        n += 1
    assert (inside / n >= 0.87).all()


def test_the_interval_is_the_beta_binomial_of_the_reference() -> None:
    """ml.md 5.2: at 90 % the coverage of 50 calibration cases lies between 0.83 and 0.96 in nine of ten, of 500 between 0.88 and 0.92."""
    low, high = expected_interval(20_000, 50, 5, 0.9) or (0, 0)
    assert (low, high) == (pytest.approx(0.83, abs=0.01), pytest.approx(0.96, abs=0.01))
    low, high = expected_interval(20_000, 500, 50, 0.9) or (0, 0)
    assert (low, high) == (pytest.approx(0.88, abs=0.01), pytest.approx(0.92, abs=0.01))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.floats(-6, 6), min_size=2, max_size=5),
    st.floats(0.3, 3.0),
    st.lists(st.floats(0.01, 0.99), min_size=5, max_size=5),
)
def test_what_was_in_a_set_stays_in_it_under_another_temperature(scores: list[float], ratio: float, at: list[float]) -> None:
    k = len(scores)
    none = (0.0,) * k
    old, new = apply(Scaling(1.0, none), np.array([scores])), apply(Scaling(1 / ratio, none), np.array([scores]))
    before, after = in_sets(old, at[:k])[0], in_sets(new, under_temperature(at[:k], ratio))[0]
    near = np.abs(old[0] - np.array(at[:k])) < 1e-6  # float32 compares; a probability on its threshold is anybody's
    assert (after | ~before | near).all()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.floats(-6, 6), min_size=2, max_size=5),
    st.lists(st.floats(0.05, 20), min_size=5, max_size=5),
    st.lists(st.floats(0.01, 0.99), min_size=5, max_size=5),
)
def test_what_was_in_a_set_stays_in_it_under_another_prevalence(scores: list[float], factors: list[float], at: list[float]) -> None:
    k = len(scores)
    old = apply(Scaling(1.0, (0.0,) * k), np.array([scores]))
    new = apply(Scaling(1.0, tuple(np.log(factors[:k]))), np.array([scores]))
    before, after = in_sets(old, at[:k])[0], in_sets(new, under_bias(at[:k], factors[:k]))[0]
    near = np.abs(old[0] - np.array(at[:k])) < 1e-6
    assert (after | ~before | near).all()


def test_for_two_classes_the_sets_stay_exactly_as_they_are() -> None:
    cases = simulated(500, 2, 25, sharpness=0.4)
    at = (0.35, 0.62)
    before = in_sets(p_of(cases), at)
    hotter = in_sets(apply(Scaling(1.7, (0.0, 0.0)), cases.scores), under_temperature(at, 1 / 1.7))
    rarer = in_sets(apply(Scaling(1.0, (0.0, float(np.log(0.2)))), cases.scores), under_bias(at, (1.0, 0.2)))
    assert (before == hotter).all()
    assert (before == rarer).all()
