"""A site's temperature: "cannot tell" by default, "helped" where it is clear, and then it has helped."""

import numpy as np
import pytest

from calibration.confidence.cases import Cases
from calibration.confidence.methods import Scaling, apply, losses, uniform
from calibration.site.overlay import refitted
from calibration.site.refit import FEWEST_CASES, Verdict, refit, require_enough
from edge.bundle.manifest import Decision
from edge.errors import InputRefused
from tests.calibration.simulated import simulated

AS_IT_IS = Scaling(1.0, (0.0, 0.0))


def hard(n: int, seed: int, *, sharpness: float = 1.0, pictures: int = 1) -> Cases:
    """Cases that are not easy: about one in five is wrong."""
    rng = np.random.default_rng(seed)
    g = -(-n // pictures)
    label = rng.integers(0, 2, g)
    odds = (label * 2 - 1) * 1.4 + rng.standard_normal(g) * np.sqrt(2.8)  # variance twice the mean: these log-odds are true
    scores = np.stack([np.zeros(g), odds], 1) * sharpness
    return Cases(np.repeat(scores, pictures, 0)[:n], np.repeat(label, pictures)[:n], np.repeat(np.arange(g), pictures)[:n])


def truly_changed(new: float, sharpness: float) -> float:
    far = hard(20_000, 999, sharpness=sharpness)
    return float((losses(apply(Scaling(new, (0.0, 0.0)), far.scores), far) - losses(apply(AS_IT_IS, far.scores), far)).mean())


def test_where_nothing_is_off_it_cannot_tell() -> None:
    found = [refit(hard(50, seed), AS_IT_IS, uniform(2)) for seed in range(80)]
    assert np.mean([f.verdict is Verdict.CANNOT_TELL for f in found]) >= 0.88
    assert all(f.new == 1.0 for f in found if f.verdict is Verdict.CANNOT_TELL)


def test_when_it_says_helped_it_has_helped() -> None:
    """Fifty cases of a site that is half too sure again: nine in ten of those that say so are better on 20,000 further cases."""
    said = [f for f in (refit(hard(50, seed, sharpness=1.5), AS_IT_IS, uniform(2)) for seed in range(100)) if f.verdict is Verdict.HELPED]
    assert len(said) >= 10
    assert np.mean([truly_changed(f.new, 1.5) < 0 for f in said]) >= 0.9


def test_with_two_hundred_cases_a_sureness_of_half_too_much_is_seen() -> None:
    said = [refit(hard(200, 500 + seed, sharpness=1.5), AS_IT_IS, uniform(2)).verdict is Verdict.HELPED for seed in range(60)]
    assert np.mean(said) >= 0.8


def test_more_pictures_of_the_same_lesions_are_no_more_evidence() -> None:
    one = refit(hard(40, 7, sharpness=1.6), AS_IT_IS, uniform(2))
    ten = refit(hard(400, 7, sharpness=1.6, pictures=10), AS_IT_IS, uniform(2))
    width = [np.log(f.ci90[1] / f.ci90[0]) for f in (one, ten)]
    assert width[1] == pytest.approx(width[0], rel=0.15)


def test_the_sites_own_mix_of_classes_is_not_taken_for_a_temperature() -> None:
    cases = hard(6000, 8)
    keep = np.random.default_rng(0).random(6000) < np.where(cases.labels == 1, 1.0, 0.1)
    found = refit(cases.only(keep), AS_IT_IS, uniform(2))
    assert found.ci90[0] < 1.0 < found.ci90[1]


def test_a_class_without_local_cases_is_no_trouble() -> None:
    cases = simulated(120, 4, 9)
    found = refit(cases.only(cases.labels < 3), Scaling(1.0, (0.0,) * 4), uniform(4))
    assert np.isfinite([found.change, *found.change_ci90]).all()


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (slice(0, 10), f"10 local cases.*{FEWEST_CASES}"),
        ("one class", "all local cases are of one class"),
        ("one of the other", "fewer than two classes"),
    ],
)
def test_what_can_tell_nothing_is_refused_in_one_line(chosen: object, words: str) -> None:
    cases = hard(200, 10)
    mask = np.zeros(200, np.bool_)
    if isinstance(chosen, slice):
        mask[chosen] = True
    else:
        mask[np.flatnonzero(cases.labels == 0)[:60]] = True
        mask[np.flatnonzero(cases.labels == 1)[:2]] = chosen == "one of the other"
    with pytest.raises(InputRefused, match=words) as refused:
        require_enough(cases.only(mask), ("benign", "malignant"))
    assert "profile is as it was" in refused.value.line()


@pytest.mark.parametrize("is_signed", [True, False])
def test_the_new_decision_keeps_every_class_in_the_sets_and_in_sight(is_signed: bool) -> None:
    old = Decision(bias=(0.0, 0.0), set_at=(0.4, 0.3), guard_at=(None, 0.2))
    found = refit(hard(400, 11, sharpness=2.0), AS_IT_IS, uniform(2))
    assert found.verdict is Verdict.HELPED
    new = refitted(old, found, is_signed=is_signed)
    assert new.temperature == pytest.approx(found.new, abs=1e-4)
    assert new.guard_at[0] is None
    assert is_signed or all(a <= b for a, b in zip(new.set_at, old.set_at, strict=True))
    scores = np.linspace(-8, 8, 801)[:, None] * np.array([0.0, 1.0])
    before, after = (apply(Scaling(t, (0.0, 0.0)), scores) for t in (old.temperature, new.temperature))
    for c, at, now in ((0, old.set_at[0], new.set_at[0]), (1, old.set_at[1], new.set_at[1]), (1, 0.2, new.guard_at[1] or 0)):
        assert (after[:, c][before[:, c] >= at] >= now).all()
