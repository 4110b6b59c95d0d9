"""Empty timm networks of the size that a checkpoint's own tensors and configuration tell."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import msgspec
from torch import Tensor, nn

from edge.errors import InputRefused
from export.torchvision_shim import import_timm

__all__ = ["Config", "Shape", "beit", "convnext", "dinov3", "named", "swin", "vit", "with_classifier"]

timm = import_timm()


class Config(msgspec.Struct, frozen=True):
    """What a Hugging Face config.json says that the tensors do not; unknown fields are other models' business."""

    model_type: str = ""
    num_attention_heads: int = 0
    num_heads: tuple[int, ...] = ()
    depths: tuple[int, ...] = ()
    hidden_sizes: tuple[int, ...] = ()
    embed_dim: int = 0
    window_size: int = 7
    layer_norm_eps: float = 1e-6
    hidden_act: str = "gelu"
    rope_theta: float = 100.0
    use_mean_pooling: bool = True
    vision_config: "Config | None" = None


@dataclass(frozen=True, slots=True)
class Shape:
    """Read from the tensors under their timm names."""

    width: int
    depth: int
    hidden: int
    patch: int


ACTS = {"gelu": "gelu", "quick_gelu": "quick_gelu", "gelu_pytorch_tanh": "gelu_tanh", "gelu_new": "gelu_tanh"}


def shape_of(tensors: Mapping[str, Tensor], origin: str) -> Shape:
    """Raises InputRefused when the encoder's first and last tensors are not there: the file is of another layout."""
    patch, hidden = tensors.get("patch_embed.proj.weight"), tensors.get("blocks.0.mlp.fc1.weight")
    if patch is None or hidden is None or patch.ndim != 4:
        raise InputRefused(f"{origin}: no patch embedding and blocks in this layout", do="choose the adapter that fits the file")
    depth = 1 + max(int(m[1]) for k in tensors if (m := re.match(r"blocks\.(\d+)\.", k)))
    return Shape(width=patch.shape[0], depth=depth, hidden=hidden.shape[0], patch=patch.shape[-1])


def _norm(eps: float) -> Any:
    return partial(timm.layers.LayerNorm, eps=eps)


def _common(t: Mapping[str, Tensor], size: tuple[int, int], heads: int, origin: str) -> dict[str, Any]:
    s = shape_of(t, origin)
    heads = heads or max(1, s.width // 64)
    if s.width % heads:
        raise InputRefused(f"{origin}: width {s.width} is no multiple of {heads} heads", do="give the option heads")
    return {
        "img_size": size,
        "patch_size": s.patch,
        "num_classes": 0,
        "embed_dim": s.width,
        "depth": s.depth,
        "num_heads": heads,
        "mlp_ratio": s.hidden / s.width,
    }


def vit(
    t: Mapping[str, Tensor],
    size: tuple[int, int],
    origin: str,
    *,
    heads: int = 0,
    eps: float = 1e-6,
    act: str = "gelu",
    pool: str = "token",
) -> nn.Module:
    """ViT, DINOv2, SigLIP, OpenAI CLIP: told apart by the tensors."""
    common = _common(t, size, heads, origin)
    reg = t["reg_token"].shape[1] if "reg_token" in t else 0
    gated = t["blocks.0.mlp.fc1.weight"].shape[0] == 2 * t["blocks.0.mlp.fc2.weight"].shape[1] if "blocks.0.mlp.fc2.weight" in t else False
    if "attn_pool.latent" in t:
        pool = "map"
    more: dict[str, Any] = {"mlp_layer": timm.layers.SwiGLUPacked, "act_layer": nn.SiLU} if gated else {"act_layer": ACTS.get(act, act)}
    return cast(
        nn.Module,
        timm.models.vision_transformer.VisionTransformer(
            **common,
            **more,
            global_pool=pool,
            class_token="cls_token" in t,
            reg_tokens=reg,
            no_embed_class=bool(reg),
            pre_norm="norm_pre.weight" in t,
            qkv_bias="blocks.0.attn.qkv.bias" in t,
            init_values=1e-5 if "blocks.0.ls1.gamma" in t else None,
            fc_norm="fc_norm.weight" in t,
            norm_layer=_norm(eps),
        ),
    )


def beit(t: Mapping[str, Tensor], size: tuple[int, int], origin: str, *, heads: int = 0, eps: float = 1e-6) -> nn.Module:
    """BEiT, CAE (PanDerm), USFM. Norm over the mean of the patches when the file has fc_norm, else the class token after norm."""
    common = _common(t, size, heads, origin)
    mean = "fc_norm.weight" in t
    return cast(
        nn.Module,
        timm.models.beit.Beit(
            **common,
            global_pool="avg" if mean else "token",
            use_fc_norm=mean,
            qkv_bias="blocks.0.attn.q_bias" in t,
            init_values=0.1 if "blocks.0.gamma_1" in t else None,
            use_abs_pos_emb="pos_embed" in t,
            use_rel_pos_bias="blocks.0.attn.relative_position_bias_table" in t,
            norm_layer=_norm(eps),
        ),
    )


def dinov3(t: Mapping[str, Tensor], size: tuple[int, int], origin: str, *, heads: int, eps: float, theta: float) -> nn.Module:
    """Upstream's class token, not timm's mean. The gated form (H+, 7B) has other names and is refused as unknown."""
    common = _common(t, size, heads, origin)
    return cast(
        nn.Module,
        timm.models.eva.Eva(
            **common,
            global_pool="token",
            qkv_bias="blocks.0.attn.q_bias" in t or "blocks.0.attn.qkv.bias" in t,
            init_values=1e-5 if "blocks.0.gamma_1" in t else None,
            rope_type="dinov3",
            rope_temperature=theta,
            rope_rotate_half=True,
            use_rot_pos_emb=True,
            use_abs_pos_emb=False,
            num_reg_tokens=t["reg_token"].shape[1] if "reg_token" in t else 0,
            use_fc_norm=False,
            norm_layer=_norm(eps),
        ),
    )


def swin(c: Config, t: Mapping[str, Tensor], size: tuple[int, int], origin: str) -> nn.Module:
    hidden, patch = t.get("layers.0.blocks.0.mlp.fc1.weight"), t.get("patch_embed.proj.weight")
    if hidden is None or patch is None or not c.embed_dim:
        raise InputRefused(f"{origin}: no Swin blocks in it", do="fetch the folder again")
    return cast(
        nn.Module,
        timm.models.swin_transformer.SwinTransformer(
            img_size=size,
            patch_size=patch.shape[-1],
            num_classes=0,
            embed_dim=c.embed_dim,
            depths=c.depths,
            num_heads=c.num_heads,
            window_size=c.window_size,
            mlp_ratio=hidden.shape[0] / c.embed_dim,
            drop_path_rate=0.0,
            norm_layer=_norm(c.layer_norm_eps),
        ),
    )


def convnext(c: Config) -> nn.Module:
    body = timm.models.convnext.ConvNeXt(depths=c.depths, dims=c.hidden_sizes, num_classes=0, norm_eps=1e-6)
    body.head.norm.eps = c.layer_norm_eps  # the blocks keep 1e-6 whatever the configuration says
    return cast(nn.Module, body)


def named(backbone: str, size: tuple[int, int], **more: Any) -> nn.Module:
    """A network of timm by its name, without weights. Raises InputRefused for a name that timm does not know."""
    if not timm.is_model(backbone):
        raise InputRefused(f"timm has no network {backbone!r}", do="see timm.list_models()")
    try:
        return cast(nn.Module, timm.create_model(backbone, pretrained=False, num_classes=0, img_size=size, **more))
    except TypeError:  # a convolution has no img_size: it takes any
        return cast(nn.Module, timm.create_model(backbone, pretrained=False, num_classes=0, **more))


def with_classifier(backbone: str) -> Any:
    return timm.create_model(backbone, pretrained=False, num_classes=1000)
