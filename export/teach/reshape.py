"""What a row of names cannot say: tensors that are joined, split or lifted on the way to timm."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["fuse_qkv", "lift_tokens", "pool_tensors", "registers_after_position", "spread_shared_bias"]

Tensors = dict[str, Tensor]


def fuse_qkv(tensors: Mapping[str, Tensor]) -> Tensors:
    """attn.q, .k, .v -> attn.qkv. Without a key bias (BEiT, DINOv3) the others become q_bias and v_bias, as timm names them."""
    out = dict(tensors)
    for name in [n for n in tensors if n.endswith(".attn.q.weight")]:
        at = name.removesuffix("q.weight")
        if not all(f"{at}{part}.weight" in out for part in "kv"):
            continue  # stays under its name, and is refused as unknown
        out[f"{at}qkv.weight"] = torch.cat([out.pop(f"{at}{part}.weight") for part in "qkv"])
        biases = {part: out.pop(f"{at}{part}.bias", None) for part in "qkv"}
        q, k, v = biases["q"], biases["k"], biases["v"]
        if q is not None and k is not None and v is not None:
            out[f"{at}qkv.bias"] = torch.cat([q, k, v])
        elif q is not None and v is not None:
            out[f"{at}q_bias"], out[f"{at}v_bias"] = q, v
    return out


def lift_tokens(tensors: Mapping[str, Tensor]) -> Tensors:
    """OpenAI's class token (d,) and positions (t, d) get the batch axis that timm keeps."""
    out = dict(tensors)
    if "cls_token" in out and out["cls_token"].ndim == 1:
        out["cls_token"] = out["cls_token"][None, None]
    if "pos_embed" in out and out["pos_embed"].ndim == 2:
        out["pos_embed"] = out["pos_embed"][None]
    return out


def registers_after_position(tensors: Mapping[str, Tensor]) -> Tensors:
    """DINOv2 with registers: the class token's own position is folded into it, since timm's registers stand before the positions."""
    out = dict(tensors)
    if "reg_token" in out and "pos_embed" in out and "cls_token" in out:
        out["cls_token"] = out["cls_token"] + out["pos_embed"][:, :1]
        out["pos_embed"] = out["pos_embed"][:, 1:]
    return out


def pool_tensors(tensors: Mapping[str, Tensor]) -> Tensors:
    """SigLIP's attention pool: torch's fused projection is split in timm's q and kv."""
    out = dict(tensors)
    for kind in ("weight", "bias"):
        fused = out.pop(f"attn_pool.in_proj_{kind}", None)
        if fused is not None:
            d = fused.shape[0] // 3
            out[f"attn_pool.q.{kind}"], out[f"attn_pool.kv.{kind}"] = fused[:d], fused[d:]
    return out


def spread_shared_bias(tensors: Mapping[str, Tensor]) -> Tensors:
    """A relative position table that all blocks share is cloned to each of them (USFM, BEiT)."""
    out = dict(tensors)
    shared = out.pop("rel_pos_bias.relative_position_bias_table", None)
    if shared is not None:
        for block in sorted({m[1] for k in out if (m := re.match(r"blocks\.(\d+)\.", k))}, key=int):
            out.setdefault(f"blocks.{block}.attn.relative_position_bias_table", shared.clone())
    return out
