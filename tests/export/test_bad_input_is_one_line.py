"""What people hand to an export that cannot work: one clear line each, an exit code, and what was finished before is kept."""

import dataclasses
import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from edge.cli.failures import as_expected
from edge.cli.main import main
from edge.errors import InputRefused
from export.data.cache import cached
from export.data.shots import Shot
from export.distil.finetune import Pictures, finetune
from export.distil.machines import fabric_here
from export.pictures import Places, in_domain
from export.recipe import Recipe, read_recipe
from export.train import train_student
from export.work import Work
from tests.export.toy import RECIPE, a_picture, a_toy_set

TEACHER = """
[teacher]
minutes_two_cores = 0.2
[[teacher.members]]
adapter = "timm"
file = "teacher.pth"
width_px = 48
height_px = 48
options = { backbone = "resnet10t" }
"""


def _no_teacher(folder: Path) -> None:
    (folder / "toy.toml").write_text(RECIPE + TEACHER, encoding="utf-8")


def _of_teacher(state: object) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        _no_teacher(folder)
        torch.save(state, folder / "teacher.pth")

    return spoil


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("executed",)


def _cut(folder: Path) -> None:
    _of_teacher({"fc.weight": torch.zeros(400, 400)})(folder)
    whole = (folder / "teacher.pth").read_bytes()
    (folder / "teacher.pth").write_bytes(whole[: len(whole) // 2])


def _labels(text: str | bytes) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / "labels.csv").write_bytes(text if isinstance(text, bytes) else text.encode())

    return spoil


def _without_pictures(folder: Path) -> None:
    for i in (3, 5, 7):
        (folder / f"{i}.png").unlink()


def _one_class(folder: Path) -> None:
    table = folder / "labels.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("down", "across"), encoding="utf-8")


def _damaged_picture(folder: Path) -> None:
    (folder / "4.png").write_bytes((folder / "4.png").read_bytes()[:200])  # of a train fold


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "a picture as labels file": (_labels(b"\x89PNG\r\n\x1a\n" + bytes(400)), "labels.csv"),
    "another table": (_labels("name,age\na,3\n"), "labels.csv"),
    "an empty file": (_labels(b""), "labels.csv"),
    "a table without rows": (_labels("image,label,group,fold\n"), "no picture on side train"),
    "cells that a comma cut": (_labels("image,label,group,fold\n0.png,across,a,2,7\n"), "row 2: 5 cells under 4 headings"),
    "folds that are not there": (_labels("image,label,group,fold\n0.png,across,a,x\n"), "no picture on side train"),
    "a picture of nobody": (_labels("image,label,group,fold\n0.png,across,,2\n"), "row 2: no group"),
    "missing pictures": (_without_pictures, "3 pictures are not there, first 3.png"),
    "one class only": (_one_class, "one class only in train"),
    "a damaged picture": (_damaged_picture, "4.png"),
    "no teacher's file": (_no_teacher, "teacher.pth: no such file"),
    "a teacher of NaN": (_of_teacher({"fc.weight": torch.full((4, 4), torch.nan)}), "fc.weight holds NaN or infinite weights"),
    "a truncated teacher": (_cut, "teacher.pth: damaged or truncated"),
    "a pickle that executes code": (_of_teacher({"state_dict": Evil()}), "could execute code"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_run_that_cannot_work_ends_in_one_line(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil, says = BAD[case]
    a_toy_set(tmp_path, pictures=120)
    spoil(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["export", "train", str(tmp_path / "toy.toml"), "--data", str(tmp_path), "--runs", str(tmp_path / "runs")])
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("sonoderm: "))
    assert says in line
    assert " -> " in line  # what to do
    assert ended.value.code == InputRefused.exit_code
    assert not (tmp_path / "executed").exists()
    assert not list(tmp_path.rglob("*.partial"))


def _recipe(folder: Path, epochs: int) -> tuple[Recipe, Places]:
    recipe, _ = read_recipe(a_toy_set(folder, pictures=120))
    return replace(recipe, train=replace(recipe.train, epochs=epochs)), Places(folder, folder / "runs")


def test_a_checkpoint_that_executes_code_is_refused_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, places = _recipe(tmp_path, 1)
    (tmp_path / "toy").mkdir()
    torch.save(Evil(), tmp_path / "toy" / "last.pt")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputRefused, match=r"last\.pt: not a checkpoint"):
        train_student(Work(recipe, tmp_path / "toy", in_domain(recipe, places), lambda text: None), places)
    assert not (tmp_path / "executed").exists()
    assert (tmp_path / "toy" / "last.pt").exists()


def test_a_checkpoint_of_nan_is_refused_and_kept(tmp_path: Path) -> None:
    recipe, places = _recipe(tmp_path, 1)
    work = Work(recipe, tmp_path / "toy", in_domain(recipe, places), lambda text: None)
    train_student(work, places)
    last = tmp_path / "toy" / "last.pt"
    state = torch.load(last, weights_only=True)
    next(iter(state["ema"].values())).fill_(torch.nan)
    torch.save(state, last)
    with pytest.raises(InputRefused, match=r"last\.pt: holds NaN"):
        train_student(work, places)
    assert last.exists()


def _full(target: Path) -> None:
    """The name that this process will write to leads to a device without room: the kernel's own ENOSPC, without a mount."""
    (target.parent / f".{target.name}.{os.getpid()}.partial").symlink_to("/dev/full")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here: a full disk cannot be had")
def test_a_disk_that_fills_up_ends_in_one_line_and_finished_epochs_are_kept(tmp_path: Path) -> None:
    recipe, places = _recipe(tmp_path, 3)
    said: list[str] = []

    def fill_after_the_first(text: str) -> None:
        if text.startswith("student: epoch 1/"):
            _full(tmp_path / "toy" / "last.pt")

    work = Work(recipe, tmp_path / "toy", in_domain(recipe, places), fill_after_the_first)
    with pytest.raises(OSError, match="No space left") as full:
        train_student(work, places)
    assert full.value.errno == errno.ENOSPC
    known = as_expected(full.value)
    assert known is not None
    assert "free some space and run it again" in known.line()
    train_student(dataclasses.replace(work, say=said.append), places)
    assert [text.split(":")[1] for text in said if text.startswith("student: epoch")] == [" epoch 2/3", " epoch 3/3"]
    assert len((tmp_path / "toy" / "curve.jsonl").read_text(encoding="utf-8").splitlines()) == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here: a full disk cannot be had")
def test_a_cache_that_finds_no_room_leaves_nothing_behind(tmp_path: Path) -> None:
    shots, folder = [Shot(a_picture(tmp_path / "0.png"))], tmp_path / "cache"
    made = cached(shots, (48, 64), "w", lambda picture: picture, folder)
    (file,) = folder.iterdir()
    file.unlink()
    _full(file)
    with pytest.raises(OSError, match="No space left"):
        cached(shots, (48, 64), "w", lambda picture: picture, folder)
    assert list(folder.iterdir()) == []
    assert np.array_equal(cached(shots, (48, 64), "w", lambda picture: picture, folder), made)


def test_a_loss_that_is_no_number_stops_before_it_is_kept(tmp_path: Path) -> None:
    recipe, places = _recipe(tmp_path, 2)
    sides = in_domain(recipe, places)
    train, choice = (Pictures(side.pixels, side.labels) for side in list(sides.values())[:2])
    wild = replace(recipe, train=replace(recipe.train, lr=1e38))
    with pytest.raises(InputRefused, match="loss of epoch 1 is no number"):
        finetune(wild, train, choice, tmp_path / "wild", lambda epoch: None, fabric=fabric_here())
    assert not (tmp_path / "wild" / "last.pt").exists()
