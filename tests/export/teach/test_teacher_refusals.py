"""A checkpoint that is unsafe, damaged, or of another network is refused in one line."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec import structs
from torch import Tensor, nn

from edge.errors import InputRefused, UsageError
from export.teach.build import beit
from export.teach.layouts import CLIP_NORM
from export.teach.table import ADAPTERS, licence_warning, open_adapter
from export.teach.teacher import Teacher, TeacherSpec, open_teacher
from export.torchvision_shim import import_timm

timm = import_timm()
SIDE = 32
Tensors = dict[str, Tensor]


def _file(tmp_path: Path, change: Callable[[Tensors], None] = lambda t: None) -> TeacherSpec:
    """A small file in DINOv2's own layout."""
    torch.manual_seed(0)
    body = timm.models.vision_transformer.VisionTransformer(
        img_size=SIDE, patch_size=16, embed_dim=64, depth=2, num_heads=1, num_classes=0, global_pool="token", init_values=0.1
    )
    tensors: Tensors = {**body.state_dict(), "mask_token": torch.zeros(1, 64)}
    change(tensors)
    torch.save(tensors, tmp_path / "teacher.pth")
    return TeacherSpec("dinov2-native", str(tmp_path / "teacher.pth"), SIDE, SIDE)


def _x(side: int = SIDE) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, side, side, 3), np.uint8))


class Evil:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def test_a_checkpoint_never_executes_code(tmp_path: Path) -> None:
    torch.save({"state_dict": Evil(tmp_path / "executed")}, tmp_path / "evil.pth")
    with pytest.raises(InputRefused, match="could execute code"):
        open_teacher(TeacherSpec("dinov2-native", str(tmp_path / "evil.pth"), SIDE, SIDE))
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("kept", [0, 1, 100, 5000, 0.5, 0.99])
def test_a_truncated_checkpoint_is_refused(kept: float, tmp_path: Path) -> None:
    spec = _file(tmp_path)
    data = Path(spec.source).read_bytes()
    Path(spec.source).write_bytes(data[: int(kept * len(data)) if 0 < kept < 1 else int(kept)])
    with pytest.raises(InputRefused) as refused:
        open_teacher(spec)
    assert "\n" not in refused.value.line()


def test_truncated_safetensors_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.safetensors").write_bytes(b"\xff" * 40)
    with pytest.raises(InputRefused, match="damaged"):
        open_teacher(TeacherSpec("dinov2-native", str(tmp_path / "t.safetensors"), SIDE, SIDE))


def _with_nan(t: Tensors) -> None:
    t["blocks.1.mlp.fc1.bias"][3] = float("nan")


def _without_one(t: Tensors) -> None:
    del t["blocks.1.attn.proj.bias"]


def _with_more(t: Tensors) -> None:
    t["blocks.1.attn.extra.weight"] = torch.zeros(3)


def _of_other_shape(t: Tensors) -> None:
    t["norm.weight"] = torch.zeros(65)


@pytest.mark.parametrize(
    ("change", "said"),
    [(_with_nan, "NaN"), (_without_one, "1 missing"), (_with_more, "1 unknown"), (_of_other_shape, "1 of wrong shape")],
)
def test_all_of_the_encoder_or_nothing(change: Callable[[Tensors], None], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=said):
        open_teacher(_file(tmp_path, change))


def test_a_picture_of_another_size_is_refused_and_a_teacher_may_see_a_larger_one(tmp_path: Path) -> None:
    spec = _file(tmp_path)
    teacher = open_teacher(spec)
    assert teacher.features(_x()).shape == (3, 64)
    assert (teacher.identity.left_over, teacher.size) == (1, (SIDE, SIDE))
    with pytest.raises(InputRefused, match="takes uint8"):
        teacher.features(_x(48))
    assert open_teacher(structs.replace(spec, width_px=48, height_px=48)).features(_x(48)).shape == (3, 64)


def test_an_ensemble_is_its_members_side_by_side(tmp_path: Path) -> None:
    one = _file(tmp_path)
    two = TeacherSpec("timm", "resnet10t", SIDE, SIDE, {"random": True})
    both = open_teacher(TeacherSpec("ensemble", "", SIDE, SIDE, members=(one, two)))
    torch.testing.assert_close(both.features(_x())[:, :64], open_teacher(one).features(_x()))
    assert both.features(_x()).shape == (3, 64 + 512)


def test_stored_embeddings_are_found_by_name(tmp_path: Path) -> None:
    np.save(tmp_path / "e.npy", np.arange(6, dtype=np.float32).reshape(3, 2))
    (tmp_path / "e.csv").write_text("image\na.jpg\nb.jpg\nc.jpg\n")
    teacher = open_teacher(TeacherSpec("derm-foundation", str(tmp_path / "e.npy"), 448, 448))
    assert teacher.named(("c.jpg", "a.jpg")).tolist() == [[4, 5], [0, 1]]  # type: ignore[attr-defined]
    with pytest.raises(InputRefused, match=r"no embedding for 'd\.jpg'"):
        teacher.named(("d.jpg",))  # type: ignore[attr-defined]
    with pytest.raises(InputRefused, match="cannot look"):
        teacher.features(_x(448))
    np.save(tmp_path / "e.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputRefused, match="no table"):
        open_teacher(TeacherSpec("embeddings", str(tmp_path / "e.npy"), 448, 448))


@pytest.mark.parametrize("shared", [True, False])
def test_panderm_and_usfm_files_are_read_whole(shared: bool, tmp_path: Path) -> None:
    """A round trip of our own: it proves that nothing is lost, not that the real files look so."""
    torch.manual_seed(0)
    tensors: Tensors = {
        "cls_token": torch.zeros(1, 1, 64), "patch_embed.proj.weight": torch.randn(64, 3, 16, 16), "patch_embed.proj.bias": torch.zeros(64),
        "blocks.0.attn.qkv.weight": torch.zeros(1), "blocks.0.attn.q_bias": torch.zeros(1), "blocks.0.gamma_1": torch.zeros(1),
        "blocks.1.mlp.fc1.weight": torch.zeros(1), "blocks.0.mlp.fc1.weight": torch.zeros(256, 64),
    }  # fmt: skip
    tensors |= {"blocks.0.attn.relative_position_bias_table": torch.zeros(1)} if shared else {"pos_embed": torch.zeros(1, 5, 64)}
    tensors |= {"fc_norm.weight": torch.zeros(1)} if shared else {}
    body: nn.Module = beit(tensors, (SIDE, SIDE), "made")
    native = {k: v for k, v in body.state_dict().items() if "relative_position" not in k}
    if shared:
        native |= {k.replace("fc_norm", "norm"): native.pop(k) for k in ("fc_norm.weight", "fc_norm.bias")}
        tables = [k for k in body.state_dict() if k.endswith("relative_position_bias_table")]
        native["rel_pos_bias.relative_position_bias_table"] = torch.randn(body.state_dict()[tables[0]].shape)
        body.load_state_dict({k: native["rel_pos_bias.relative_position_bias_table"] for k in tables}, strict=False)
    saved = native if shared else {"model": {f"encoder.{k}": v for k, v in native.items()} | {"teacher.norm.weight": torch.zeros(3)}}
    torch.save(saved, tmp_path / "t.pth")
    teacher = open_teacher(TeacherSpec("usfm" if shared else "panderm", str(tmp_path / "t.pth"), SIDE, SIDE))
    std = torch.tensor((0.229 if shared else 0.228, 0.224, 0.225)).reshape(1, 3, 1, 1)
    seen = (_x().permute(0, 3, 1, 2).float() / 255 - torch.tensor((0.485, 0.456, 0.406)).reshape(1, 3, 1, 1)) / std
    with torch.inference_mode():
        expected = body.eval()(seen)
    torch.testing.assert_close(teacher.features(_x()), expected, atol=1e-4, rtol=1e-4)
    assert teacher.identity.proof == "unproven map"


def test_the_panderm_tower_of_dermlip_keeps_its_projection(tmp_path: Path) -> None:
    spec = _file(tmp_path)
    plain = torch.load(spec.source, weights_only=True)
    for n in range(2):  # CAE's names: the key has no bias, and the layer scale lies on the block
        bias = plain.pop(f"blocks.{n}.attn.qkv.bias")
        plain |= {f"blocks.{n}.attn.q_bias": bias[:64], f"blocks.{n}.attn.v_bias": bias[128:]}
        plain |= {f"blocks.{n}.gamma_{i}": plain.pop(f"blocks.{n}.ls{i}.gamma") for i in (1, 2)}
    torch.save(plain, spec.source)
    encoder = open_teacher(structs.replace(spec, adapter="panderm", options={"heads": 1}))
    head = nn.Linear(64, 7)
    text = {"text.transformer.weight": torch.zeros(2), "logit_scale": torch.zeros(())}
    tower = {f"visual.{k}": v for k, v in plain.items()} | {f"visual.head.{k}": v for k, v in head.state_dict().items()}
    torch.save({"state_dict": tower | text}, tmp_path / "clip.pt")
    teacher = open_teacher(TeacherSpec("dermlip-panderm", str(tmp_path / "clip.pt"), SIDE, SIDE))
    mean, std = (torch.tensor(n).reshape(1, 3, 1, 1) for n in CLIP_NORM)
    seen = (_x().permute(0, 3, 1, 2).float() / 255 - mean) / std
    body = encoder.tower.body  # type: ignore[attr-defined]
    with torch.inference_mode():
        torch.testing.assert_close(teacher.features(_x()), head(body(seen)), atol=1e-4, rtol=1e-4)
    assert teacher.identity.left_over == 3  # mask token, text, scale


@pytest.mark.parametrize("licence", ["CC-BY-NC-4.0", "CC-BY-NC-ND-4.0", "CC-BY-ND-4.0", "MIT; CC-BY-NC-SA-4.0", "as its publisher states"])
def test_terms_that_bind_are_said_and_refused_for_commerce(licence: str) -> None:
    assert licence_warning("t", licence)
    with pytest.raises(InputRefused, match="commercial"):
        licence_warning("t", licence, commercial=True)


@pytest.mark.parametrize("licence", ["MIT", "Apache-2.0"])
def test_permissive_terms_are_silent(licence: str) -> None:
    assert licence_warning("t", licence, commercial=True) is None


def test_an_unknown_adapter_or_option_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no teacher adapter"):
        open_adapter(TeacherSpec("nothing", "x", SIDE, SIDE))
    with pytest.raises(UsageError, match="option 'headz'"):
        open_adapter(TeacherSpec("timm", "x", SIDE, SIDE, {"headz": 1}))
    assert len({a.name for a in ADAPTERS}) == len(ADAPTERS)


def test_a_timm_file_takes_its_backbone_from_the_options(tmp_path: Path) -> None:
    body = timm.create_model("resnet10t", num_classes=5).eval()
    torch.save(body.state_dict(), tmp_path / "r.pth")
    teacher: Teacher = open_teacher(TeacherSpec("timm", str(tmp_path / "r.pth"), SIDE, SIDE, {"backbone": "resnet10t"}))
    assert (teacher.features(_x()).shape, teacher.identity.left_over) == ((3, 512), 2)
    with pytest.raises(InputRefused, match="not installed"):
        open_teacher(TeacherSpec("timm", "resnet10t", SIDE, SIDE))
