"""An interval is honest also for three pictures: never [1, 1], and nothing where n is too small to say anything."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bench.accuracy import Case, measure
from edge.bench.accuracy_interval import FEWEST, believable, wilson
from edge.reading import State

CODES = ("benign", "malignant")


def right_cases(n: int, *, per_group: int = 1) -> list[Case]:
    """n cases, every one right and sure, the two labels in turn by group."""
    cases = []
    for at in range(n):
        group = at // per_group
        label = CODES[group % 2]
        p = (0.9, 0.1) if label == "benign" else (0.1, 0.9)
        cases.append(Case(label, str(group), p, State.READY, label))
    return cases


@pytest.mark.parametrize(
    ("share", "groups", "low", "high"),
    [(1.0, 3, 0.4385, 1.0), (0.0, 3, 0.0, 0.5615), (1.0, 1, 0.2065, 1.0), (0.5, 10, 0.2366, 0.7634), (0.9, 50, 0.7864, 0.9565)],
)
def test_wilson_as_printed_in_tables(share: float, groups: int, low: float, high: float) -> None:
    assert wilson(share, groups) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 60).flatmap(lambda k: st.tuples(st.just(k), st.integers(max(k, 1), 60))))
def test_wilson_holds_the_share_and_has_width(counted: tuple[int, int]) -> None:
    k, n = counted
    low, high = wilson(k / n, n)
    assert 0.0 <= low <= k / n <= high <= 1.0
    assert high - low > 0.05


def test_wilson_covers_the_truth_of_few_groups_where_the_bootstrap_does_not() -> None:
    random = np.random.default_rng(3)
    for truth in (0.7, 0.9):
        shares = random.binomial(8, truth, 4000) / 8
        hit = [low <= truth <= high for low, high in (wilson(share, 8) for share in shares)]
        assert np.mean(hit) > 0.9


def test_three_pictures_that_are_all_right_are_no_proof_of_perfection() -> None:
    found = measure(right_cases(3), CODES, draws=50)
    assert found.forced.accuracy.value == 1.0
    assert found.forced.accuracy.ci95 == pytest.approx((0.4385, 1.0), abs=1e-3)
    assert found.selective.coverage.ci95 == pytest.approx((0.4385, 1.0), abs=1e-3)
    assert (found.forced.balanced_accuracy.value, found.forced.balanced_accuracy.ci95) == (1.0, None)
    assert (found.forced.auc_macro.value, found.forced.auc_macro.ci95) == (1.0, None)
    assert dict(found.sensitivity_at_spec90)["malignant"].ci95 is None


def test_many_pictures_of_three_patients_are_three_patients() -> None:
    found = measure(right_cases(60, per_group=20), CODES, draws=50)
    assert found.forced.accuracy.ci95 == pytest.approx((0.4385, 1.0), abs=1e-3)


def test_two_hundred_right_ones_still_leave_room_for_a_fault() -> None:
    found = measure(right_cases(200), CODES, draws=50)
    assert found.forced.accuracy.ci95 == pytest.approx((0.981, 1.0), abs=1e-3)
    assert dict(found.sensitivity_at_spec90)["malignant"].ci95 == pytest.approx((0.963, 1.0), abs=1e-3)
    assert found.forced.balanced_accuracy.ci95 is None, "nothing varies: the bootstrap has nothing to say"


def test_enough_groups_have_the_bootstrap_and_one_fewer_has_not() -> None:
    assert believable(0.8, (0.7, 0.9), FEWEST, is_share=True) == (0.7, 0.9)
    assert believable(0.8, (0.7, 0.9), FEWEST - 1, is_share=True) == wilson(0.8, FEWEST - 1)
    assert believable(0.8, (0.7, 0.9), FEWEST - 1, is_share=False) is None
    assert believable(0.8, (0.7, 0.9), 0, is_share=True) is None
    assert believable(None, None, 50, is_share=True) is None
