"""The paired gate passes what is equal and stops what is damaged: by agreement, by loss, by the recall of one class."""

import numpy as np
import pytest

from edge.errors import CheckFailed
from export.data.subgroups import Subgroups
from export.gate.figures import worst_subgroup
from export.gate.frames import gate_frames
from export.gate.paired import compare, refusals, refuse
from export.pictures import Sided
from export.recipe import Augment

CODES = ("nv", "mel")


def a_student(n: int = 3200, accuracy: float = 0.85, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    predicted = np.where(rng.random(n) < accuracy, labels, 1 - labels)
    return predicted, labels, [str(i // 4) for i in range(n)]


def damaged(predicted: np.ndarray, labels: np.ndarray, share: float, of: tuple[int, ...] = (0, 1)) -> np.ndarray:
    """`share` of the right answers (of the named classes) become wrong."""
    out = predicted.copy()
    right = np.flatnonzero((predicted == labels) & np.isin(labels, of))
    chosen = np.random.default_rng(5).choice(right, round(share * np.isin(labels, of).sum()), replace=False)
    out[chosen] = 1 - out[chosen]
    return out


def test_a_form_that_answers_like_its_float_graph_passes() -> None:
    predicted, labels, groups = a_student()
    found = compare(predicted, predicted, labels, groups, CODES)
    assert (found.agreement, found.loss, found.loss_upper) == (1.0, 0.0, 0.0)
    assert refusals(found, ("mel",)) == ()


def test_a_student_damaged_by_three_points_is_stopped_and_no_bundle_is_written() -> None:
    predicted, labels, groups = a_student()
    found = compare(predicted, damaged(predicted, labels, 0.03), labels, groups, CODES)
    assert found.loss == pytest.approx(0.03, abs=0.004)
    assert found.loss_upper > found.loss
    with pytest.raises(CheckFailed, match=r"loses 3\.\d% balanced accuracy.*blocks\.0") as stopped:
        refuse("u8s8", "openvino", found, ("mel",), "blocks.0")
    assert "no bundle was written" in stopped.value.line()


def test_a_small_loss_of_one_class_that_must_not_be_missed_is_named() -> None:
    predicted, labels, groups = a_student()
    found = compare(predicted, damaged(predicted, labels, 0.012, of=(1,)), labels, groups, CODES)
    assert found.agreement > 0.99
    assert found.loss_upper < 0.02
    (said,) = refusals(found, ("mel",))
    assert said.startswith("recall of mel falls")
    assert refusals(found, ()) == ()


def test_too_few_frames_are_no_proof() -> None:
    predicted, labels, groups = a_student(400)
    assert refusals(compare(predicted, predicted, labels, groups, CODES), ()) == ("only 400 frames, 3000 are needed",)


def test_frames_of_one_patient_widen_the_bound() -> None:
    """100 errors in ten patients are less sure than 100 errors in a hundred patients."""
    predicted, labels, _ = a_student(accuracy=1.0)
    found = predicted.copy()
    found[:100] = 1 - found[:100]
    apart = compare(predicted, found, labels, [str(i) for i in range(3200)], CODES)
    together = compare(predicted, found, labels, [str(i // 100) for i in range(3200)], CODES)
    assert together.loss == apart.loss
    assert together.loss_upper > apart.loss_upper


def test_the_frames_reach_the_number_and_keep_label_and_patient() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 24, 32, 3), dtype=np.uint8)
    dev = Sided(pixels, np.arange(6) % 2, [f"p{i}" for i in range(6)])
    found = gate_frames(dev, dev, Augment(), reflect=False, frames=30)
    assert found.pixels.shape == (36, 24, 32, 3)
    assert (found.fit, found.dev) == (6, 12)
    assert np.array_equal(found.pixels[:6], pixels)
    assert not np.array_equal(found.pixels[12:18], pixels)
    assert found.groups[12:18] == dev.groups
    assert np.array_equal(found.labels[12:18], dev.labels)
    assert np.array_equal(found.pixels, gate_frames(dev, dev, Augment(), reflect=False, frames=30).pixels)


def test_the_subgroup_that_loses_most_is_named_and_a_small_one_says_nothing() -> None:
    labels = np.zeros(100, np.int64)
    found = np.where(np.arange(100) % 10 == 0, 1, 0)  # one in ten is wrong, all of them of site "a"
    sites = Subgroups("site", tuple("tiny" if i < 5 else "a" if i % 10 == 0 or i % 2 else "b" for i in range(100)))
    worst = worst_subgroup((sites,), labels, np.zeros(100, np.int64), found)
    assert worst is not None
    assert (worst.column, worst.value, worst.accuracy_float) == ("site", "a", 1.0)
    assert worst.loss == pytest.approx(9 / 57)
    assert worst_subgroup((Subgroups("site", ("tiny",) * 20),), labels[:20], labels[:20], found[:20]) is None
