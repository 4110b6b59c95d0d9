"""Which score tells a stranger: areas as scikit-learn has them, limits that keep their rate, and a rule that report sets cannot bend."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from calibration.confidence.cases import F64
from calibration.scope.area import auroc
from calibration.scope.compare import Comparison, Kind, Measured, compare
from calibration.scope.measures import Answers, Measure, Yardstick, held_axes
from calibration.scope.methods import METHODS, Scale, possible
from edge.errors import InputRefused

RNG = np.random.default_rng(5)


def a_set(name: str, kind: Kind, measures: F64, *, belongs: bool = False, per_group: int = 1) -> Measured:
    n = len(measures)
    no = np.zeros(n, np.bool_)
    return Measured(name, kind, belongs, measures, np.arange(n) // per_group, no, no, no)


def own(n: int, seed: int) -> Measured:
    return a_set("own", Kind.OWN, np.random.default_rng(seed).standard_normal((n, 3)), belongs=True)


def outside(shift: tuple[float, float, float], kind: Kind = Kind.RENDERED, n: int = 200, seed: int = 9) -> Measured:
    return a_set(f"outside {shift}", kind, np.random.default_rng(seed).standard_normal((n, 3)) + shift)


def compared(*sets: Measured, false_alarm: float = 0.02) -> Comparison:
    return compare(own(600, 1), own(600, 2), sets, false_alarm)


def answers(gate: F64, embedding: F64) -> Answers:
    n = len(gate)
    no = np.zeros(n, np.bool_)
    return Answers(gate, embedding.astype(np.float32), np.zeros(n), tuple(map(str, range(n))), no, no)


def test_the_area_is_that_of_scikit_learn_ties_included() -> None:
    inside, strangers = np.round(RNG.standard_normal(80), 1), np.round(RNG.standard_normal(60) + 0.8, 1)
    found, ci95 = auroc(inside, np.arange(80), strangers, np.arange(60), draws=200, seed=1)
    assert found == pytest.approx(roc_auc_score([0] * 80 + [1] * 60, np.concatenate([inside, strangers])))
    assert ci95 is not None
    assert ci95[0] < found < ci95[1]


def test_frames_of_few_clips_make_a_wider_interval_than_as_many_strangers() -> None:
    inside, clips = RNG.standard_normal(200), np.repeat(RNG.standard_normal(10) + 1, 20)
    _, apart = auroc(inside, np.arange(200), clips, np.arange(200), draws=300, seed=1)
    _, together = auroc(inside, np.arange(200), clips, np.repeat(np.arange(10), 20), draws=300, seed=1)
    assert apart is not None
    assert together is not None
    assert together[1] - together[0] > 1.5 * (apart[1] - apart[0])


def test_fewer_than_fifty_strangers_get_no_interval_and_neither_does_one_clip() -> None:
    inside = RNG.standard_normal(100)
    assert auroc(inside, np.arange(100), RNG.standard_normal(49), np.arange(49), draws=50, seed=1)[1] is None
    assert auroc(inside, np.arange(100), RNG.standard_normal(90), np.zeros(90, np.int64), draws=50, seed=1)[1] is None


def test_the_residual_sees_what_lies_off_the_banks_axes() -> None:
    bank = np.zeros((400, 16), np.float32)
    bank[:, :4] = RNG.standard_normal((400, 4))
    bank /= np.linalg.norm(bank, axis=1, keepdims=True)
    yardstick = Yardstick(bank, 10)
    assert yardstick.axes <= 4
    off = np.zeros((1, 16))
    off[0, 10] = 1.0
    measures = yardstick.measure(answers(np.zeros(2), np.concatenate([bank[:1], off])))
    assert measures[1, Measure.RESIDUAL] > 0.9
    assert measures[0, Measure.RESIDUAL] < 0.6
    assert measures[0, Measure.KNN] < 0.1 < measures[1, Measure.KNN]


def test_the_kept_axes_are_the_fewest_that_hold_nine_tenths() -> None:
    bank = (RNG.standard_normal((5000, 5)) * np.sqrt([60, 29, 8, 2, 1])).astype(np.float32)
    assert len(held_axes(bank)[1]) == 3


def test_a_model_without_embedding_is_compared_by_its_gate_alone() -> None:
    measures = Yardstick(None, 1).measure(answers(RNG.standard_normal(30), np.zeros((30, 0))))
    assert [method.name for method in possible(measures)] == ["gate"]


def test_the_methods_stand_from_simple_to_complex_with_the_devices_own_first() -> None:
    order = [(len(method.parts), not method.on_device) for method in METHODS]
    assert order == sorted(order)


def test_limits_keep_the_stated_rate_on_the_half_that_they_were_not_fitted_on() -> None:
    for method in compared(outside((3, 3, 3)), false_alarm=0.05).methods:
        assert method.false_alarms.share == pytest.approx(0.05, abs=0.035), method.name
        assert method.limit_ci95[0] <= method.limit <= method.limit_ci95[1]


def test_equals_are_decided_for_the_simplest() -> None:
    found = compared(outside((9, 9, 9)))
    assert found.best == "gate"


def test_a_sum_wins_where_no_part_alone_tells() -> None:
    found = compared(outside((2.2, 2.2, 2.2)))
    assert found.best == "gate + kNN + residual"
    assert found.methods[0].short > found.methods[0].short_se


def test_a_part_that_alone_tells_wins_over_sums_that_dilute_it() -> None:
    assert compared(outside((0, 3.0, 0))).best == "kNN"


def test_a_set_for_the_report_alone_is_counted_and_never_chooses() -> None:
    chosen, abroad = outside((9, 0, 0)), outside((0, 9, 0), Kind.REPORT, n=2000)
    found = compared(chosen, abroad)
    assert found.best == compared(chosen).best == "gate"
    assert [method.refusal for method in found.methods] == [method.refusal for method in compared(chosen).methods]
    gate = next(method for method in found.methods if method.name == "gate")
    assert gate.sets[1].refused.n == 2000
    assert gate.sets[1].refused.share < 0.1


def test_own_pictures_of_a_report_set_have_false_alarms_and_no_area() -> None:
    again = replace(own(100, 7), name="val", kind=Kind.REPORT)
    found = compared(outside((9, 9, 9)), again)
    assert all(method.sets[1].area is None for method in found.methods)
    assert all(method.sets[0].area is not None for method in found.methods)


def test_too_few_of_ones_own_and_nothing_from_outside_are_refused() -> None:
    with pytest.raises(InputRefused, match="19 lesions or patients of the 20"):
        compare(own(19, 1), own(600, 2), [outside((9, 9, 9))], 0.02)
    with pytest.raises(InputRefused, match="no set from outside"):
        compare(own(60, 1), own(60, 2), [outside((9, 9, 9), Kind.REPORT)], 0.02)


def test_a_model_that_says_nothing_of_scope_is_refused() -> None:
    mute = replace(own(60, 1), measures=np.full((60, 3), np.nan))
    with pytest.raises(InputRefused, match="neither gate nor bank"):
        compare(mute, mute, [outside((9, 9, 9))], 0.02)


def test_scores_are_of_unit_spread_on_the_models_own() -> None:
    measures = RNG.standard_normal((500, 3)) * (1, 20, 300) + (5, -4, 1000)
    z = Scale.of(measures).z(measures)
    assert z.mean(0) == pytest.approx(np.zeros(3), abs=1e-6)
    assert z.std(0) == pytest.approx(np.ones(3), abs=1e-3)
