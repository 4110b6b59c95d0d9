"""A recipe becomes a bundle that the device opens and that answers right: every step, on a toy data set, with a small backbone."""

import json
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

import edge
from edge.bundle.open import verify_bundle
from edge.bundle.trust import load_trust
from edge.cli.output import Progress
from edge.errors import InputRefused
from export.build import build
from export.bundle.keys import keygen
from export.bundle.sign import sign
from export.pictures import Places, in_domain
from export.recipe import Distil, Member, Recipe, Source, Teacher, read_recipe
from export.report.after_run import report_of_run
from export.train import train_student
from export.work import Work
from tests.export.toy import CODES, RECIPE, a_toy_set, stripes


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recipe, Source, Path]:
    folder = tmp_path_factory.mktemp("toy")
    recipe, source = read_recipe(a_toy_set(folder))
    return recipe, source, folder


@pytest.mark.parametrize("backbone", ["mobilenetv2_035", "mobilenetv4_conv_small_050"])
def test_a_recipe_becomes_a_bundle_that_answers_right(toy: tuple[Recipe, Source, Path], tmp_path: Path, backbone: str) -> None:
    recipe, source, folder = toy
    recipe = replace(recipe, train=replace(recipe.train, backbone=backbone))
    said: list[str] = []
    payload = build(recipe, source, (), Places(folder, tmp_path / "runs"), said.append)
    key = keygen(tmp_path / "owner.pem")
    image = sign(payload, key.private, version="1.0.0", security_counter=1)
    trusted = tmp_path / "trust"
    trusted.mkdir(mode=0o755)
    (trusted / "owner.bundle.pub").write_bytes(key.public.read_bytes())
    bundle = verify_bundle(image, load_trust(trusted), origin="toy")
    gates = {(pair.form, pair.engine): pair.gate for pair in bundle.manifest.pairs}
    assert gates["u8s8", "onnxruntime"] == "passed"
    assert gates["trt-in", "tensorrt"] == "unrun"
    report = report_of_run(recipe, image, Places(folder, tmp_path / "runs"), "2026-01-01T00:00:00+00:00", Progress)
    assert report is not None
    text = report.read_text(encoding="utf-8")
    assert "fp32 on onnxruntime" in text
    assert "Not measured" not in text.partition("Sensitivity of layers")[2].partition("Mistakes")[0]
    made_by = bundle.manifest.provenance
    assert (made_by.recipe, made_by.recipe_sha256) == ("toy.toml", source.sha256)
    assert json.loads(bundle.member("sbom.cdx.json"))["bomFormat"] == "CycloneDX"
    model = edge.open_model(bundle, engine="onnxruntime")
    rng = np.random.default_rng(99)
    answers = [dict(model.classify(stripes(i % 2, rng)).probabilities) for i in range(20)]
    right = [answer[CODES[i % 2]] > 0.5 for i, answer in enumerate(answers)]
    assert sum(right) >= 19


def test_a_run_that_was_killed_goes_on_where_it_stood(toy: tuple[Recipe, Source, Path], tmp_path: Path) -> None:
    recipe, _, folder = toy
    whole: list[str] = []
    build_train = replace(recipe, train=replace(recipe.train, epochs=2))

    sides = in_domain(recipe, Places(folder, tmp_path))

    class Killed(Exception):
        pass

    def stop_after_first(text: str) -> None:
        if text.startswith("student: epoch 1/"):
            raise Killed

    straight = train_student(Work(build_train, tmp_path / "straight", sides, whole.append), Places(folder, tmp_path))
    with pytest.raises(Killed):
        train_student(Work(build_train, tmp_path / "killed", sides, stop_after_first), Places(folder, tmp_path))
    resumed = train_student(Work(build_train, tmp_path / "killed", sides, whole.append), Places(folder, tmp_path))
    for a, b in zip(straight.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert np.array_equal(a.numpy(), b.numpy())


def test_a_taught_student_is_made_in_one_run_and_a_killed_one_asks_nothing_twice(toy: tuple[Recipe, Source, Path], tmp_path: Path) -> None:
    recipe, _, folder = toy
    members = tuple(Member(backbone="mobilenetv2_035", width_px=64, height_px=64, epochs=2, batch=16, lr=lr) for lr in (1e-3, 4e-3))
    with_teacher = replace(
        recipe,
        train=replace(recipe.train, epochs=2),
        teacher=Teacher(members=members[:1], minutes_two_cores=0.1),
        distil=Distil(crops=2),
    )

    places = Places(folder, tmp_path)
    said: list[str] = []
    work = Work(with_teacher, places.runs / recipe.model.name, in_domain(recipe, places), said.append)
    train_student(work, places)
    asked = sorted(places.runs.rglob("crop-*.npz"))
    assert len(asked) == 2
    times = [file.stat().st_mtime_ns for file in asked]
    said.clear()
    train_student(work, places)
    assert [file.stat().st_mtime_ns for file in asked] == times
    assert not [line for line in said if "epoch" in line]
    two = replace(with_teacher, teacher=Teacher(members=(members[0], replace(members[1], width_px=80)), minutes_two_cores=0.1))
    with pytest.raises(InputRefused, match="differ in size"):
        train_student(Work(two, work.folder, work.sides, said.append), places)


def test_a_recipe_with_a_wrong_field_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(RECIPE.replace("epochs = 12", "epochs = 12\nepoch = 4"), encoding="utf-8")
    with pytest.raises(InputRefused, match="epoch"):
        read_recipe(path)
