"""No lesion or patient stands on two sides of the split, and what is opened for reports is never trained on."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import InputRefused
from export.data.table import Side, read_rows, select
from export.recipe import Data

CODES = ("a", "b")


def a_split(**changes: object) -> Data:
    fields = {
        "labels": "labels.csv",
        "group_column": "lesion",
        "train_folds": ("2", "3"),
        "dev_folds": ("1",),
        "report_folds": ("0",),
        "cite": (),
    } | changes
    return Data(**fields)  # type: ignore[arg-type]


def a_table(folder: Path, rows: list[tuple[str, str, str]]) -> Path:
    """rows: (label, lesion, fold); pictures are empty files."""
    lines = ["image,label,lesion,fold"]
    for i, (label, lesion, fold) in enumerate(rows):
        (folder / f"{i}.png").touch()
        lines.append(f"{i}.png,{label},{lesion},{fold}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_all_pictures_of_a_lesion_stand_on_one_side(tmp_path: Path) -> None:
    rows = [("a", f"l{i // 3}", str((i // 3) % 4)) for i in range(240)]
    read = read_rows(a_split(), CODES, a_table(tmp_path, rows))
    sides: dict[str, set[Side]] = {}
    for row in read:
        sides.setdefault(row.group, set()).add(row.side)
    assert all(len(where) == 1 for where in sides.values())
    assert {side for where in sides.values() for side in where} == set(Side)


def test_a_lesion_in_two_folds_stops_the_run(tmp_path: Path) -> None:
    folder = a_table(tmp_path, [("a", "same", "2"), ("a", "same", "0")])
    with pytest.raises(InputRefused, match="two sides"):
        read_rows(a_split(), CODES, folder)


@pytest.mark.parametrize(
    ("rows", "says"),
    [([("c", "l", "2")], "label 'c'"), ([("", "l", "2")], "label ''")],
)
def test_an_unknown_label_stops_the_run_by_row(tmp_path: Path, rows: list[tuple[str, str, str]], says: str) -> None:
    with pytest.raises(InputRefused, match=says):
        read_rows(a_split(), CODES, a_table(tmp_path, rows))


def test_a_missing_picture_stops_the_run_by_name(tmp_path: Path) -> None:
    folder = a_table(tmp_path, [("a", "l", "2")])
    (folder / "0.png").unlink()
    with pytest.raises(InputRefused, match=r"0\.png"):
        read_rows(a_split(), CODES, folder)


def test_a_missing_column_or_table_is_named(tmp_path: Path) -> None:
    folder = a_table(tmp_path, [("a", "l", "2")])
    with pytest.raises(InputRefused, match="no column patient"):
        read_rows(a_split(group_column="patient"), CODES, folder)
    with pytest.raises(InputRefused, match="nowhere"):
        read_rows(a_split(labels="nowhere.csv"), CODES, folder)


@settings(deadline=None)  # a busy machine is no failure
@given(seed=st.integers(0, 2**31))
def test_about_a_tenth_of_the_groups_is_kept_for_choices(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    from export.data.table import _side

    kept = np.mean([_side("2", f"l{i}", a_split(seed=seed)) is Side.CHOICE for i in range(2000)])
    assert 0.06 < kept < 0.14


def test_selected_rows_are_of_the_sides_asked_for(tmp_path: Path) -> None:
    read = read_rows(a_split(), CODES, a_table(tmp_path, [("a", f"l{i}", str(i % 4)) for i in range(80)]))
    assert {row.side for row in select(read, Side.REPORT)} == {Side.REPORT}
    assert len(select(read, *Side)) == len(read)
