"""Training goes on exactly where it was killed; a mask follows its picture; the mask head leaves nothing in the student."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec import structs

from edge.bundle.manifest import InputSpec, Label
from edge.errors import InputRefused
from export.distil.augment import augment, augment_with_mask
from export.distil.finetune import Epoch, Pictures, finetune, predict
from export.distil.lesson import Taught, batches, crop, order_of
from export.distil.machines import fabric_here
from export.distil.members import member_recipe
from export.distil.network import Student
from export.distil.pupil import Pupil
from export.recipe import Augment, Distil, Identity, Member, Recipe, Train

SIDE = 64
SHAKEN = Augment(rotate_deg=15, scale=(0.8, 1.2), shift=0.1, gain=0.2, noise=4.0, speckle=0.1, blur_p=0.5)


def _recipe(**train: float | int | bool) -> Recipe:
    return Recipe(
        model=Identity(
            name="toy", version="0.1.0", security_counter=1, modality="other", licence="Apache-2.0", licence_note="", intended_use="test"
        ),
        labels=(Label(code="a", name="A"), Label(code="b", name="B")),
        input=InputSpec(width_px=SIDE, height_px=SIDE, fit="letterbox", field="none"),
        augment=SHAKEN,
        train=structs.replace(Train(epochs=2, batch=4, minutes_two_cores=0.1), **train),
    )


def _pictures(n: int, seed: int, *, masks: bool = False) -> Pictures:
    rng = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.int64) % 2
    pixels = rng.integers(0, 60, (n, SIDE, SIDE, 3), dtype=np.uint8)
    drawn = np.zeros((n, SIDE, SIDE), np.uint8)
    for i in range(n):
        half = slice(0, SIDE // 2) if labels[i] else slice(SIDE // 2, SIDE)
        pixels[i, half] += 120
        drawn[i, half] = 255
    return Pictures(pixels, labels, drawn if masks else None)


class _Killed(Exception):
    pass


@pytest.mark.parametrize("mask_weight", [0.0, 0.3])
def test_a_killed_training_goes_on_to_the_same_weights(tmp_path: Path, mask_weight: float) -> None:
    recipe = _recipe(mixup=0.2, mask_weight=mask_weight)
    train, choice = _pictures(12, 1, masks=True), _pictures(4, 2)
    whole = finetune(recipe, train, choice, tmp_path / "whole", lambda epoch: None, fabric=fabric_here())

    def kill(epoch: Epoch) -> None:
        raise _Killed

    with pytest.raises(_Killed):
        finetune(recipe, train, choice, tmp_path / "killed", kill, fabric=fabric_here())
    said: list[Epoch] = []
    again = finetune(recipe, train, choice, tmp_path / "killed", said.append, fabric=fabric_here())
    assert [epoch.epoch for epoch in said] == [1]
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    curve = [json.loads(line)["epoch"] for line in (tmp_path / "killed" / "curve.jsonl").read_text().splitlines()]
    assert curve == [0, 1]


@pytest.mark.parametrize("spoil", ["another recipe", "older version", "truncated", "text"])
def test_a_checkpoint_that_is_not_this_runs_own_is_refused_and_kept(tmp_path: Path, spoil: str) -> None:
    recipe, train, choice = _recipe(epochs=1), _pictures(8, 1), _pictures(4, 2)
    finetune(recipe, train, choice, tmp_path, lambda epoch: None, fabric=fabric_here())
    last = tmp_path / "last.pt"
    if spoil == "another recipe":
        recipe = _recipe(epochs=1, lr=3e-3)
    elif spoil == "older version":
        torch.save({"model": {}, "epoch": 0}, last)
    else:
        last.write_bytes(last.read_bytes()[:5000] if spoil == "truncated" else b"no weights")
    before = last.read_bytes()
    with pytest.raises(InputRefused, match=r"last\.pt"):
        finetune(recipe, train, choice, tmp_path, lambda epoch: None, fabric=fabric_here())
    assert last.read_bytes() == before


def test_the_mask_head_leaves_nothing_in_the_student(tmp_path: Path) -> None:
    trained = finetune(
        _recipe(mask_weight=0.3, epochs=1), _pictures(8, 1, masks=True), _pictures(4, 2), tmp_path, lambda epoch: None, fabric=fabric_here()
    )
    assert trained.state_dict().keys() == Student("tf_efficientnet_lite0", 2).state_dict().keys()


@pytest.mark.parametrize("backbone", ["tf_efficientnet_lite0", "mobilenetv4_conv_small", "mobilenetv2_035"])
def test_the_heads_that_help_leave_the_logits_alone(backbone: str) -> None:
    student = Student(backbone, 2).eval()
    x = torch.from_numpy(_pictures(2, 3).pixels)
    with torch.inference_mode():
        logits, mask, embedding = Pupil(student, masked=True, embedded=24).eval()(x)
        assert mask.shape == (2, 1, SIDE // 16, SIDE // 16)
        assert embedding.shape == (2, 24)
        assert torch.allclose(logits, student(x), atol=1e-5)


def test_a_mask_follows_its_picture() -> None:
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    picture[20:40, 10:30] = 255
    only_geometry = Augment(rotate_deg=15, scale=(0.8, 1.2), shift=0.1, gain=0, offset=0, gamma=0, blur_p=0)
    for seed in range(20):
        changed, mask = augment_with_mask(picture, picture[..., 0], only_geometry, np.random.default_rng(seed), reflect=False)
        assert mask is not None
        assert np.array_equal(mask, changed[..., 0])


def test_a_mask_changes_nothing_of_the_picture() -> None:
    picture = _pictures(1, 4).pixels[0]
    with_mask, _ = augment_with_mask(picture, picture[..., 0], SHAKEN, np.random.default_rng(7), reflect=True)
    assert np.array_equal(with_mask, augment(picture, SHAKEN, np.random.default_rng(7), reflect=True))


def test_mixed_pictures_keep_both_labels_and_the_last_ones_are_whole() -> None:
    recipe, pictures = _recipe(mixup=0.2), _pictures(16, 5, masks=True)
    found = [batch for batch, _ in batches(pictures, recipe, 0, mixed=2)]
    assert [batch.share < 1 for batch in found] == [True, True, False, False]
    assert torch.equal(found[0].other, found[0].y.flip(0))


def _taught(n: int, crops: int) -> Taught:
    rng = np.random.default_rng(9)
    return Taught(rng.standard_normal((n, crops, 2), np.float32), rng.standard_normal((n, crops, 5), np.float32))


def test_the_student_is_shown_the_very_crop_that_the_teacher_saw() -> None:
    recipe, pictures, taught = _recipe(mixup=0.2), _pictures(8, 5, masks=True), _taught(8, 3)
    for epoch in range(6):
        order, _ = order_of(pictures.labels, recipe.train.sampler_power, recipe.train.seed, epoch)
        (first, _), *_ = batches(pictures, recipe, epoch, mixed=99, taught=taught)
        assert first.share == 1  # the teacher never saw a mix
        assert first.taught is not None
        for row, i in enumerate(order[:4]):
            seen, _ = crop(pictures, int(i), epoch % 3, recipe)
            seen = seen[:, ::-1] if epoch >= 3 else seen
            assert np.array_equal(first.x[row].numpy(), seen)
            assert np.array_equal(first.taught[0][row].numpy(), taught.logits[i, epoch % 3])


def test_processes_share_a_batch_without_gap_or_double() -> None:
    recipe, pictures = _recipe(), _pictures(16, 5)
    whole = [batch for batch, _ in batches(pictures, recipe, 3, mixed=0)]
    halves = [[batch for batch, _ in batches(pictures, recipe, 3, mixed=0, rank=rank, world=2)] for rank in (0, 1)]
    for batch, even, odd in zip(whole, *halves, strict=True):
        assert torch.equal(batch.x[0::2], even.x)
        assert torch.equal(batch.x[1::2], odd.x)


def test_a_student_follows_its_teacher(tmp_path: Path) -> None:
    """The teacher says the opposite of the labels, and has the greater weight."""
    train, choice = _pictures(16, 1), _pictures(8, 2)
    logits = np.full((16, 2, 2), -3, np.float32)
    logits[np.arange(16), :, 1 - train.labels] = 3
    taught = Taught(logits, np.ones((16, 2, 4), np.float32))
    recipe = structs.replace(_recipe(epochs=12, ema=0.5, lr=2e-3, drop=0.0), distil=Distil(labels=0.0), augment=Augment())
    student = finetune(recipe, train, choice, tmp_path, lambda epoch: None, taught=taught, fabric=fabric_here())
    assert (predict(student, choice.pixels).argmax(1) == 1 - choice.labels).mean() > 0.8


def test_two_processes_learn_what_one_learns(tmp_path: Path) -> None:
    """BatchNorm frozen, gloo, started as `torchrun` starts it: the loss curve of two is that of one."""
    script = tmp_path / "train_toy.py"
    script.write_text(TWO, encoding="utf-8")
    curves = []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", str(script)]
        subprocess.run([*command, str(folder), str(processes), __file__], check=True, timeout=240, capture_output=True, env=_quiet())
        curves.append([json.loads(line)["loss"] for line in (folder / "curve.jsonl").read_text().splitlines()])
    assert len(curves[0]) == 2
    assert np.allclose(curves[0], curves[1], rtol=2e-3)


def _quiet() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


TWO = """
import importlib.util, sys
from pathlib import Path
from export.distil.machines import fabric_here
spec = importlib.util.spec_from_file_location("toy", sys.argv[3])
toy = importlib.util.module_from_spec(spec)
spec.loader.exec_module(toy)
fabric = fabric_here("32-true")
assert fabric.world_size == int(sys.argv[2])
recipe = toy._recipe(freeze_norm=True, drop=0.0)
toy.finetune(recipe, toy._pictures(12, 1), toy._pictures(4, 2), Path(sys.argv[1]), lambda epoch: None, fabric=fabric)
"""


def test_a_member_is_the_recipe_at_its_own_size() -> None:
    recipe = _recipe(mixup=0.2)
    own = member_recipe(recipe, Member(backbone="tf_efficientnet_lite1", width_px=96, height_px=80, epochs=7))
    assert (own.input.width_px, own.input.height_px, own.train.backbone, own.train.epochs) == (96, 80, "tf_efficientnet_lite1", 7)
    assert own.train.mixup == recipe.train.mixup
    assert own.augment == recipe.augment


@pytest.mark.parametrize("backbone", ["tf_efficientnet_lite1", "tf_efficientnet_lite2"])
def test_teachers_start_from_the_pinned_weights(backbone: str) -> None:
    assert "sha256:" in Student(backbone, 2).origin
