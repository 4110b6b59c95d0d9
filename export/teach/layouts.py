"""One function per layout family: from a file or folder to a filled tower."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
from torch import Tensor, nn

from edge.errors import InputRefused
from export.distil.network import PRETRAINED, load_pretrained
from export.teach import build
from export.teach.checkpoint import Checkpoint, read_checkpoint
from export.teach.fill import fill
from export.teach.keymap import ALIASES, BEIT_NATIVE, HUGGING_FACE, OPENAI_CLIP, TIMM_NATIVE, apply_map
from export.teach.network import Tower
from export.teach.reshape import fuse_qkv, lift_tokens, pool_tensors, registers_after_position, spread_shared_bias
from export.teach.teacher import Scalar, TeacherSpec

__all__ = ["CLIP_NORM", "HALF_NORM", "IMAGENET_NORM", "LAYOUTS", "Loaded", "Norm"]

Norm = tuple[tuple[float, float, float], tuple[float, float, float]]
Options = Mapping[str, Scalar]
K = TypeVar("K")
IMAGENET_NORM: Norm = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP_NORM: Norm = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
HALF_NORM: Norm = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@dataclass(frozen=True, slots=True)
class Loaded:
    """matched, left_over: tensors of the file in the encoder, and set aside on purpose."""

    tower: Tower
    matched: int
    left_over: int
    sha256: str


class _Preprocessor(msgspec.Struct, frozen=True):
    image_mean: tuple[float, float, float] | None = None
    image_std: tuple[float, float, float] | None = None


def _decode(path: Path, kind: type[K]) -> K:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise InputRefused(f"{path}: cannot be read ({error.strerror})", do="give the folder that save_pretrained wrote") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputRefused(f"{path}: not what it should be ({error})", do="fetch the folder again") from error


def _close(
    body: nn.Module, tensors: Mapping[str, Tensor], aside: list[str], read: Checkpoint, norm: Norm, head: nn.Module | None
) -> Loaded:
    matched = fill(body, tensors, read.origin)
    if head is not None:
        matched += sum(1 for _ in head.parameters())
    return Loaded(Tower(body, *norm, projection=head), matched, len(aside), read.sha256)


def _projection(weight: Tensor | None, bias: Tensor | None = None) -> nn.Linear | None:
    """weight (out, in)."""
    if weight is None:
        return None
    head = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    head.load_state_dict({"weight": weight} | ({} if bias is None else {"bias": bias}))
    return head


def huggingface(spec: TeacherSpec, norm: Norm) -> Loaded:
    """A folder that save_pretrained wrote. The output is what the model pools: class token, mean, or SigLIP's attention pool."""
    folder, size = Path(spec.source), (spec.height_px, spec.width_px)
    config = _decode(folder / "config.json", build.Config)
    kind = ALIASES.get(config.model_type, config.model_type)
    if kind not in HUGGING_FACE:
        raise InputRefused(f"{folder}: no key map for model type {config.model_type!r}", do=f"there are maps for {', '.join(HUGGING_FACE)}")
    config = config.vision_config or config
    read = read_checkpoint(folder)
    t, aside = apply_map(read.tensors, HUGGING_FACE[kind], read.origin)
    t = spread_shared_bias(pool_tensors(lift_tokens(fuse_qkv(t))))
    if kind == "dinov2":
        t = registers_after_position(t)
    heads, eps = config.num_attention_heads, config.layer_norm_eps
    if kind == "beit":
        body = build.beit(t, size, read.origin, heads=heads, eps=eps)
    elif kind == "dinov3_vit":
        body = build.dinov3(t, size, read.origin, heads=heads, eps=eps, theta=config.rope_theta)
    elif kind == "swin":
        body = build.swin(config, t, size, read.origin)
    elif kind == "convnext":
        body = build.convnext(config)
    else:
        body = build.vit(t, size, read.origin, heads=heads, eps=eps, act=config.hidden_act)
    path = folder / "preprocessor_config.json"
    how = _decode(path, _Preprocessor) if path.is_file() else _Preprocessor()
    return _close(body, t, aside, read, (how.image_mean or norm[0], how.image_std or norm[1]), None)


def open_clip(spec: TeacherSpec, norm: Norm) -> Loaded:
    """open_clip's file: OpenAI's ViT, a timm trunk, or PanDerm's encoder as visual tower. Output: the image embedding, not normalised."""
    size, options = (spec.height_px, spec.width_px), spec.options
    read = read_checkpoint(Path(spec.source))
    heads = int(options.get("heads", 0))
    names = {k.removeprefix("module.") for k in read.tensors}
    plain = {k.removeprefix("module."): v.float() for k, v in read.tensors.items()}
    if any(k.startswith("visual.trunk.") for k in names):
        t, aside = apply_map(read.tensors, TIMM_NATIVE, read.origin)
        more = {"global_pool": str(options["pool"])} if "pool" in options else {}
        body = build.named(str(options.get("backbone", "vit_base_patch16_224")), size, **more)
        weight, bias = plain.get("visual.head.proj.weight"), plain.get("visual.head.proj.bias")
        used = 1 + (bias is not None) if weight is not None else 0
        if any(k.startswith("visual.head.mlp") for k in names):
            raise InputRefused(
                f"{read.origin}: a projection of two layers is not mapped", do="save the trunk alone, and use the timm adapter"
            )
        loaded = _close(body, t, aside, read, norm, _projection(weight, bias))
        return Loaded(loaded.tower, loaded.matched, loaded.left_over - used, read.sha256)
    if "visual.class_embedding" in names:
        t, aside = apply_map(read.tensors, OPENAI_CLIP, read.origin)
        t = lift_tokens(t)
        weight = t.pop("proj", None)
        body = build.vit(t, size, read.origin, heads=heads, eps=1e-5, act="quick_gelu" if options.get("quickgelu") else "gelu")
        return _close(body, t, aside, read, norm, None if weight is None else _projection(weight.T.contiguous()))
    if "visual.blocks.0.attn.qkv.weight" in names:
        loaded = native_beit(spec, norm)
        head = _projection(plain.get("visual.head.weight"), plain.get("visual.head.bias"))
        if head is None:
            return loaded
        used = sum(1 for _ in head.parameters())
        tower = Tower(loaded.tower.body, *norm, projection=head)
        return Loaded(tower, loaded.matched + used, loaded.left_over - used, loaded.sha256)
    raise InputRefused(f"{read.origin}: no visual tower of open_clip", do="choose the adapter that fits the file")


def native_beit(spec: TeacherSpec, norm: Norm) -> Loaded:
    """CAE and BEiT keys as PanDerm and USFM save them. Attention is scaled by head_dim ** -0.5, never by a true that means one."""
    read = read_checkpoint(Path(spec.source))
    t, aside = apply_map(read.tensors, BEIT_NATIVE, read.origin)
    t = spread_shared_bias(t)
    if spec.options.get("pool") == "mean" and "norm.weight" in t:  # saved by pre-training, read as fine-tuning reads it
        t |= {f"fc_{k}": t.pop(k) for k in ("norm.weight", "norm.bias") if k in t}
    body = build.beit(t, (spec.height_px, spec.width_px), read.origin, heads=int(spec.options.get("heads", 0)))
    return _close(body, t, aside, read, norm, None)


def native_vit(spec: TeacherSpec, norm: Norm) -> Loaded:
    """DINOv2's own .pth (register_tokens, chunked blocks), MAE and other ViT files in timm's names."""
    read = read_checkpoint(Path(spec.source))
    t, aside = apply_map(read.tensors, TIMM_NATIVE, read.origin)
    t = registers_after_position(t)
    pool = "avg" if spec.options.get("pool") == "mean" else "token"
    body = build.vit(t, (spec.height_px, spec.width_px), read.origin, heads=int(spec.options.get("heads", 0)), pool=pool)
    return _close(body, t, aside, read, norm, None)


def timm_named(spec: TeacherSpec, norm: Norm) -> Loaded:
    """source: a local file with the option backbone, or the name of a network whose pinned weights are installed.

    The option random=true (tests alone) takes a network without weights. Nothing is ever fetched.
    """
    size = (spec.height_px, spec.width_px)
    backbone = str(spec.options.get("backbone", ""))
    if backbone:
        read = read_checkpoint(Path(spec.source))
        body = build.named(backbone, size)
        own = set(body.state_dict())
        head = [k for k in read.tensors if k not in own and k.split(".")[0] in {"head", "classifier", "fc"}]
        t = {k: v.float() if v.is_floating_point() else v for k, v in read.tensors.items() if k not in head}
        return _close(body, t, head, read, norm, None)
    body = build.named(spec.source, size)
    if spec.source in PRETRAINED:
        body = build.with_classifier(spec.source)
        load_pretrained(body, spec.source)
        body.reset_classifier(0)
        return Loaded(Tower(body, *HALF_NORM), len(body.state_dict()), 2, PRETRAINED[spec.source][3])
    if spec.options.get("random"):
        return Loaded(Tower(body, *norm), 0, 0, "random")
    raise InputRefused(
        f"{spec.source}: weights are not installed, and nothing is fetched", do="give its file as source, and backbone as option"
    )


LAYOUTS: Mapping[str, Callable[[TeacherSpec, Norm], Loaded]] = {
    "huggingface": huggingface,
    "open_clip": open_clip,
    "native_beit": native_beit,
    "native_vit": native_vit,
    "timm": timm_named,
}
