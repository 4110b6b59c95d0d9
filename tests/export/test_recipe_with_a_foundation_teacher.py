"""A recipe whose teacher is a checkpoint of another's runs whole: probe, LoRA, cache of answers, distil, quantize, gate, sign."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from typer.testing import CliRunner

import edge
from edge.bundle.open import open_bundle
from edge.bundle.trust import load_trust
from edge.errors import InputRefused, UsageError
from export.cli import app
from export.distil.machines import fabric_here
from export.distil.members import teach, train_members, words_of_teachers
from export.pictures import Places
from export.recipe import Adapted, Recipe, read_recipe
from export.teach.member import open_member
from export.teach.terms import terms_of
from tests.export.toy import CODES, RECIPE, a_toy_set, stripes

TEACHER = """
[distil]
crops = 2

[teacher]
minutes_two_cores = 0.2
[[teacher.members]]
adapter = "dinov2"
file = "dinov2-toy"
width_px = 56
height_px = 56
ranks = [2]
epochs = 2
"""


def _a_small_dinov2(folder: Path) -> None:
    """A random ViT of patch 14 as save_pretrained writes it."""
    transformers = pytest.importorskip("transformers", reason="transformers, which writes the DINOv2 layout, is not installed")
    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "mlp_ratio": 2, "image_size": 56, "patch_size": 14}
    transformers.Dinov2Model(transformers.Dinov2Config(**sizes)).save_pretrained(folder)


@pytest.mark.parametrize("name", ["derm7-dinov2-s14", "derm7-panderm-b16"])
def test_a_recipe_with_another_teacher_differs_in_the_teachers_table_alone(name: str, root: Path) -> None:
    folder = root / "export" / "recipes"
    (own, own_source), (other, source) = (read_recipe(folder / f"{n}.toml") for n in ("derm7", name))
    assert other.teacher is not None
    assert all(isinstance(member, Adapted) for member in other.teacher.members)
    assert replace(other, teacher=own.teacher) == own
    assert (own_source.name, source.name) == ("export/recipes/derm7.toml", f"export/recipes/{name}.toml")
    assert source.sha256 != own_source.sha256
    assert set(tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))) == {"like", "teacher"}


def test_the_digest_of_a_recipe_is_also_that_of_what_it_is_like(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(RECIPE, encoding="utf-8")
    (tmp_path / "own.toml").write_text('like = "base"\nset_coverage = 0.8\n', encoding="utf-8")
    own, before = read_recipe(tmp_path / "own.toml")
    assert (own.set_coverage, own.model.name) == (0.8, "toy")
    (tmp_path / "base.toml").write_text(RECIPE.replace("epochs = 12", "epochs = 13"), encoding="utf-8")
    assert read_recipe(tmp_path / "own.toml")[1].sha256 != before.sha256


@pytest.mark.parametrize(
    ("like", "says"),
    [('"nothing"', r"nothing\.toml"), ('"../base"', "names no recipe"), ("3", "names no recipe"), ('"own"', "itself like another")],
)
def test_a_recipe_like_nothing_is_refused_by_name(like: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(f"like = {like}\n", encoding="utf-8")
    with pytest.raises(InputRefused, match=says):
        read_recipe(tmp_path / "own.toml")


def test_a_recipe_with_a_small_dinov2_becomes_a_signed_bundle(tmp_path: Path) -> None:
    _a_small_dinov2(tmp_path / "dinov2-toy")
    recipe, runs, key, trust = a_toy_set(tmp_path, recipe=RECIPE + TEACHER), tmp_path / "runs", tmp_path / "owner.pem", tmp_path / "trust"
    assert CliRunner().invoke(app, ["keygen", str(key)]).exit_code == 0
    command = ["run", str(recipe), "--data", str(tmp_path), "--runs", str(runs), "--out", str(tmp_path), "--key", str(key), "--json"]
    done = CliRunner().invoke(app, [*command, "--commercial"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    for said in ("dinov2:dinov2-toy: lora-2: epoch 2/2", "kept: ", "dinov2:dinov2-toy: asked about 2/2 crops", "student: epoch 12/12"):
        assert said in done.stderr

    trust.mkdir(mode=0o755)
    (trust / "owner.bundle.pub").write_bytes(key.with_suffix(".pub").read_bytes())
    bundle = open_bundle(Path(json.loads(done.stdout)["file"]), load_trust(trust))
    card = bundle.member("card.md").decode()
    assert "dinov2:dinov2-toy (sha256 " in card
    assert "Apache-2.0; layout proven, real file not run" in card
    assert any("dinov2-toy" in line for line in bundle.manifest.provenance.weights)

    model = edge.open_model(bundle, engine="onnxruntime")
    rng = np.random.default_rng(99)
    answers = [dict(model.classify(stripes(i % 2, rng)).probabilities) for i in range(20)]
    assert sum(answer[CODES[i % 2]] > 0.5 for i, answer in enumerate(answers)) >= 18


def _with_teacher(tmp_path: Path, text: str) -> Recipe:
    path = tmp_path / "r.toml"
    path.write_text(RECIPE + text, encoding="utf-8")
    return read_recipe(path)[0]


def test_a_teacher_whose_terms_bind_is_said_and_refused_for_commerce(tmp_path: Path) -> None:
    panderm = _with_teacher(tmp_path, TEACHER.replace('"dinov2"', '"panderm"'))
    (line,) = terms_of(panderm, commercial=False)
    assert "CC-BY-NC-ND-4.0" in line
    with pytest.raises(InputRefused, match="does not allow a commercial student"):
        terms_of(panderm, commercial=True)
    assert terms_of(_with_teacher(tmp_path, TEACHER), commercial=True) == ()


def test_data_whose_terms_bind_are_refused_for_commerce_whatever_the_teacher(tmp_path: Path, root: Path) -> None:
    derm7, _ = read_recipe(root / "export" / "recipes" / "derm7-dinov2-s14.toml")
    assert terms_of(derm7, commercial=False) == ()
    with pytest.raises(InputRefused, match=r"CC-BY-NC-4\.0"):
        terms_of(derm7, commercial=True)
    done = CliRunner().invoke(app, ["train", "derm7", "--commercial", "--data", str(tmp_path)])
    assert isinstance(done.exception, InputRefused)


def test_an_ensemble_as_a_member_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ensemble"):
        open_member(Adapted(adapter="ensemble", file="e", width_px=56, height_px=56), tmp_path)


def test_a_table_of_embeddings_teaches_beside_a_network(tmp_path: Path) -> None:
    """Embeddings of class and noise: the probe finds the class, and says the same of every crop; the card has the terms."""
    member = TEACHER.replace('"dinov2"', '"derm-foundation"').replace("dinov2-toy", "e.npy")
    recipe, _ = read_recipe(a_toy_set(tmp_path, recipe=RECIPE + member, pictures=120))
    rng = np.random.default_rng(0)
    known = np.stack([np.r_[rng.normal(size=5), i % 2, -(i % 2)] for i in range(120)]).astype(np.float32)
    np.save(tmp_path / "e.npy", known)
    (tmp_path / "e.csv").write_text("\n".join(["image", *(f"{i}.png" for i in range(120))]), encoding="utf-8")
    places = Places(tmp_path, tmp_path / "runs")
    trained = train_members(recipe, places, lambda member, epoch: None, fabric_here())
    taught, about = teach(recipe, places, trained, lambda member, crops: None)
    assert taught.logits.shape == (len(about.labels), 2, 2)
    assert np.array_equal(taught.logits.argmax(2), np.repeat(about.labels[:, None], 2, axis=1))
    (line,) = words_of_teachers(recipe, tmp_path / "runs" / "toy")
    assert "HAI-DEF terms" in line
    (tmp_path / "e.csv").write_text("\n".join(["image", *(f"other{i}.png" for i in range(120))]), encoding="utf-8")
    with pytest.raises(InputRefused, match="no embedding for"):
        train_members(recipe, places, lambda member, epoch: None, fabric_here())


@pytest.mark.parametrize(
    ("change", "says"),
    [('file = "dinov2-toy"\n', "file"), ("width_px = 56\n", "width_px"), ("ranks = [2]\n", "rank"), ("epochs", "epochz")],
)
def test_a_wrong_word_in_a_teachers_table_is_refused_by_name(change: str, says: str, tmp_path: Path) -> None:
    put = {"ranks = [2]\n": "rank = 2\n", "epochs": "epochz"}.get(change, "")
    with pytest.raises(InputRefused, match=says):
        _with_teacher(tmp_path, TEACHER.replace(change, put))
