"""The adapters, a row each: how a file is read, under which terms it stands, and how far its key map is proven."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from msgspec import structs
from torch import Tensor
from torch.nn import functional

from edge.errors import InputRefused, UsageError
from export.teach.layouts import CLIP_NORM, HALF_NORM, IMAGENET_NORM, LAYOUTS, Norm
from export.teach.network import NetworkTeacher, check_pixels
from export.teach.stored import StoredTeacher
from export.teach.teacher import Scalar, Teacher, TeacherIdentity, TeacherSpec

__all__ = ["ADAPTERS", "Adapter", "EnsembleTeacher", "licence_warning", "open_adapter"]

PROVEN, UNPROVEN = "layout proven, real file not run", "unproven map"
ASK = "as its publisher states"
PANDERM_NORM: Norm = ((0.485, 0.456, 0.406), (0.228, 0.224, 0.225))  # .228: a slip kept in all their code, so we keep it


@dataclass(frozen=True, slots=True)
class Adapter:
    """layout: a function of `layouts.LAYOUTS`, or stored, ensemble. options: defaults that a specification may replace."""

    name: str
    layout: str
    norm: Norm
    licence: str
    proof: str
    options: Mapping[str, Scalar] = field(default_factory=dict)


ADAPTERS: tuple[Adapter, ...] = (
    Adapter("timm", "timm", IMAGENET_NORM, ASK, PROVEN),
    Adapter("huggingface", "huggingface", IMAGENET_NORM, ASK, PROVEN),
    Adapter("dinov2", "huggingface", IMAGENET_NORM, "Apache-2.0", PROVEN),
    Adapter("dinov2-native", "native_vit", IMAGENET_NORM, "Apache-2.0", UNPROVEN),
    Adapter("dinov3", "huggingface", IMAGENET_NORM, "DINOv3 License", PROVEN),
    Adapter("siglip", "huggingface", HALF_NORM, "Apache-2.0", PROVEN),
    Adapter("medsiglip", "huggingface", HALF_NORM, "HAI-DEF terms", PROVEN),
    Adapter("open-clip", "open_clip", CLIP_NORM, ASK, PROVEN),
    Adapter("dermlip", "open_clip", CLIP_NORM, "CC-BY-NC-4.0", PROVEN),
    Adapter("dermlip-panderm", "open_clip", CLIP_NORM, "CC-BY-NC-ND-4.0", UNPROVEN),  # the encoder is PanDerm's
    Adapter("monet", "open_clip", IMAGENET_NORM, "CC-BY-NC-SA-4.0", PROVEN, {"quickgelu": True}),
    Adapter("unimed-clip", "open_clip", CLIP_NORM, "CC-BY-NC-4.0", PROVEN, {"quickgelu": True}),
    Adapter("biomedclip", "open_clip", CLIP_NORM, "MIT", PROVEN, {"backbone": "vit_base_patch16_224"}),
    Adapter("echoclip", "open_clip", CLIP_NORM, "academic use only, no derivatives (NC-ND)", PROVEN, {"backbone": "convnext_base"}),
    Adapter("panderm", "native_beit", PANDERM_NORM, "CC-BY-NC-ND-4.0", UNPROVEN),
    Adapter("usfm", "native_beit", IMAGENET_NORM, "CC-BY-NC-4.0", UNPROVEN, {"pool": "mean"}),
    Adapter("embeddings", "stored", IMAGENET_NORM, ASK, "stored embeddings: no network is run"),
    Adapter("derm-foundation", "stored", IMAGENET_NORM, "HAI-DEF terms", "stored embeddings: no network is run"),
    Adapter("ensemble", "ensemble", IMAGENET_NORM, ASK, "as its members"),
)
OPTIONS = frozenset({"heads", "backbone", "pool", "quickgelu", "random", "licence", "names"})


def licence_warning(name: str, licence: str, *, commercial: bool = False) -> str | None:
    """The line for the card when a teacher's terms bind its student, None when they do not.

    Raises InputRefused under `commercial` for non-commercial, no-derivatives, or unknown terms.
    """
    terms = licence.upper().replace("-", " ").replace(";", " ").replace("(", " ").replace(")", " ").replace(",", " ").split()
    unknown = ASK.upper().split()[0] in terms
    binding = [word for word in ("NC", "ND") if word in terms]
    if not binding and not unknown:
        return None
    if commercial:
        raise InputRefused(
            f"teacher {name}: licence {licence!r} does not allow a commercial student",
            do="take a teacher with permissive terms, or state them in the option licence",
        )
    if unknown:
        return f"teacher {name}: its licence is not stated; the student inherits its terms, whatever they are"
    said = {"NC": "non-commercial use only", "ND": "derivatives may not be passed on"}
    return f"teacher {name} is {licence}: {' and '.join(said[w] for w in binding)}; the student inherits this"


class EnsembleTeacher:
    """Features of all members side by side; a member of another size sees the picture resampled (bilinear, antialias)."""

    def __init__(self, members: tuple[Teacher, ...], size: tuple[int, int]) -> None:
        self.members, self.size = members, size
        ids = [m.identity for m in members]
        self.identity = TeacherIdentity(
            name="+".join(i.name for i in ids),
            source="; ".join(i.source for i in ids),
            sha256="+".join(i.sha256 for i in ids),
            licence="; ".join(dict.fromkeys(i.licence for i in ids)),
            proof="; ".join(dict.fromkeys(i.proof for i in ids)),
            matched=sum(i.matched for i in ids),
            left_over=sum(i.left_over for i in ids),
        )

    def features(self, x: Tensor) -> Tensor:
        check_pixels(x, self.size, self.identity.name)
        return torch.cat([m.features(_resampled(x, m.size)).cpu() for m in self.members], 1)


def _resampled(x: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(x.shape[1:3]) == size:
        return x
    y = functional.interpolate(x.permute(0, 3, 1, 2).float(), size=size, mode="bilinear", antialias=True, align_corners=False)
    return y.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def open_adapter(spec: TeacherSpec) -> Teacher:
    """See `teacher.open_teacher`. Raises UsageError for an unknown adapter or option, InputRefused for a file."""
    row = next((a for a in ADAPTERS if a.name == spec.adapter), None)
    if row is None:
        raise UsageError(f"no teacher adapter {spec.adapter!r}", do=f"there are {', '.join(a.name for a in ADAPTERS)}")
    if unknown := sorted(set(spec.options) - OPTIONS):
        raise UsageError(f"teacher option {unknown[0]!r} is unknown", do=f"there are {', '.join(sorted(OPTIONS))}")
    spec = structs.replace(spec, options={**row.options, **spec.options})
    size = (spec.height_px, spec.width_px)
    licence = str(spec.options.get("licence", row.licence))
    if row.layout == "ensemble":
        if not spec.members:
            raise UsageError("an ensemble without members", do="name its members")
        return EnsembleTeacher(tuple(open_adapter(m) for m in spec.members), size)
    if row.layout == "stored":
        return StoredTeacher(spec, licence=licence, proof=row.proof)
    loaded = LAYOUTS[row.layout](spec, row.norm)
    name = spec.source if row.layout == "timm" and "backbone" not in spec.options else f"{row.name}:{Path(spec.source).name}"
    proof = row.proof if loaded.sha256 != "random" else "random weights: for tests alone"
    identity = TeacherIdentity(
        name=name,
        source=spec.source,
        sha256=loaded.sha256,
        licence=licence,
        proof=proof,
        matched=loaded.matched,
        left_over=loaded.left_over,
    )
    return NetworkTeacher(loaded.tower, identity, size)
