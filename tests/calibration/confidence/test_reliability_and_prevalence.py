"""A true probability lies in its band, a false one is seen where there are cases enough; another prevalence is what Bayes says."""

import numpy as np
import pytest

from calibration.confidence.methods import Method as M
from calibration.confidence.methods import Scaling, apply, fit, uniform
from calibration.confidence.prevalence import at_prevalence, parse_prevalence
from calibration.confidence.reliability import Verdict, l2_error, reliability_of
from edge.bundle.manifest import Decision
from edge.classify import guards_of, prediction_set
from edge.errors import UsageError
from tests.builders import a_manifest
from tests.calibration.simulated import simulated

CODES = ("nv", "mel", "bcc")


def drawn(n: int, seed: int, *, off: float = 0.0, pictures: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    said = np.repeat(rng.uniform(0.5, 1.0, -(-n // pictures)), pictures)[:n]
    right = np.repeat(rng.random(-(-n // pictures)), pictures)[:n] < said - off
    return right, said, np.repeat(np.arange(-(-n // pictures)), pictures)[:n]


@pytest.mark.parametrize("pictures", [1, 4])
def test_true_probabilities_stay_in_the_band_as_often_as_stated(pictures: int) -> None:
    outside = []
    for seed in range(40):
        right, said, groups = drawn(240, seed, pictures=pictures)
        found = reliability_of(right, said, groups, draws=120)
        outside.append(found.verdict is Verdict.OUTSIDE)
    assert np.mean(outside) <= 0.13


def test_an_error_of_that_size_is_seen_where_there_are_cases_enough() -> None:
    right, said, groups = drawn(3000, 1, off=0.08)
    found = reliability_of(right, said, groups, draws=200)
    assert found.power >= 0.8
    assert found.verdict is Verdict.OUTSIDE
    assert found.error == pytest.approx(0.08, abs=0.03)


def test_few_cases_say_too_few_and_not_passed() -> None:
    right, said, groups = drawn(60, 2)
    found = reliability_of(right, said, groups, draws=200)
    assert found.error <= found.band
    assert found.verdict is Verdict.TOO_FEW


def test_the_bias_of_small_bins_is_taken_off() -> None:
    """Mean square over many draws of a true model: near 0 debiased, where the plain one is the chance of its bins."""
    rng = np.random.default_rng(3)
    said = np.tile(rng.uniform(0.5, 1.0, 300), (400, 1))
    right = (rng.random(said.shape) < said).astype(np.float64)
    plain = np.sqrt(15 / 300 * 0.18)
    assert np.mean(l2_error(right, said) ** 2) < plain**2 * 0.6  # what is below 0 is cut off, so not quite 0
    assert np.median(l2_error(right, said)) < 0.5 * plain


def test_more_figures_judged_together_have_wider_bands() -> None:
    right, said, groups = drawn(300, 4)
    alone, together = (reliability_of(right, said, groups, figures=j, draws=400) for j in (1, 8))
    assert together.band > alone.band


def test_another_prevalence_is_what_bayes_says() -> None:
    cases = simulated(3000, 2, 5, sharpness=0.5)
    old = Decision(temperature=fit(M.TEMPERATURE, cases, uniform(2)).temperature, bias=(0.0, 0.0), set_at=(0.4, 0.3))
    new = at_prevalence(old, (0.5, 0.5), (0.9, 0.1))
    p, q = (apply(Scaling.of(d), cases.scores) for d in (old, new))
    want = p * np.array([0.9, 0.1])
    np.testing.assert_allclose(q, want / want.sum(1, keepdims=True), atol=1e-4)


def test_a_rarer_class_is_not_missed_more_often() -> None:
    """Ten times rarer: every picture whose set held it, or that was guarded, still is."""
    cases = simulated(2000, 3, 6, sharpness=0.4)
    old = Decision(bias=(0.0,) * 3, set_at=(0.4, 0.3, 0.35), guard_at=(None, 0.25, None))
    new = at_prevalence(old, uniform(3), (0.8, 0.02, 0.18))
    (guard,) = guards_of(a_manifest(), new)
    assert guard.label == 1
    for p, q in zip(*(apply(Scaling.of(d), cases.scores).astype(np.float32) for d in (old, new)), strict=True):
        assert set(prediction_set(p, old.set_at)) <= set(prediction_set(q, new.set_at))
        assert p[1] < np.float32(0.25) or q[1] >= np.float32(guard.at_least)


def test_a_prevalence_may_leave_one_class_to_the_rest() -> None:
    assert parse_prevalence("mel=0.05, bcc = 0.15", CODES) == pytest.approx((0.8, 0.05, 0.15))
    assert sum(parse_prevalence("nv=0.7,mel=0.1,bcc=0.2", CODES)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mel=5%", "is no CODE=SHARE"),
        ("mel", "is no CODE=SHARE"),
        ("mel=nan,bcc=0.1", "is no CODE=SHARE"),
        ("mel=0.1,mel=0.2,bcc=0.1", "stands twice"),
        ("mole=0.1,bcc=0.1", "no class mole"),
        ("mel=0.1", "nothing is said of nv, bcc"),
        ("mel=0.1,bcc=0.1,nv=0.1", "sum to 0.3"),
        ("mel=0.5,bcc=0.5", "nv would have less"),
        ("mel=1.5,bcc=-0.5,nv=0", "would have less"),
        ("", "nothing is said"),
    ],
)
def test_a_prevalence_that_is_none_is_wrong_usage_in_one_line(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_prevalence(text, CODES)
