"""Pictures of one thing stand on one side of the split, under whatever names they come; what would leak stops the run in one line."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from edge.errors import InputRefused
from edge.frame import U8
from edge.sources.picture import read_picture
from export.cli import app
from export.data.alike import alike_pairs, refuse_alike, small_copies
from export.data.clusters import Clusters
from export.data.table import Side, read_rows, split
from export.pictures import Places, in_domain
from export.recipe import Data, Duplicates, read_recipe
from tests.export.toy import RECIPE, a_split, a_toy_set, stripes

Lines = list[tuple[str, str, str, str]]


def joined_by(duplicates: Duplicates) -> Data:
    return a_split("labels.csv", "lesion", duplicates=duplicates)


def a_table(folder: Path, rows: Lines) -> Path:
    """rows: (lesion, fold, cluster, file); pictures are empty files, labels all 'a'."""
    lines = ["image,label,lesion,fold,cluster", *(f"{file},a,{lesion},{fold},{cluster}" for lesion, fold, cluster, file in rows)]
    for *_, file in rows:
        (folder / file).touch()
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def some_rows(n: int = 200) -> Lines:
    """Two lesions a cluster, both in one train fold."""
    return [(f"l{i}", "2" if (i // 2) % 2 else "3", f"c{i // 2}", f"{i}.png") for i in range(n)]


def test_a_cluster_of_two_lesions_is_never_cut_by_the_tenth_that_is_kept(tmp_path: Path) -> None:
    folder = a_table(tmp_path, some_rows())
    alone = {row.name: row.side for row in read_rows(joined_by(Duplicates()), ("a",), folder)}
    assert any(alone[f"{i}.png"] is not alone[f"{i + 1}.png"] for i in range(0, 200, 2))  # what the column prevents
    cut = split(joined_by(Duplicates(column="cluster")), ("a",), folder)
    side = {row.name: row.side for row in cut.rows}
    assert all(side[f"{i}.png"] is side[f"{i + 1}.png"] for i in range(0, 200, 2))
    assert (cut.joined, cut.set_aside) == (200, 0)
    assert len({row.group for row in cut.rows}) == 100


ACROSS: Lines = [("l1", "2", "c", "1.png"), ("l2", "0", "c", "2.png"), ("l3", "1", "", "3.png"), ("l4", "3", "d", "4.png")]


def test_a_cluster_in_two_folds_stops_the_run_and_both_names_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="1 groups stand on two sides of the split, first l1 = l2") as refused:
        split(joined_by(Duplicates(column="cluster")), ("a",), a_table(tmp_path, ACROSS))
    assert "\n" not in refused.value.line()


def test_what_is_set_aside_is_never_taken_from_the_side_that_judges(tmp_path: Path) -> None:
    cut = split(joined_by(Duplicates(column="cluster", across="set aside")), ("a",), a_table(tmp_path, ACROSS))
    assert {(row.name, row.side is Side.REPORT) for row in cut.rows} == {("2.png", True), ("3.png", False), ("4.png", False)}
    assert (cut.joined, cut.set_aside) == (2, 1)


def test_a_file_under_two_lesions_joins_them(tmp_path: Path) -> None:
    rows: Lines = [("l1", "2", "", "same.png"), ("l2", "0", "", "same.png")]
    with pytest.raises(InputRefused, match="l1 = l2"):
        split(joined_by(Duplicates()), ("a",), a_table(tmp_path, rows))


def test_a_picture_under_two_labels_stops_the_run_by_row(tmp_path: Path) -> None:
    folder = a_table(tmp_path, [("l1", "2", "", "1.png")])
    (folder / "labels.csv").write_text("image,label,lesion,fold\n1.png,a,l1,2\n1.png,b,l1,2\n", encoding="utf-8")
    with pytest.raises(InputRefused, match=r"row 3: 1\.png is b and a"):
        split(joined_by(Duplicates()), ("a", "b"), folder)


def test_pairs_of_a_table_join_and_an_unknown_picture_is_named(tmp_path: Path) -> None:
    folder = a_table(tmp_path, some_rows(8))
    (folder / "pairs.csv").write_text("a,b\n0.png,6.png\n6.png,3.png\n", encoding="utf-8")
    cut = split(joined_by(Duplicates(pairs="pairs.csv", across="set aside")), ("a",), folder)
    assert {row.name for row in cut.rows if row.group == "l0"} == {"0.png", "3.png", "6.png"}
    (folder / "pairs.csv").write_text("a,b\n0.png,77.png\n", encoding="utf-8")
    with pytest.raises(InputRefused, match=r"row 2: no picture 77\.png"):
        split(joined_by(Duplicates(pairs="pairs.csv")), ("a",), folder)


@settings(deadline=None)  # a busy machine is no failure
@given(edges=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=30), order=st.randoms(use_true_random=False))
def test_clusters_are_the_connected_parts_in_whatever_order_they_are_joined(edges: list[tuple[int, int]], order: object) -> None:
    part = {i: {i} for i in range(13)}
    for a, b in edges:
        both = part[a] | part[b]
        for i in both:
            part[i] = both
    shuffled = list(edges)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    clusters = Clusters()
    for a, b in shuffled:
        clusters.join((str(a), str(b)))
    for i in range(13):
        assert clusters.root(str(i)) == min(map(str, part[i]))


def _a_copy(picture: U8) -> U8:
    """Smaller, brighter, and through JPEG."""
    small = cv2.resize(np.clip(picture.astype(int) + 15, 0, 255).astype(np.uint8), (40, 40), interpolation=cv2.INTER_AREA)
    stored = cv2.imdecode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)
    assert stored is not None
    return np.asarray(cv2.resize(stored, (48, 48)), np.uint8)


def test_a_copy_is_alike_and_another_of_its_kind_is_not() -> None:
    rng = np.random.default_rng(3)
    pictures = [stripes(i % 2, rng) for i in range(30)]
    copies = small_copies(np.stack([*pictures, _a_copy(pictures[4]), np.zeros((48, 48, 3), np.uint8)]))
    assert [(pair.a, pair.b) for pair in alike_pairs(copies, 0.97)] == [(4, 30)]
    np.testing.assert_allclose(np.corrcoef(copies[:5]), copies[:5] @ copies[:5].T, atol=1e-5)


def test_pairs_are_found_across_the_borders_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(9, 256)).astype(np.float32)
    rows[8] = rows[1]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    monkeypatch.setattr("export.data.alike.BLOCK", 4)
    assert [(pair.a, pair.b) for pair in alike_pairs(rows, 0.99)] == [(1, 8)]


def test_a_train_picture_alike_to_a_dev_picture_stops_the_run(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    train, dev = np.stack([stripes(0, rng) for _ in range(3)]), np.stack([stripes(0, rng) for _ in range(3)])
    dev[1] = _a_copy(train[2])
    names = {Side.TRAIN: ["t0", "t1", "t2"], Side.FIT: ["d0", "d1", "d2"]}
    with pytest.raises(InputRefused, match="1 pictures of train are alike to pictures of dev, first t2 and d1"):
        refuse_alike({Side.TRAIN: train, Side.FIT: dev}, names, 0.97)
    refuse_alike({Side.TRAIN: train, Side.CHOICE: dev}, {Side.TRAIN: names[Side.TRAIN], Side.CHOICE: names[Side.FIT]}, 0.97)


def test_the_table_that_the_command_writes_mends_the_run(tmp_path: Path) -> None:
    """From the refusal to the run that goes on: look, list, name the list, set aside."""
    recipe = a_toy_set(tmp_path, pictures=120)
    lines = [line.split(",") for line in (tmp_path / "labels.csv").read_text(encoding="utf-8").splitlines()[1:]]
    of_train, of_dev = (next(line[0] for line in lines if line[3] == fold) for fold in ("2", "1"))
    cv2.imwrite(str(tmp_path / of_dev), read_picture(tmp_path / of_train)[..., ::-1] // 2)  # darker
    places, looking = Places(tmp_path, tmp_path / "runs"), "\n[data.duplicates]\nalike_at = 0.998\n"
    recipe.write_text(RECIPE + looking, encoding="utf-8")
    with pytest.raises(InputRefused, match="alike to pictures of dev"):
        in_domain(read_recipe(recipe)[0], places)
    recipe.write_text(RECIPE, encoding="utf-8")
    command = [
        "duplicates",
        str(recipe),
        "--out",
        str(tmp_path / "pairs.csv"),
        "--data",
        str(tmp_path),
        "--runs",
        str(places.runs),
        "--alike",
        "0.998",
    ]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert "1 of them stand on two sides" in done.stderr
    assert {of_train, of_dev} <= set((tmp_path / "pairs.csv").read_text(encoding="utf-8").splitlines()[1].split(","))
    recipe.write_text(RECIPE + looking + 'pairs = "pairs.csv"\nacross = "set aside"\n', encoding="utf-8")
    mended = in_domain(read_recipe(recipe)[0], places)
    lesion = next(line[2] for line in lines if line[0] == of_train)
    assert lesion not in mended[Side.TRAIN].groups + mended[Side.CHOICE].groups
