"""`sonoderm evaluate`: the versioned object, its options, and the same figures for people."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.builders import BLUE, GREEN, RED, BuiltBundle, a_bundle, a_corner_picture, a_picture
from tests.clips import a_clip
from tests.edge.cli.command_words import model

KEYS = {"v", "model", "digest", "engine", "form", "n", "n_groups", "forced", "selective", "per_class", "states"}
KEYS |= {"auc_by_group", "auc_by_group_ci95", "sensitivity_at_spec90", "sensitivity_at_spec90_ci95"}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Nine pictures of three patients: eight right, one red called green; a grey one that is none of the three."""
    colours = {"red": RED, "green": GREEN, "blue": BLUE}
    rows = []
    for n in range(9):
        label = ("red", "green", "blue")[n % 3]
        picture = a_picture(colours["red" if n == 4 else label], width_px=80 + n)
        cv2.imwrite(str(tmp_path / f"{n}.png"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        rows.append(f"{n}.png,{label},p{n // 3},{'val' if n < 6 else 'train'}")
    cv2.imwrite(str(tmp_path / "grey.png"), a_picture((128, 128, 128)))
    path = tmp_path / "t.csv"
    path.write_text("image,label,patient,split\n" + "\n".join(rows) + "\n")
    return path


def run(sonoderm, built: BuiltBundle, table: Path, *args: str) -> dict:  # type: ignore[no-untyped-def, type-arg]
    ended = sonoderm("evaluate", str(table), *model(built), "--json", *args)
    assert ended.code == 0, ended.err
    found: dict = json.loads(ended.out)  # type: ignore[type-arg]
    return found


def test_the_object_is_version_1_with_an_interval_beside_every_figure(sonoderm, built: BuiltBundle, table: Path) -> None:  # type: ignore[no-untyped-def]
    found = run(sonoderm, built, table, "--group", "patient")
    assert set(found) >= KEYS
    assert (found["v"], found["model"], found["n"], found["n_groups"]) == (1, "p-colour", 9, 3)
    assert len(found["digest"]) == 64
    low, high = found["forced"]["accuracy_ci95"]
    assert low <= found["forced"]["accuracy"] <= high
    for name in ("balanced_accuracy", "auc_macro", "ece15"):
        assert f"{name}_ci95" in found["forced"]
        assert found["forced"][f"{name}_ci95"] is None, "three patients are too few"
    assert "bootstrap by group" in found["ci95_method"]
    assert set(found["selective"]) == {"coverage", "coverage_ci95", "balanced_accuracy", "balanced_accuracy_ci95", "per_class"}
    assert found["forced"]["accuracy"] == pytest.approx(8 / 9, abs=1e-6)
    assert found["per_class"]["green"]["n"] == 3
    assert found["per_class"]["green"]["recall"] == pytest.approx(2 / 3, abs=1e-6)
    assert set(found["sensitivity_at_spec90"]) == {"red", "green", "blue"}
    assert sum(found["states"].values()) == 9


def test_enough_patients_have_an_interval_beside_every_figure(sonoderm, built: BuiltBundle, table: Path) -> None:  # type: ignore[no-untyped-def]
    """Each picture twenty times over, each of a patient of its own: one in nine is called wrongly."""
    rows = [line.split(",") for line in table.read_text().splitlines()[1:]]
    many = table.parent / "many"
    many.mkdir()
    lines = []
    for patient in range(20):
        for image, label, _, _ in rows:
            name = f"{patient}-{image}"
            (many / name).write_bytes((table.parent / image).read_bytes())
            lines.append(f"{name},{label},p{patient}-{image}")
    (many / "t.csv").write_text("image,label,patient\n" + "\n".join(lines) + "\n")
    found = run(sonoderm, built, many / "t.csv", "--group", "patient")
    assert found["n_groups"] == 180
    for name in ("accuracy", "balanced_accuracy"):
        low, high = found["forced"][f"{name}_ci95"]
        assert low <= found["forced"][name] <= high


def test_three_pictures_are_no_proof_of_perfection(sonoderm, built: BuiltBundle, table: Path) -> None:  # type: ignore[no-untyped-def]
    ended = sonoderm("evaluate", table, *model(built), "--where", "patient=p0")
    assert "1.000 to 1.000" not in ended.out
    assert re.search(r"forced accuracy +1\.000 +0\.439 to 1\.000", ended.out), ended.out
    assert re.search(r"forced balanced accuracy +1\.000 +none", ended.out), ended.out


def test_a_conflict_is_said_once_and_other_troubles_beside_it(sonoderm, built: BuiltBundle, table: Path) -> None:  # type: ignore[no-untyped-def]
    with table.open("a") as file:
        file.write("0.png,blue,p0,val\n1.png,green,p0,val\n")
    ended = sonoderm("evaluate", table, *model(built))
    assert ended.code == 3
    assert sum("one image under several labels" in line for line in ended.said) == 1
    assert ended.said[-1].endswith("leave these images out: --exclude-conflicts")
    assert any("image listed twice" in line for line in ended.said[:-1])
    allowed = sonoderm("evaluate", table, *model(built), "--exclude-conflicts")
    assert sum("one image under several labels" in line for line in allowed.said) == 1


def test_the_same_call_gives_the_same_bytes(sonoderm, built: BuiltBundle, table: Path) -> None:  # type: ignore[no-untyped-def]
    assert run(sonoderm, built, table) == run(sonoderm, built, table)


def test_where_may_be_repeated(sonoderm, built: BuiltBundle, table: Path) -> None:  # type: ignore[no-untyped-def]
    assert run(sonoderm, built, table, "--where", "split=val")["n"] == 6
    assert run(sonoderm, built, table, "--where", "split=val", "--where", "patient=p0")["n"] == 3
    assert run(sonoderm, built, table, "--where", "label=red", "--where", "label=blue")["n"] == 6


def test_labels_that_the_model_lacks_are_cases_to_be_refused(sonoderm, built: BuiltBundle, table: Path) -> None:  # type: ignore[no-untyped-def]
    with table.open("a") as file:
        file.write("grey.png,grey,p9,val\n")
    found = run(sonoderm, built, table, "--unknown", "out-of-scope")
    assert (found["n"], found["n_known"]) == (10, 9)
    assert sum(found["states"].values()) == 10
    assert found["unknown"]["grey"]["n"] == 1
    assert found["forced"]["accuracy"] == pytest.approx(8 / 9, abs=1e-6)


def test_a_table_of_strangers_alone_has_states_and_no_figures(sonoderm, built: BuiltBundle, tmp_path: Path, table: Path) -> None:  # type: ignore[no-untyped-def]
    strangers = tmp_path / "s.csv"
    strangers.write_text("image,label\ngrey.png,cat\n0.png,dog\n")
    found = run(sonoderm, built, strangers, "--unknown", "out-of-scope")
    assert (found["n"], found["n_known"], found["forced"]["accuracy"]) == (2, 0, None)
    assert sum(found["states"].values()) == 2
    assert "NaN" not in json.dumps(found)


def test_long_side_shrinks_before_the_model_sees_the_picture(sonoderm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """A fine white grid in one quarter is grey to a model at any scale; a corner stays the corner."""
    built = a_bundle(tmp_path, model="p-corner")
    cv2.imwrite(str(tmp_path / "tl.png"), a_corner_picture("tl", width_px=640, height_px=480))
    (tmp_path / "t.csv").write_text("image,label\ntl.png,tl\n")
    found = run(sonoderm, built, tmp_path / "t.csv", "--long-side", "64")
    assert (found["long_side_px"], found["forced"]["accuracy"]) == (64, 1.0)


def test_a_clip_is_one_case(sonoderm, built: BuiltBundle, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    a_clip(tmp_path / "clip.mp4", colours=(RED,) * 7 + (BLUE,) * 3)
    (tmp_path / "t.csv").write_text("image,label\nclip.mp4,red\n")
    found = run(sonoderm, built, tmp_path / "t.csv")
    assert (found["n"], found["forced"]["accuracy"], sum(found["states"].values())) == (1, 1.0, 1)


def test_pictures_that_cannot_be_read_are_in_no_figure_and_end_with_3(sonoderm, built: BuiltBundle, table: Path) -> None:  # type: ignore[no-untyped-def]
    (table.parent / "3.png").write_text("damaged")
    command = ["evaluate", str(table), *model(built), "--json"]
    ended = sonoderm(*command)
    assert ended.code == 3
    found = json.loads(ended.out)
    assert found["n"] == 8
    assert len(found["refused"]) == 1
    assert "row 5" in found["refused"][0]
    assert sonoderm(*command, "--allow-missing").code == 0


def test_people_see_the_denominator_the_figures_and_the_states(sonoderm, built: BuiltBundle, table: Path) -> None:  # type: ignore[no-untyped-def]
    ended = sonoderm("evaluate", str(table), *model(built), "--group", "patient")
    for words in (
        "9 pictures",
        "3 groups by patient",
        "forced balanced accuracy",
        "0.889",
        "sensitivity at 90 % spec.",
        "READY",
        "Research use only",
    ):
        assert words in ended.out
    assert not np.any([ord(c) < 32 for c in ended.out.replace("\n", "")])


def test_a_model_that_may_not_speak_here_gives_no_figure(sonoderm, tmp_path: Path, table: Path) -> None:  # type: ignore[no-untyped-def]
    unproven = a_bundle(tmp_path / "unproven", unrun=("onnxruntime",))
    ended = sonoderm("evaluate", str(table), "--model", str(unproven.path), "--trust", str(unproven.trust_dir), "--json")
    assert (ended.code, ended.out) == (6, "")
    assert re.search(r"-> sonoderm check .*--accept", ended.said[-1])
