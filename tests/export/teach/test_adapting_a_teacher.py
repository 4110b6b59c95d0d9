"""A teacher learns the task, and only the parts that may move do move."""

from pathlib import Path

import numpy as np
import pytest
import torch

from edge.errors import InputRefused
from edge.frame import U8
from export.teach.adapt import I64, AdaptedTeacher, Adapting, Room, adapt, tune
from export.teach.lowrank import add_low_rank
from export.teach.network import NetworkTeacher, Tower
from export.teach.probe import cached_features, linear_probe
from export.teach.teacher import TeacherIdentity
from export.torchvision_shim import import_timm

timm = import_timm()
SIDE = 32


def _teacher() -> NetworkTeacher:
    torch.manual_seed(0)
    body = timm.models.vision_transformer.VisionTransformer(
        img_size=SIDE, patch_size=16, embed_dim=64, depth=2, num_heads=1, num_classes=0, global_pool="token", init_values=0.5
    )
    return NetworkTeacher(Tower(body, (0.5,) * 3, (0.5,) * 3), TeacherIdentity("toy", "", "", "MIT", "", 0, 0), (SIDE, SIDE))


def _task(n: int, seed: int) -> tuple[U8, I64]:
    """Bright to the left or to the right."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.int64) % 2
    pixels = rng.integers(0, 120, (n, SIDE, SIDE, 3)).astype(np.uint8)
    for i, label in enumerate(labels):
        pixels[i, :, label * 16 : label * 16 + 16] += 100
    return pixels, labels


def test_a_probe_agrees_with_scikit_learn() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    x = (rng.normal(size=(200, 5)) + labels[:, None] * [0.5, -0.5, 0, 0, 1]).astype(np.float32)
    z = (x - x.mean(0)) / x.std(0)
    oracle = linear_model.LogisticRegression(C=1 / (1e-2 * 200), class_weight="balanced", max_iter=1000, tol=1e-8).fit(z, labels)
    head = linear_probe(torch.from_numpy(x), torch.from_numpy(labels), 3, 1e-2)
    ours = head(torch.from_numpy(x)).softmax(1).detach().numpy()
    np.testing.assert_allclose(ours, oracle.predict_proba(z), atol=2e-3)


def test_one_class_only_is_refused() -> None:
    with pytest.raises(InputRefused, match="one class only"):
        linear_probe(torch.randn(5, 3), torch.zeros(5, dtype=torch.int64), 2)


def test_low_rank_tuning_starts_where_the_probe_stands_and_moves_only_its_own(tmp_path: Path) -> None:
    teacher, (pixels, labels) = _teacher(), _task(8, 0)
    head = linear_probe(cached_features(teacher, pixels), torch.from_numpy(labels), 2)
    model = AdaptedTeacher(teacher.tower, head).eval()
    x = torch.from_numpy(pixels)
    before = model(x).detach()
    kept = {k: v.clone() for k, v in teacher.tower.state_dict().items()}
    tuned = tune(model, pixels, labels, Adapting(rank=2, epochs=2, batch=4), Room(tmp_path, "k", print))
    torch.testing.assert_close(model(x), before)  # the model it began from is left alone
    moved = {k for k, v in tuned.tower.state_dict().items() if not torch.equal(v, kept[k])}
    assert moved == {f"body.blocks.{n}.attn.{part}.weight" for n in range(2) for part in ("qkv", "proj")}
    assert add_low_rank(model.tower, 2) == 4
    torch.testing.assert_close(model(x), before)  # B starts at zero
    learns = {k.rsplit(".", 1)[1] for k, p in model.named_parameters() if p.requires_grad}
    assert learns == {"a", "b", "weight", "bias"}


def test_what_wins_on_the_tenth_kept_for_choices_is_kept(tmp_path: Path) -> None:
    ways = (Adapting(rank=2, epochs=2, batch=8), Adapting(rank=0, epochs=2, batch=8))
    (pixels, labels) = _task(32, 1)
    model, judged = adapt(_teacher(), (pixels, labels), _task(12, 2), 2, ways, Room(tmp_path, "k", print))
    assert [name for name, _ in judged.nll] == ["probe", "lora-2", "full"]
    assert dict(judged.nll)[judged.way] == min(n for _, n in judged.nll)
    with torch.inference_mode():
        assert model(torch.from_numpy(pixels)).argmax(1).tolist() == labels.tolist()
        assert model.features(torch.from_numpy(pixels)).shape == (32, 64)


def test_a_convolution_has_no_attention_to_tune() -> None:
    tower = Tower(timm.create_model("resnet10t", num_classes=0), (0.5,) * 3, (0.5,) * 3)
    with pytest.raises(InputRefused, match="no attention projections"):
        add_low_rank(tower, 4)


class _Killed(Exception):
    pass


def test_a_killed_adaptation_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    train, choice, ways = _task(16, 1), _task(8, 2), (Adapting(rank=2, epochs=3, batch=8), Adapting(rank=0, epochs=2, batch=8))
    (tmp_path / "whole").mkdir()
    whole, judged = adapt(_teacher(), train, choice, 2, ways, Room(tmp_path / "whole", "k", print))
    said: list[str] = []

    def stop_in_the_middle(text: str) -> None:
        said.append(text)
        if text.startswith("lora-2: epoch 2/3"):
            raise _Killed

    with pytest.raises(_Killed):
        adapt(_teacher(), train, choice, 2, ways, Room(tmp_path, "k", stop_in_the_middle))
    again, judged_again = adapt(_teacher(), train, choice, 2, ways, Room(tmp_path, "k", said.append))
    assert [text.split(":")[1].strip() for text in said if text.startswith("lora-2")] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert judged_again == judged
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], tensor, rtol=0, atol=0)
    said.clear()
    adapt(_teacher(), train, choice, 2, ways, Room(tmp_path, "k", said.append))
    assert not said  # nothing is learned twice


def test_what_was_kept_for_other_pictures_is_refused(tmp_path: Path) -> None:
    adapt(_teacher(), _task(8, 1), _task(4, 2), 2, (), Room(tmp_path, "k", print))
    with pytest.raises(InputRefused, match=r"probe\.pt: a checkpoint of another recipe"):
        adapt(_teacher(), _task(8, 1), _task(4, 2), 2, (), Room(tmp_path, "other", print))


def test_a_loss_that_is_no_number_stops_the_tuning(tmp_path: Path) -> None:
    pixels, labels = _task(8, 0)
    head = linear_probe(cached_features(_teacher(), pixels), torch.from_numpy(labels), 2)
    with pytest.raises(InputRefused, match="no number"):
        tune(
            AdaptedTeacher(_teacher().tower, head), pixels, labels, Adapting(rank=0, epochs=9, batch=4, lr=1e30), Room(tmp_path, "k", print)
        )
