"""The benchmark of artefacts counts what it says: flips, falls of AUC by patient, states that were not there before."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.artefacts import Row, main
from benchmarks.artefacts_change import Answers, Truth, change, mean_change
from benchmarks.artefacts_sheet import draw_sheet
from edge.reading import State
from edge.sources.phantom_still import render_still
from export.distil.artefacts import artefacts_of


def _two(p: list[float], states: list[State] | None = None) -> Answers:
    second = np.array(p)
    return Answers(np.stack([1 - second, second], 1), tuple(states or [State.READY] * len(p)))


def _truth(labels: list[int], groups: list[int]) -> Truth:
    return Truth(np.array(labels), np.array(groups), 2)


def test_a_flip_is_another_most_probable_label_and_nothing_less() -> None:
    truth = _truth([0, 0, 1, 1], [0, 1, 2, 3])
    found = change(truth, _two([0.1, 0.4, 0.6, 0.9]), _two([0.3, 0.6, 0.4, 0.8]))
    assert found.flips.value == 0.5
    assert found.balanced_accuracy.value == -0.5


def test_a_shown_label_flips_only_where_both_times_a_label_was_shown() -> None:
    truth, ready, unsure = _truth([0, 0, 1, 1], [0, 1, 2, 3]), State.READY, State.UNSURE
    clean = _two([0.1, 0.4, 0.6, 0.9], [ready, unsure, ready, ready])
    found = change(truth, clean, _two([0.6, 0.6, 0.4, 0.8], [ready, ready, unsure, ready]))
    assert found.flips.value == 0.75
    assert found.shown_flips.value == 0.5


def test_auc_of_two_labels_is_by_patient() -> None:
    """Patient 0 has two pictures; one goes wrong, and their mean still stands below the other patient's."""
    truth = _truth([0, 0, 1], [0, 0, 1])
    found = change(truth, _two([0.1, 0.1, 0.6]), _two([0.1, 0.7, 0.6]))
    assert found.auc.value == 0.0
    assert change(truth, _two([0.1, 0.1, 0.6]), _two([0.9, 0.7, 0.6])).auc.value == -1.0


def test_only_a_state_that_was_not_there_before_is_counted() -> None:
    states = [State.POOR_IMAGE, State.READY, State.OUT_OF_SCOPE]
    after = [State.POOR_IMAGE, State.POOR_IMAGE, State.OUT_OF_SCOPE]
    found = change(_truth([0, 1, 1], [0, 1, 2]), _two([0.1, 0.9, 0.9], states), _two([0.1, 0.9, 0.9], after))
    assert (found.poor, found.out_of_scope) == (1, 0)


def test_the_mean_of_all_is_the_mean_of_each() -> None:
    rng = np.random.default_rng(1)
    truth = Truth(rng.integers(0, 2, 60), np.arange(60), 2)
    clean, *painted = (_two(list(rng.random(60))) for _ in range(4))
    each = [change(truth, clean, other) for other in painted]
    found = mean_change(truth, clean, painted)
    for name in ("flips", "auc", "balanced_accuracy"):
        figure = getattr(found, name)
        assert figure.value == pytest.approx(np.mean([getattr(one, name).value for one in each]))
        low, high = figure.ci95
        assert low < figure.value < high


def test_nothing_changed_is_no_change_whatever_the_draw() -> None:
    rng = np.random.default_rng(2)
    truth, clean = Truth(rng.integers(0, 2, 60), np.arange(60), 2), _two(list(rng.random(60)))
    found = change(truth, clean, clean)
    assert (found.flips.value, found.auc.value) == (0.0, 0.0)
    assert found.flips.ci95 is not None
    assert found.flips.ci95[1] < 0.1  # Wilson's, not [0, 0]


def test_a_person_can_look_at_every_artefact_on_a_rendered_picture(tmp_path: Path) -> None:
    draw_sheet("ultrasound", 2 / 3, 1, tmp_path / "sheet.png")
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    assert sheet.shape[0] == 324 * -(-(len(artefacts_of("ultrasound")) + 1) // 4)


def test_from_pictures_to_a_table_with_the_shipped_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "busbra"
    folder.mkdir()
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("image", "label", "patient", "fold"))
        for i in range(4):
            name = f"{i}.png"
            cv2.imwrite(str(folder / name), render_still("us-mass" if i % 2 else "us-cyst", i, width_px=160, height_px=120))
            table.writerow((name, "malignant" if i % 2 else "benign", i, 5))
    words = ("--data", str(tmp_path), "--severity", "1", "--engine", "onnxruntime", "--json", str(tmp_path / "out.json"))
    assert main(("breast-us", *words)) == 0
    assert "4 pictures, 4 groups by patient" in capsys.readouterr().out
    result = json.loads((tmp_path / "out.json").read_text())
    assert [row["artefact"] for row in result["rows"]] == [*(each.name for each in artefacts_of("ultrasound")), "mean of all"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("phantom",), "is for other pictures"),
        (("breast-us", "--set", "isic2018"), "has no pictures for breast-us"),
        (("breast-us", "--data", "nowhere"), "nowhere/busbra/labels.csv"),
        (("breast-us", "--sheet", "nowhere/sheet.png"), "nowhere/sheet.png"),
    ],
)
def test_what_cannot_be_measured_is_one_line(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) != 0
    assert said in capsys.readouterr().err


def test_an_answer_below_chance_is_no_promise_kept() -> None:
    truth, clean = _truth([0, 1] * 20, list(range(40))), _two([0.1, 0.9] * 20)
    assert Row("all wrong", change(truth, clean, _two([0.9, 0.1] * 20))).missed
    assert not Row("the same", change(truth, clean, clean)).missed
