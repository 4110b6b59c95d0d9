"""Each key map against the library that owns the layout: random weights in its own file, read by ours, the same features."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from export.teach.layouts import CLIP_NORM, HALF_NORM, IMAGENET_NORM, Norm
from export.teach.teacher import TeacherSpec, open_teacher

SIDE = 64
SMALL = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96, "image_size": SIDE, "patch_size": 16}


def _pixels(side: int = SIDE) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, side, side, 3), np.uint8))


def _seen(x: Tensor, norm: Norm) -> Tensor:
    mean, std = (torch.tensor(n).reshape(1, 3, 1, 1) for n in norm)
    return (x.permute(0, 3, 1, 2).float() / 255 - mean) / std


def _shaken(model: Any) -> Any:
    """Every parameter away from its start: a zero or a one would hide a tensor that went to the wrong place."""
    rng = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn(p.shape, generator=rng) * 0.05)
    return model.eval()


def _spec(adapter: str, source: Path, **options: str | int | bool) -> TeacherSpec:
    return TeacherSpec(adapter, str(source), SIDE, SIDE, {**options})


def _vit(t: Any) -> tuple[Any, Callable[[Any], Tensor]]:
    return t.ViTModel(t.ViTConfig(**SMALL)), lambda out: out.last_hidden_state[:, 0]


def _dinov2(t: Any) -> tuple[Any, Callable[[Any], Tensor]]:
    return t.Dinov2Model(t.Dinov2Config(**SMALL, mlp_ratio=2)), lambda out: out.pooler_output


def _dinov2_gated(t: Any) -> tuple[Any, Callable[[Any], Tensor]]:
    return t.Dinov2Model(t.Dinov2Config(**SMALL, use_swiglu_ffn=True)), lambda out: out.pooler_output


def _dinov2_registers(t: Any) -> tuple[Any, Callable[[Any], Tensor]]:
    return t.Dinov2WithRegistersModel(t.Dinov2WithRegistersConfig(**SMALL, num_register_tokens=4)), lambda out: out.pooler_output


def _dinov3(t: Any) -> tuple[Any, Callable[[Any], Tensor]]:
    return t.DINOv3ViTModel(t.DINOv3ViTConfig(**SMALL, num_register_tokens=4)), lambda out: out.pooler_output


def _siglip(t: Any) -> tuple[Any, Callable[[Any], Tensor]]:
    return t.SiglipVisionModel(t.SiglipVisionConfig(**SMALL)), lambda out: out.pooler_output


def _clip(t: Any) -> tuple[Any, Callable[[Any], Tensor]]:
    return t.CLIPVisionModel(t.CLIPVisionConfig(**SMALL)), lambda out: out.pooler_output


def _beit_own(t: Any) -> tuple[Any, Callable[[Any], Tensor]]:
    return t.BeitModel(t.BeitConfig(**SMALL, use_relative_position_bias=True)), lambda out: out.pooler_output


def _beit_shared(t: Any) -> tuple[Any, Callable[[Any], Tensor]]:
    return t.BeitModel(t.BeitConfig(**SMALL, use_shared_relative_position_bias=True)), lambda out: out.pooler_output


def _beit_absolute(t: Any) -> tuple[Any, Callable[[Any], Tensor]]:
    config = t.BeitConfig(**SMALL, use_absolute_position_embeddings=True, use_mean_pooling=False)
    return t.BeitModel(config), lambda out: out.pooler_output


def _swin(t: Any) -> tuple[Any, Callable[[Any], Tensor]]:
    config = t.SwinConfig(image_size=SIDE, patch_size=2, embed_dim=16, depths=[2, 2, 2, 2], num_heads=[2, 2, 4, 4], window_size=4)
    return t.SwinModel(config), lambda out: out.pooler_output


def _convnext(t: Any) -> tuple[Any, Callable[[Any], Tensor]]:
    return t.ConvNextModel(t.ConvNextConfig(hidden_sizes=[16, 24, 32, 48], depths=[1, 2, 1, 1])), lambda out: out.pooler_output


MODELS = (
    _vit, _dinov2, _dinov2_gated, _dinov2_registers, _dinov3, _siglip, _clip, _beit_own, _beit_shared, _beit_absolute, _swin, _convnext,
)  # fmt: skip


@pytest.mark.parametrize("made", MODELS, ids=lambda made: made.__name__[1:])
def test_a_hugging_face_folder_gives_the_features_of_transformers(made: Any, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="the oracle, transformers, is not installed")
    torch.manual_seed(0)
    model, pooled = made(transformers)
    model = _shaken(model)
    model.save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.25, 0.3]}))
    teacher = open_teacher(_spec("huggingface", tmp_path))
    with torch.inference_mode():
        expected = pooled(model(_seen(_pixels(), ((0.4, 0.5, 0.6), (0.2, 0.25, 0.3)))))
    torch.testing.assert_close(teacher.features(_pixels()), expected, atol=1e-4, rtol=1e-4)
    assert teacher.identity.matched > 0


VISION = {"image_size": SIDE, "layers": 2, "width": 64, "patch_size": 16, "head_width": 16, "mlp_ratio": 2.0}
TEXT = {"context_length": 8, "vocab_size": 100, "width": 32, "heads": 2, "layers": 1}


def _open_clip(tmp_path: Path, vision: Mapping[str, object], *, quick: bool = False) -> tuple[Any, Path]:
    open_clip = pytest.importorskip("open_clip", reason="the oracle, open_clip_torch, is not installed")
    torch.manual_seed(0)
    model = _shaken(open_clip.model.CLIP(32, vision, TEXT, quick_gelu=quick))
    path = tmp_path / "weights.pt"
    torch.save({"epoch": 1, "state_dict": {f"module.{k}": v for k, v in model.state_dict().items()}}, path)
    return model, path


@pytest.mark.parametrize(
    ("adapter", "quick", "norm"),
    [("dermlip", False, CLIP_NORM), ("monet", True, IMAGENET_NORM), ("unimed-clip", True, CLIP_NORM)],
)
def test_an_open_clip_vit_gives_the_image_embedding_of_open_clip(adapter: str, quick: bool, norm: Norm, tmp_path: Path) -> None:
    model, path = _open_clip(tmp_path, VISION, quick=quick)
    teacher = open_teacher(_spec(adapter, path, heads=4))
    with torch.inference_mode():
        expected = model.encode_image(_seen(_pixels(), norm))
    torch.testing.assert_close(teacher.features(_pixels()), expected, atol=1e-4, rtol=1e-4)
    visual = sum(k.startswith("visual.") for k in model.state_dict())
    assert (teacher.identity.matched, teacher.identity.left_over) == (visual, len(model.state_dict()) - visual)


@pytest.mark.parametrize(("adapter", "backbone"), [("biomedclip", "vit_tiny_patch16_224"), ("echoclip", "convnext_atto")])
def test_an_open_clip_file_with_a_timm_trunk_gives_its_image_embedding(adapter: str, backbone: str, tmp_path: Path) -> None:
    vision = {"timm_model_name": backbone, "timm_model_pretrained": False, "timm_pool": "", "timm_proj": "linear", "image_size": 224}
    model, path = _open_clip(tmp_path, vision)
    teacher = open_teacher(TeacherSpec(adapter, str(path), 224, 224, {"backbone": backbone}))
    with torch.inference_mode():
        expected = model.encode_image(_seen(_pixels(224), CLIP_NORM))
    torch.testing.assert_close(teacher.features(_pixels(224)), expected, atol=1e-4, rtol=1e-4)
    visual = sum(k.startswith("visual.") for k in model.state_dict())
    assert (teacher.identity.matched, teacher.identity.left_over) == (visual, len(model.state_dict()) - visual)


def test_the_wrong_norm_would_be_seen() -> None:
    assert not torch.allclose(_seen(_pixels(), CLIP_NORM), _seen(_pixels(), HALF_NORM), atol=1e-2)
