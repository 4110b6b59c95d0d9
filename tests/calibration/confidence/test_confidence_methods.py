"""Each method mends what it is made for, at the prevalence that it is told; and the device computes what was fitted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from calibration.confidence.cases import Cases, bucket, cases_of, halves
from calibration.confidence.compare import compare, cross_validated
from calibration.confidence.methods import Method, Scaling, apply, fit, losses, offset_of, uniform, with_scaling
from edge.bundle.manifest import Decision
from edge.classify import calibrated
from tests.calibration.simulated import simulated


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("method", list(Method))
def test_every_method_undoes_false_sureness(method: Method, sharpness: float) -> None:
    scaling = fit(method, simulated(6000, 3, 1, sharpness=sharpness), uniform(3))
    assert scaling.temperature == pytest.approx(sharpness, rel=0.06)
    assert np.abs(scaling.bias).max() < (0.3 if method is Method.VECTOR else 0.1)  # its factors and its biases trade against each other
    assert not scaling.at_limit


def test_a_favoured_class_is_put_back() -> None:
    scaling = fit(Method.BIAS, simulated(6000, 3, 2, bias=(1.0, 0.0, 0.0)), uniform(3))
    assert scaling.bias[0] - np.mean(scaling.bias[1:]) == pytest.approx(-1.0, abs=0.12)


@pytest.mark.parametrize("method", list(Method))
def test_the_mix_of_the_labels_is_not_learned(method: Method) -> None:
    """Nine in ten are of class 1: the outputs are true of equal classes, and stay so."""
    found = fit(method, simulated(8000, 2, 3, mix=(0.1, 0.9)), uniform(2))
    assert found.temperature == pytest.approx(1.0, abs=0.08)
    assert found.bias[1] - found.bias[0] == pytest.approx(0.0, abs=0.2)


def test_told_the_mix_a_bias_gives_it() -> None:
    found = fit(Method.BIAS, simulated(8000, 2, 4, mix=(0.1, 0.9)), (0.1, 0.9))
    assert found.bias[1] - found.bias[0] == pytest.approx(np.log(9), abs=0.25)


def test_a_class_without_a_case_is_no_trouble() -> None:
    cases = simulated(900, 3, 5)
    two = cases.only(cases.labels != 2)
    for method in Method:
        found = fit(method, two, uniform(3))
        assert np.isfinite([found.temperature, *found.bias]).all()
        p = apply(found, two.scores, offset_of(two.shares(), uniform(3)))
        assert (p[:, 2] == 0).all()
        assert np.isfinite(losses(p, two)).all()


def test_where_all_is_right_no_temperature_fits_best_and_that_is_said() -> None:
    labels = np.arange(40) % 2
    scores = np.where(labels[:, None] == np.arange(2), 9.0, -9.0)
    found = fit(Method.TEMPERATURE, cases_of(scores, labels, [str(i) for i in range(40)]), uniform(2))
    assert found.at_limit


def test_the_gradient_is_the_slope(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    from calibration.confidence import methods

    real = methods.minimize

    def spying(loss, start, **how):  # type: ignore[no-untyped-def]
        rng = np.random.default_rng(0)
        for _ in range(3):
            seen.append(check_grad(lambda x: loss(x)[0], lambda x: loss(x)[1], rng.standard_normal(len(start)) * 0.3))
        return real(loss, start, **how)

    monkeypatch.setattr(methods, "minimize", spying)
    for method in Method:
        fit(method, simulated(60, 4, 6), (0.4, 0.3, 0.2, 0.1))
    assert max(seen) < 1e-5


@pytest.mark.parametrize("k", [2, 5])
def test_scikit_learn_finds_the_same_temperature(k: int) -> None:
    """Oracle: CalibratedClassifierCV(method="temperature") on a frozen classifier, at the mix of the cases (no offset)."""
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Outputs(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def fit(self, x, y):  # type: ignore[no-untyped-def]
            self.classes_ = np.unique(y)
            return self

        def decision_function(self, x):  # type: ignore[no-untyped-def]
            return x[:, 1] - x[:, 0] if x.shape[1] == 2 else x

        def predict(self, x):  # type: ignore[no-untyped-def]
            return x.argmax(1)

    cases = simulated(1500, k, 7, sharpness=2.5)
    theirs = CalibratedClassifierCV(FrozenEstimator(Outputs().fit(cases.scores, cases.labels)), method="temperature", ensemble=False)
    theirs.fit(cases.scores, cases.labels)
    ours = fit(Method.TEMPERATURE, cases, tuple(cases.shares()))
    np.testing.assert_allclose(apply(ours, cases.scores), theirs.predict_proba(cases.scores), atol=2e-3)


def test_for_two_classes_vector_scaling_is_beta_calibration() -> None:
    """log odds = a log p - b log(1 - p) + c, with a and b the two factors (Kull et al. 2017, equation 3)."""
    scaling = Scaling(1.6, (-0.2, 0.2), (0.8, 1.25))
    scores = np.random.default_rng(8).standard_normal((50, 2)) * 3
    p = calibrated(scores, 1.0, (0.0, 0.0))[:, 1]
    odds = 1.25 / 1.6 * np.log(p) - 0.8 / 1.6 * np.log(1 - p) + 0.4
    np.testing.assert_allclose(apply(scaling, scores)[:, 1], 1 / (1 + np.exp(-odds)), rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-40, 40), min_size=3, max_size=3), st.floats(-100, 100), st.floats(0.1, 10))
def test_what_all_scores_have_in_common_changes_nothing(scores: list[float], shift: float, temperature: float) -> None:
    for scale in ((), (0.5, 1.0, 2.0)):
        one = calibrated(np.array(scores), temperature, (0.1, -0.2, 0.1), scale)
        other = calibrated(np.array(scores) + shift, temperature, (0.1, -0.2, 0.1), scale)
        np.testing.assert_allclose(one, other, atol=1e-9)
        assert one.sum() == pytest.approx(1.0)


def test_a_decision_holds_the_numbers_and_keeps_its_thresholds() -> None:
    old = Decision(bias=(0.0, 0.0), set_at=(0.3, 0.4), out_of_scope_above=2.0)
    new = with_scaling(old, Scaling(1.234567, (-0.1, 0.1), (0.9, 1.1)))
    assert (new.temperature, new.scale, new.set_at, new.out_of_scope_above) == (1.23457, (0.9, 1.1), (0.3, 0.4), 2.0)


def test_the_simplest_wins_where_a_temperature_is_all_that_is_off() -> None:
    found = compare(simulated(800, 3, 9, sharpness=2.0, pictures_of_group=2), uniform(3), folds=5, repeats=1)
    assert found.chosen is Method.TEMPERATURE
    assert [row.method for row in found.rows] == [None, *Method]
    as_is, best = found.rows[0], found.rows[1]
    assert as_is.nll > best.nll + 3 * best.behind_se
    assert found.n_groups == 400


def test_the_bias_wins_where_a_class_is_favoured() -> None:
    assert compare(simulated(1200, 3, 10, bias=(1.2, 0.0, -0.6)), uniform(3), folds=5, repeats=1).chosen is Method.BIAS


def test_vector_scaling_wins_where_one_class_is_too_sure() -> None:
    cases = simulated(4000, 2, 11)
    log_p = np.log(calibrated(cases.scores, 1.0, (0.0, 0.0)))
    found = compare(Cases(log_p * np.array([3.0, 0.7]), cases.labels, cases.groups), uniform(2), folds=5, repeats=1)
    assert found.chosen is Method.VECTOR


def test_no_lesion_is_on_both_sides_of_a_fold() -> None:
    """Labels at random, one lesion's pictures alike: who had seen a lesion could say its label, and would beat chance."""
    rng = np.random.default_rng(12)
    groups = np.repeat(np.arange(60), 5)
    scores = np.repeat(rng.standard_normal((60, 2)) * 0.01, 5, 0)
    cases = Cases(scores, np.repeat(rng.integers(0, 2, 60), 5), groups)
    loss, p = cross_validated(Method.BIAS, cases, uniform(2), folds=6, repeats=1)
    assert loss.mean() >= np.log(2) - 0.02
    assert p.shape == (300, 2)


def test_halves_are_told_by_the_name_alone() -> None:
    names = [f"lesion {i}" for i in range(400)]
    cut = halves(names, 1)
    assert 160 < cut.sum() < 240
    assert (halves(names[::-1], 1) == cut[::-1]).all()
    assert (halves(names, 2) != cut).any()
    assert bucket("lesion 3", 1, 2) == cut[3]
