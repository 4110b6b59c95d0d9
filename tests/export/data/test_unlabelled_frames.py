"""Frames without a label are for the teacher to speak of, and are never of a lesion that judges anything."""

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from edge.errors import InputRefused
from export.data.counts import refuse_unteachable, words_of_counts
from export.data.subgroups import Subgroups
from export.data.table import UNLABELLED, Row, Side, read_rows
from export.data.unlabelled import unlabelled_rows
from export.distil.lesson import order_of
from export.distil.machines import fabric_here
from export.distil.members import teach, train_members
from export.distil.network import Student
from export.pictures import Places, counted, in_domain, with_unlabelled
from export.recipe import Data, Distil, Member, Teacher, Unlabelled, read_recipe
from export.train import train_student
from export.work import Work
from tests.export.toy import RECIPE, a_cine, a_picture, a_split, a_toy_set


def a_set(folder: Path, free: str) -> Data:
    lines = [f"{i}.png,a,l{i},{i % 5}" for i in range(100)]
    for i in range(100):
        a_picture(folder / f"{i}.png", i)
    (folder / "l.csv").write_text("\n".join(["image,label,group,fold", *lines]), encoding="utf-8")
    return a_split("l.csv", "group", unlabelled=Unlabelled(source=free, most=0.5))


def test_frames_of_a_folder_come_without_labels_and_no_more_than_asked_for(tmp_path: Path) -> None:
    (tmp_path / "free").mkdir()
    for i in range(10):
        a_cine(tmp_path / "free" / f"{i}.dcm", frames=12, PatientID=f"P{i}")
    data = a_set(tmp_path, "free")
    labelled = read_rows(data, ("a",), tmp_path)
    free = unlabelled_rows(data, labelled, tmp_path)
    assert len(free) == sum(row.side is Side.TRAIN for row in labelled) // 2
    assert {(row.label, row.side) for row in free} == {(UNLABELLED, Side.TRAIN)}
    assert {row.frame for row in free} <= {0, 2, 3, 5, 6, 8, 9, 11}
    assert free == unlabelled_rows(data, labelled, tmp_path)


@pytest.mark.parametrize("fold", ["0", "1"])
def test_a_frame_of_a_lesion_that_judges_stops_the_run(fold: str, tmp_path: Path) -> None:
    data = a_set(tmp_path, "free.csv")
    (tmp_path / "free.csv").write_text(f"image,group\n9.png,other\n2.png,l{fold}\n", encoding="utf-8")
    with pytest.raises(InputRefused, match=rf"outside train, first (other|l{fold})"):
        unlabelled_rows(data, read_rows(data, ("a",), tmp_path), tmp_path)


def test_without_unlabelled_frames_the_order_is_what_it_always_was() -> None:
    labels = np.random.default_rng(0).choice(4, 500, p=[0.1, 0.2, 0.3, 0.4]).astype(np.int64)
    weight = np.bincount(labels).astype(float)[labels] ** -0.5
    weight /= weight.sum()
    order, log_prior = order_of(labels, 0.5, 1, 3)
    assert np.array_equal(order, np.random.default_rng((1, 3)).choice(500, 500, p=weight))
    assert np.array_equal(log_prior, np.log(np.bincount(labels, weights=weight)))


def test_unlabelled_frames_are_drawn_by_their_number_and_change_no_prior() -> None:
    labels = np.repeat(np.array([0, 1], np.int64), [300, 100])
    mixed = np.concatenate([labels, np.full(200, UNLABELLED, np.int64)])
    order, log_prior = order_of(mixed, 0.5, 1, 0)
    assert (mixed[order] == UNLABELLED).mean() == pytest.approx(1 / 3, abs=0.06)
    np.testing.assert_allclose(log_prior, order_of(labels, 0.5, 1, 0)[1])


@pytest.mark.parametrize(
    ("table", "says"),
    [("", "without labels need a teacher"), ("\n[teacher]\nminutes_two_cores = 1\n[[teacher.members]]\n", "without masks")],
)
def test_a_recipe_that_cannot_use_them_is_refused(table: str, says: str, tmp_path: Path) -> None:
    member = 'backbone = "mobilenetv2_035"\nwidth_px = 48\nheight_px = 48\nepochs = 1\n' if table else ""
    text = RECIPE.replace("epochs = 12", "epochs = 12\nmask_weight = 0.3") + '\n[data.unlabelled]\nsource = "free"\n' + table + member
    (tmp_path / "r.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputRefused, match=says):
        read_recipe(tmp_path / "r.toml")


def test_a_student_learns_from_the_teachers_word_on_them(tmp_path: Path) -> None:
    """Members learn from the labelled pictures alone; the ensemble is asked about all, and the student is shown all."""
    (tmp_path / "free").mkdir()
    for i in range(16):
        a_picture(tmp_path / "free" / f"{i}.png", 5 * i)
    recipe, _ = read_recipe(a_toy_set(tmp_path, pictures=120))
    assert recipe.data is not None
    member = Member(backbone="mobilenetv2_035", width_px=48, height_px=48, epochs=1, batch=16)
    recipe = structs.replace(
        recipe,
        data=structs.replace(recipe.data, unlabelled=Unlabelled(source="free")),
        train=structs.replace(recipe.train, epochs=1),
        teacher=Teacher(members=(member,), minutes_two_cores=0.1),
        distil=Distil(crops=1),
    )
    places, said = Places(tmp_path, tmp_path / "runs"), list[str]()
    sides = in_domain(recipe, places)
    trained = train_members(recipe, places, lambda member, epoch: None, fabric_here())
    assert len(trained[0].pictures.labels) == len(sides[Side.TRAIN].labels)
    taught, about = teach(recipe, places, trained, lambda member, crops: None)
    assert (about.labels == UNLABELLED).sum() == 16
    assert taught.logits.shape[0] == len(about.labels) == len(sides[Side.TRAIN].labels) + 16
    student = train_student(Work(recipe, tmp_path / "runs" / "toy", sides, said.append), places)
    assert isinstance(student, Student)
    assert "without label: 16 frames of 16 groups" in said
    assert with_unlabelled(structs.replace(recipe, data=None), places) is None
    assert counted(structs.replace(recipe, data=None), places) == ()


def _rows(*sides: tuple[Side, int]) -> tuple[Row, ...]:
    return tuple(Row(Path(f"{i}.png"), label, f"g{i // 2}", side) for i, (side, label) in enumerate(sides))


def test_classes_groups_and_subgroups_are_counted() -> None:
    rows = _rows((Side.TRAIN, 0), (Side.TRAIN, 1), (Side.TRAIN, 0), (Side.FIT, 1))
    lines = words_of_counts(rows, ("a", "b"), [Subgroups("sex", ("f", "m", "", "f"))])
    assert lines[0] == "train: 3 pictures of 2 groups: a 2, b 1"
    assert lines[2] == "fit: 1 pictures of 1 groups: a 0, b 1"
    assert lines[-1] == "sex (train, others): unknown 1, 0, f 1, 1, m 1, 0"


ALL = ((Side.CHOICE, 0), (Side.FIT, 0), (Side.FIT, 1), (Side.CONFORMAL, 1))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (ALL, "no picture on side train"),
        (((Side.TRAIN, 0),) * 9 + ALL, "one class only"),
        (((Side.TRAIN, 0), (Side.TRAIN, 1)) * 9 + ALL, "no picture of c"),
        (((Side.TRAIN, 0), (Side.TRAIN, 1), (Side.TRAIN, 2), *ALL), "less than a batch of 8"),
        (((Side.TRAIN, 0), (Side.TRAIN, 1), (Side.TRAIN, 2)) * 4, "no picture on side choice"),
        (((Side.TRAIN, 0), (Side.TRAIN, 1), (Side.TRAIN, 2), (Side.CHOICE, 0), (Side.FIT, 1), (Side.CONFORMAL, 1)), "only on side fit"),
    ],
)
def test_what_cannot_be_learned_or_judged_is_refused_before_an_hour_is_spent(rows: tuple[tuple[Side, int], ...], says: str) -> None:
    with pytest.raises(InputRefused, match=says):
        refuse_unteachable(_rows(*rows), ("a", "b", "c"), 8)
