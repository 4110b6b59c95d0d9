"""Key maps as data: a layout's names, row by row, to the names of the timm network that computes the same function."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from edge.errors import InputRefused

__all__ = ["ALIASES", "BEIT_NATIVE", "HUGGING_FACE", "OPENAI_CLIP", "TIMM_NATIVE", "KeyMap", "apply_map"]


@dataclass(frozen=True, slots=True)
class KeyMap:
    """prefix: kept keys start with one of these, which is cut off ('' keeps all); of several, the first that occurs is the one.

    rows: (pattern, replacement), each applied once in order. aside: keys that are no part of the encoder's features.
    """

    prefixes: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    aside: tuple[str, ...] = ()


_ASIDE = (
    r"^decoder", r"mask_token$", r"decoder_pos_embed$", r"^teacher\.", r"relative_position_index$", r"\.periods$",
    r"bias_mask$", r"^projectors\.", r"^text", r"logit_scale$", r"logit_bias$", r"inv_freq$", r"num_batches_tracked_$",
)  # fmt: skip
_HEAD = (r"^head\.(weight|bias)$", r"^(classifier|lm_head)\.")
_HF_PRE = ("vit.", "dinov2.", "dinov2_with_registers.", "dinov3_vit.", "beit.", "swin.", "convnext.", "model.", "")
_SPLIT = (  # attention of the ViT that Hugging Face took over from BERT
    (r"^encoder\.layer\.(\d+)\.attention\.attention\.(q)uery\.", r"blocks.\1.attn.\2."),
    (r"^encoder\.layer\.(\d+)\.attention\.attention\.(k)ey\.", r"blocks.\1.attn.\2."),
    (r"^encoder\.layer\.(\d+)\.attention\.attention\.(v)alue\.", r"blocks.\1.attn.\2."),
    (r"^encoder\.layer\.(\d+)\.attention\.output\.dense\.", r"blocks.\1.attn.proj."),
    (r"^encoder\.layer\.(\d+)\.intermediate\.dense\.", r"blocks.\1.mlp.fc1."),
    (r"^encoder\.layer\.(\d+)\.output\.dense\.", r"blocks.\1.mlp.fc2."),
    (r"^encoder\.layer\.(\d+)\.layernorm_before\.", r"blocks.\1.norm1."),
    (r"^encoder\.layer\.(\d+)\.layernorm_after\.", r"blocks.\1.norm2."),
    (r"^embeddings\.cls_token$", "cls_token"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
)
_CLIP_BLOCKS = (
    (r"^encoder\.layers\.(\d+)\.self_attn\.([qkv])_proj\.", r"blocks.\1.attn.\2."),
    (r"^encoder\.layers\.(\d+)\.self_attn\.out_proj\.", r"blocks.\1.attn.proj."),
    (r"^encoder\.layers\.(\d+)\.layer_norm([12])\.", r"blocks.\1.norm\2."),
    (r"^encoder\.layers\.(\d+)\.mlp\.", r"blocks.\1.mlp."),
    (r"^embeddings\.patch_embedding\.", "patch_embed.proj."),
    (r"^embeddings\.position_embedding\.weight$", "pos_embed"),
    (r"^post_layernorm\.", "norm."),
)

HUGGING_FACE: Mapping[str, KeyMap] = {
    "vit": KeyMap(_HF_PRE, (*_SPLIT, (r"^layernorm\.", "norm.")), (r"^pooler\.", *_HEAD, *_ASIDE)),
    "dinov2": KeyMap(
        _HF_PRE,
        (
            *_SPLIT,
            (r"^embeddings\.register_tokens$", "reg_token"),
            (r"^encoder\.layer\.(\d+)\.(norm[12])\.", r"blocks.\1.\2."),
            (r"^encoder\.layer\.(\d+)\.layer_scale([12])\.lambda1$", r"blocks.\1.ls\2.gamma"),
            (r"^encoder\.layer\.(\d+)\.mlp\.weights_in\.", r"blocks.\1.mlp.fc1."),
            (r"^encoder\.layer\.(\d+)\.mlp\.weights_out\.", r"blocks.\1.mlp.fc2."),
            (r"^encoder\.layer\.(\d+)\.mlp\.", r"blocks.\1.mlp."),
            (r"^layernorm\.", "norm."),
        ),
        (*_HEAD, *_ASIDE),
    ),
    "dinov3_vit": KeyMap(
        _HF_PRE,
        (
            (r"^model\.layer\.", "layer."),
            (r"^layer\.(\d+)\.attention\.([qkv])_proj\.", r"blocks.\1.attn.\2."),
            (r"^layer\.(\d+)\.attention\.o_proj\.", r"blocks.\1.attn.proj."),
            (r"^layer\.(\d+)\.(norm[12])\.", r"blocks.\1.\2."),
            (r"^layer\.(\d+)\.layer_scale([12])\.lambda1$", r"blocks.\1.gamma_\2"),
            (r"^layer\.(\d+)\.mlp\.up_proj\.", r"blocks.\1.mlp.fc1."),
            (r"^layer\.(\d+)\.mlp\.down_proj\.", r"blocks.\1.mlp.fc2."),
            (r"^embeddings\.cls_token$", "cls_token"),
            (r"^embeddings\.register_tokens$", "reg_token"),
            (r"^embeddings\.patch_embeddings\.", "patch_embed.proj."),
        ),
        (*_HEAD, *_ASIDE),
    ),
    "siglip": KeyMap(
        ("vision_model.", ""),
        (
            *_CLIP_BLOCKS,
            (r"^head\.probe$", "attn_pool.latent"),
            (r"^head\.attention\.in_proj_", "attn_pool.in_proj_"),
            (r"^head\.attention\.out_proj\.", "attn_pool.proj."),
            (r"^head\.layernorm\.", "attn_pool.norm."),
            (r"^head\.mlp\.", "attn_pool.mlp."),
        ),
        _ASIDE,
    ),
    "clip": KeyMap(
        ("vision_model.", ""),
        (*_CLIP_BLOCKS, (r"^embeddings\.class_embedding$", "cls_token"), (r"^pre_layrnorm\.", "norm_pre.")),
        (r"position_ids$", *_ASIDE),
    ),
    "beit": KeyMap(
        _HF_PRE,
        (
            (r"\.attention\.attention\.relative_position_bias\.", ".rpb."),
            (r"^encoder\.layer\.(\d+)\.rpb\.", r"blocks.\1.attn."),
            (r"^encoder\.relative_position_bias\.", "rel_pos_bias."),
            *_SPLIT,
            (r"^encoder\.layer\.(\d+)\.lambda_([12])$", r"blocks.\1.gamma_\2"),
            (r"^pooler\.layernorm\.", "fc_norm."),
            (r"^layernorm\.", "norm."),
        ),
        (*_HEAD, *_ASIDE),
    ),
    "swin": KeyMap(
        _HF_PRE,
        (
            *((rf"^encoder\.layers\.{s}\.downsample\.", f"layers.{s + 1}.downsample.") for s in range(3)),
            (r"^encoder\.(layers\.\d+\.blocks\.\d+)\.attention\.self\.(q)uery\.", r"\1.attn.\2."),
            (r"^encoder\.(layers\.\d+\.blocks\.\d+)\.attention\.self\.(k)ey\.", r"\1.attn.\2."),
            (r"^encoder\.(layers\.\d+\.blocks\.\d+)\.attention\.self\.(v)alue\.", r"\1.attn.\2."),
            (r"^encoder\.(layers\.\d+\.blocks\.\d+)\.attention\.self\.(relative_position_bias_table)$", r"\1.attn.\2"),
            (r"^encoder\.(layers\.\d+\.blocks\.\d+)\.attention\.output\.dense\.", r"\1.attn.proj."),
            (r"^encoder\.(layers\.\d+\.blocks\.\d+)\.layernorm_before\.", r"\1.norm1."),
            (r"^encoder\.(layers\.\d+\.blocks\.\d+)\.layernorm_after\.", r"\1.norm2."),
            (r"^encoder\.(layers\.\d+\.blocks\.\d+)\.intermediate\.dense\.", r"\1.mlp.fc1."),
            (r"^encoder\.(layers\.\d+\.blocks\.\d+)\.output\.dense\.", r"\1.mlp.fc2."),
            (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
            (r"^embeddings\.norm\.", "patch_embed.norm."),
            (r"^layernorm\.", "norm."),
        ),
        (*_HEAD, *_ASIDE),
    ),
    "convnext": KeyMap(
        _HF_PRE,
        (
            (r"^embeddings\.patch_embeddings\.", "stem.0."),
            (r"^embeddings\.layernorm\.", "stem.1."),
            (r"^encoder\.(stages\.\d+)\.downsampling_layer\.", r"\1.downsample."),
            (r"^encoder\.(stages\.\d+)\.layers\.(\d+)\.dwconv\.", r"\1.blocks.\2.conv_dw."),
            (r"^encoder\.(stages\.\d+)\.layers\.(\d+)\.layernorm\.", r"\1.blocks.\2.norm."),
            (r"^encoder\.(stages\.\d+)\.layers\.(\d+)\.pwconv([12])\.", r"\1.blocks.\2.mlp.fc\3."),
            (r"^encoder\.(stages\.\d+)\.layers\.(\d+)\.layer_scale_parameter$", r"\1.blocks.\2.gamma"),
            (r"^layernorm\.", "head.norm."),
        ),
        (*_HEAD, *_ASIDE),
    ),
}
ALIASES = {"dinov2_with_registers": "dinov2", "siglip_vision_model": "siglip", "clip_vision_model": "clip"}

OPENAI_CLIP = KeyMap(
    ("module.visual.", "visual."),
    (
        (r"^class_embedding$", "cls_token"),
        (r"^positional_embedding$", "pos_embed"),
        (r"^conv1\.", "patch_embed.proj."),
        (r"^ln_pre\.", "norm_pre."),
        (r"^ln_post\.", "norm."),
        (r"^transformer\.resblocks\.(\d+)\.attn\.in_proj_", r"blocks.\1.attn.qkv."),
        (r"^transformer\.resblocks\.(\d+)\.attn\.out_proj\.", r"blocks.\1.attn.proj."),
        (r"^transformer\.resblocks\.(\d+)\.ln_([12])\.", r"blocks.\1.norm\2."),
        (r"^transformer\.resblocks\.(\d+)\.ls_([12])\.gamma$", r"blocks.\1.ls\2.gamma"),
        (r"^transformer\.resblocks\.(\d+)\.mlp\.c_fc\.", r"blocks.\1.mlp.fc1."),
        (r"^transformer\.resblocks\.(\d+)\.mlp\.c_proj\.", r"blocks.\1.mlp.fc2."),
    ),
    _ASIDE,
)
TIMM_NATIVE = KeyMap(
    ("module.visual.trunk.", "visual.trunk.", "module.", "backbone.", "encoder.", ""),
    ((r"^register_tokens$", "reg_token"), (r"^blocks\.\d+\.(\d+)\.", r"blocks.\1.")),
    (*_HEAD, *_ASIDE),
)
BEIT_NATIVE = KeyMap(("module.visual.", "visual.", "module.", "encoder.", "backbone.", ""), (), (*_HEAD, *_ASIDE))


def apply_map(tensors: Mapping[str, Tensor], by: KeyMap, origin: str) -> tuple[dict[str, Tensor], list[str]]:
    """The encoder's tensors by their timm names, and the names that were set aside. Raises InputRefused on a clash of names."""
    # A prefix of one tower (visual.) sets the other tower aside; '' keeps every key.
    prefix = next((p for p in by.prefixes if any(k.startswith(p) for k in tensors)), "")
    mapped: dict[str, Tensor] = {}
    aside: list[str] = []
    for name, tensor in tensors.items():
        key = name.removeprefix(prefix)
        if not name.startswith(prefix) or any(re.search(p, key) for p in by.aside):
            aside.append(name)
            continue
        for pattern, replacement in by.rows:
            key = re.sub(pattern, replacement, key)
        if key in mapped:
            raise InputRefused(f"{origin}: two tensors become {key}", do="the file mixes two models: save the encoder alone")
        mapped[key] = tensor.to(torch.float32) if tensor.is_floating_point() else tensor
    return mapped, aside
