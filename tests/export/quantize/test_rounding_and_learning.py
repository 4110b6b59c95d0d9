"""Rounding that looks at a layer's inputs changes its output less; and what is trained under the rounding answers as the float student."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from msgspec.structs import replace

from export.distil.deployed import Deployed, Heads, export_onnx
from export.distil.network import Student
from export.quantize.aware import AwareEpoch, learn_int8
from export.quantize.fake import convolutions, rounded_weights
from export.quantize.mixed import agreement
from export.quantize.ptq import measure
from export.quantize.relearned import measured_as
from export.quantize.rounding import round_weights
from export.quantize.sensitivity import run_logits
from export.recipe import Recipe, read_recipe
from tests.export.toy import a_toy_set, stripes


@pytest.mark.parametrize("depthwise", [False, True])
def test_rounding_by_the_inputs_loses_less_than_the_nearest_value(depthwise: bool) -> None:
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((6, 1, 3, 3) if depthwise else (8, 9, 1, 1)).astype(np.float32)
    weight[:, 0] *= 20  # a large weight makes the grid coarse for the others
    common = rng.standard_normal((6 if depthwise else 1, 5000, 1))
    inputs = common + 0.3 * rng.standard_normal((6 if depthwise else 1, 5000, 9))  # inputs that go together, as pixels do
    covariance = np.einsum("gni,gnj->gij", inputs, inputs) / 5000
    rounded = round_weights(weight, covariance)
    scale = np.abs(weight).reshape(len(weight), -1).max(1).reshape(-1, 1, 1, 1) / 127
    assert np.allclose(rounded / scale, np.rint(rounded / scale), atol=1e-3)

    def lost(found: np.ndarray) -> float:
        change = (found - weight).reshape(len(weight), -1)
        return float(np.einsum("ci,cij,cj->", change, np.broadcast_to(covariance, (len(weight), 9, 9)), change))

    assert lost(rounded) < 0.4 * lost(rounded_weights(weight))


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recipe, Student, Heads, np.ndarray, Path]:
    folder = tmp_path_factory.mktemp("aware")
    recipe, _ = read_recipe(a_toy_set(folder, pictures=10))
    torch.manual_seed(3)
    student = Student(recipe.train.backbone, 2).eval()
    early, late = (part.shape[1] for part in student.features(torch.zeros((1, 48, 48, 3), dtype=torch.uint8)))
    heads = Heads(np.zeros(late, np.float32), np.eye(late, 4, dtype=np.float32), np.zeros(early + late + 2, np.float32), 0.0)
    rng = np.random.default_rng(1)
    return recipe, student, heads, np.stack([stripes(i % 2, rng) for i in range(32)]), folder


def test_a_student_learns_int8_from_its_float_self_and_a_kill_costs_an_epoch_at_most(
    toy: tuple[Recipe, Student, Heads, np.ndarray, Path], tmp_path: Path
) -> None:
    recipe, student, heads, pixels, _ = toy
    recipe = replace(recipe, quantize=replace(recipe.quantize, qat_epochs=3, qat_lr=3e-4))
    before = {name: tensor.clone() for name, tensor in student.state_dict().items()}
    export_onnx(Deployed(student, heads), recipe.input, tmp_path / "float.onnx")
    measured = measure(tmp_path / "float.onnx", pixels[:8], tmp_path)

    class Killed(Exception):
        pass

    def stop(epoch: AwareEpoch) -> None:
        if epoch.epoch == 1:
            raise Killed

    losses: list[float] = []
    first = [layer.name for layer in convolutions(onnx.load(measured.graph))][:1]
    with pytest.raises(Killed):
        learn_int8(student, measured, first, pixels, recipe, tmp_path, stop)
    learned = learn_int8(student, measured, first, pixels, recipe, tmp_path, lambda epoch: losses.append(epoch.loss))
    assert len(losses) == 1  # the third epoch alone was left
    assert all(torch.equal(before[name], tensor) for name, tensor in student.state_dict().items())
    export_onnx(Deployed(learned, heads), recipe.input, tmp_path / "aware.onnx")
    wanted = run_logits(tmp_path / "float.onnx", pixels)
    on_grid = measured_as(measured, tmp_path / "aware.onnx", tmp_path)
    assert agreement(on_grid, ("u8s8",), first, wanted, pixels, tmp_path) >= agreement(measured, ("u8s8",), first, wanted, pixels, tmp_path)
