"""A recipe: everything that decides how one model is made, as one TOML file parsed into frozen types."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from edge.bundle.manifest import Aggregation, InputSpec, Label
from edge.errors import InputRefused

__all__ = [
    "RECIPES",
    "Adapted",
    "Augment",
    "Data",
    "Distil",
    "Duplicates",
    "Exposure",
    "Identity",
    "Member",
    "Quantize",
    "Recipe",
    "Source",
    "Teacher",
    "Train",
    "Unlabelled",
    "read_recipe",
]

RECIPES = Path(__file__).parent / "recipes"  # ours
THREE = 3  # classes: with two, dkd has no other classes to speak of, and a z-score keeps the label alone


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Duplicates(_Strict, frozen=True, kw_only=True):
    """Pictures of one thing under two groups: they count as one group, and stand on one side of the split.

    column: of the label table; rows with the same value are one cluster. pairs: a CSV whose columns `a` and `b` name pictures as the
    label table does (`sonoderm export duplicates` writes one). across: what becomes of a cluster whose rows the folds put on two
    sides: the run stops, or the rows on the less guarded side are left out (train first, then dev). alike_at: correlation of small
    grey copies from which two pictures on two sides stop the run; None: nobody looks.
    """

    column: str = ""
    pairs: str = ""
    across: Literal["refuse", "set aside"] = "refuse"
    alike_at: Annotated[float, Meta(gt=0.5, le=1.0)] | None = None


class Unlabelled(_Strict, frozen=True, kw_only=True):
    """Frames that the teacher alone speaks of. source: a CSV with `image`, `group_column` and perhaps `frame`, or a folder of pictures,
    DICOM files and clips. most: of them for each labelled picture.
    """

    source: str
    group_column: str = "group"
    most: Annotated[float, Meta(gt=0, le=10)] = 1.0


class Data(_Strict, frozen=True, kw_only=True):
    """Which rows of a label table go where. Paths are relative to the data root; folds are values of `fold_column`.

    labels: a CSV with `image` and, where a row is a frame of a DICOM cine or of a clip, `frame` (from 0); or a folder with a folder
    of each class in it, whose folds 0 to 4 are drawn by patient (`export.data.folder`).
    masks: where the lesion mask of a picture lies, e.g. "busbra/masks/{stem}.png"; for training alone.

    A tenth of the train groups, by hash of the group and `seed`, is `choice`: early stop and every other choice.
    """

    labels: str
    label_column: str = "label"
    group_column: str
    fold_column: str = "fold"
    train_folds: tuple[str, ...]
    dev_folds: tuple[str, ...]
    report_folds: tuple[str, ...]
    seed: int = 1
    masks: str = ""
    cite: tuple[str, ...]
    # UNSET is left out of the JSON that checkpoints are keyed by: what was trained before these fields existed stays valid.
    duplicates: Duplicates | msgspec.UnsetType = msgspec.UNSET
    unlabelled: Unlabelled | msgspec.UnsetType = msgspec.UNSET


class Augment(_Strict, frozen=True, kw_only=True):
    """Ranges of random change. rotate_deg: +-; scale: low, high; shift: +- share of the side; gain, saturation: +- share."""

    rotate_deg: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    shift: float = 0.0
    flip_x: bool = True
    flip_y: bool = False
    gain: float = 0.1
    offset: float = 10.0
    gamma: float = 0.2
    channel_gain: float = 0.0
    saturation: float = 0.0
    blur_p: float = 0.1
    noise: float = 0.0
    speckle: float = 0.0


class Train(_Strict, frozen=True, kw_only=True):
    """backbone: a timm name. grey: the student sees luma alone. minutes_two_cores: what the run takes (stated, not enforced).

    mixup: alpha of the Beta that two pictures are mixed by, 0: none; off for the last tenth of the steps.
    mask_weight: weight of the training-only lesion-mask head (Hybrid-MT-ESTAN, arXiv 2308.02101).
    """

    backbone: str = "tf_efficientnet_lite0"
    grey: bool = False
    epochs: Annotated[int, Meta(ge=1)]
    batch: int = 64
    lr: float = 1e-3
    weight_decay: float = 0.05
    ema: float = 0.998
    drop: float = 0.2
    mixup: float = 0.0
    mask_weight: float = 0.0
    freeze_norm: bool = False  # BatchNorm keeps its statistics: for tiny batches and for several processes
    sampler_power: float = 0.5  # 0: as found, 1: every class equally often
    seed: int = 1
    minutes_two_cores: float


class Member(_Strict, frozen=True, kw_only=True, tag_field="made", tag="trained"):
    """One network of the teacher's ensemble, fine-tuned like a student but at its own size."""

    backbone: str
    width_px: int
    height_px: int
    epochs: Annotated[int, Meta(ge=1)]
    batch: int = 32
    lr: float = 5e-4


class Adapted(_Strict, frozen=True, kw_only=True, tag_field="made", tag="adapted"):
    """One network of the teacher's ensemble that comes from a checkpoint and learns the task by a probe, and by what else is named.

    adapter, options: a row of `export.teach.table.ADAPTERS` and what it asks for. file: the checkpoint or its folder, relative to the
    data root. ranks: low-rank tunings that are tried beside the probe, 0: all weights; the tenth kept for choices decides.
    """

    adapter: str
    file: str
    width_px: Annotated[int, Meta(ge=16, le=2048)]
    height_px: Annotated[int, Meta(ge=16, le=2048)]
    options: dict[str, str | int | float | bool] = {}
    ranks: tuple[Annotated[int, Meta(ge=0)], ...] = (8,)
    epochs: Annotated[int, Meta(ge=1)] = 5
    batch: int = 32
    lr: float = 5e-4
    l2: float = 1e-3


class Teacher(_Strict, frozen=True, kw_only=True):
    """members: their mean probabilities teach. minutes_two_cores: what training all of them takes (stated, not enforced)."""

    members: Annotated[tuple[Member | Adapted, ...], Meta(min_length=1)]
    minutes_two_cores: float


class Distil(_Strict, frozen=True, kw_only=True):
    """How a teacher is followed. crops: fixed views of each picture that it is asked about once. labels, kl, embedding: weights.

    method: the distance that `kl` weighs (`export.distil.follow`); dkd and standardised need three classes. target_class,
    other_classes: alpha and beta of dkd. artefacts: what is painted over the student's copy of a crop, which the teacher saw
    clean (`export.distil.artefacts`); "": nothing.
    """

    crops: Annotated[int, Meta(ge=1)] = 8
    temperature: float = 2.0
    labels: float = 0.5
    kl: float = 1.0
    embedding: float = 1.0
    method: Literal["kl", "dkd", "standardised"] = "kl"
    target_class: float = 1.0
    other_classes: float = 2.0
    artefacts: Literal["", "skin", "ultrasound"] = ""


class Exposure(_Strict, frozen=True, kw_only=True):
    """What the scope gate learns from, in pictures. false_alarm: share of in-domain `dev` that it may refuse.

    blurred: own train pictures that are shown to it once more, blurred, and as many of what is foreign: a blur is no stranger.
    tinted: own train pictures of a grey scanner, in one hue; overlaid: the same under color flow, power or elastography, foreign.
    bank: whether the distance to the nearest train pictures counts too; False: the gate alone tells (`calibrate scope` compares).
    """

    false_alarm: float = 0.02
    rendered: int = 1500  # dead leaves, screens, noise …
    phantoms: int = 240  # 0 for a model that is made for phantoms
    bent: int = 0  # own train pictures, bent into the sector of a curved probe
    blurred: Annotated[int, Meta(ge=0)] = 600
    tinted: Annotated[int, Meta(ge=0)] = 0
    overlaid: Annotated[int, Meta(ge=0)] = 0
    bank: bool = True
    foreign: int = 1000  # train pictures of each data set in foreign_from
    foreign_from: tuple[str, ...] = ()  # recipes; their licence is inherited by the gate's weights


class Quantize(_Strict, frozen=True, kw_only=True):
    """pictures: of train, classes alike, that ranges and rounding come from.

    float_first: convolutions at the input that stay in float: they are few and large, and much of the error is theirs.
    float_most: largest share of all MACs that may stay in float, when the search adds the most sensitive layers.
    searched: pictures of the tenth kept for choices, with their augmentations, that the search asks.
    qat_epochs, qat_lr: quantization-aware fine-tuning, which follows where the search does not find what it wants; 0: never.
    """

    pictures: Annotated[int, Meta(ge=8)] = 256
    float_first: Annotated[int, Meta(ge=0)] = 3
    float_most: Annotated[float, Meta(ge=0, le=1)] = 0.2
    searched: Annotated[int, Meta(ge=1)] = 1200
    qat_epochs: Annotated[int, Meta(ge=0)] = 3
    qat_lr: Annotated[float, Meta(gt=0)] = 5e-5


class Identity(_Strict, frozen=True, kw_only=True):
    name: str
    version: str
    security_counter: int
    modality: Literal["dermoscopy", "ultrasound", "other"]
    licence: str
    licence_note: str
    intended_use: str
    rendered_only: bool = False


class Recipe(_Strict, frozen=True, kw_only=True):
    model: Identity
    labels: tuple[Label, ...]
    input: InputSpec
    data: Data | None = None  # None: pictures are rendered (phantom)
    augment: Augment
    train: Train
    teacher: Teacher | None = None
    distil: Distil = Distil()
    aggregation: Aggregation = Aggregation()
    set_coverage: float = 0.9  # 1 - alpha of the class-conditional prediction set on `dev`
    scope: Exposure = Exposure()
    quantize: Quantize = Quantize()

    def __post_init__(self) -> None:
        if self.distil.method != "kl" and len(self.labels) < THREE:
            raise ValueError(f"distil.method {self.distil.method!r} breaks down with {len(self.labels)} classes: take 'kl'")
        if self.data is not None and self.data.unlabelled:
            if self.teacher is None:
                raise ValueError("data.unlabelled: frames without labels need a teacher that speaks of them")
            if self.train.mask_weight:
                raise ValueError("data.unlabelled: frames without masks beside train.mask_weight: set it to 0")


@dataclass(frozen=True, slots=True)
class Source:
    """What provenance says of a recipe's file. name: of ours from the repository's root, of another's without its folder.

    sha256: hex, of the file and of the one that it is like.
    """

    name: str
    sha256: str


def _tell_members_apart(table: dict[str, Any]) -> dict[str, Any]:
    """A member that names an adapter is an Adapted one: the file needs no word of its own for that."""
    teacher = table.get("teacher")
    members = teacher.get("members") if isinstance(teacher, dict) else None
    for member in members if isinstance(members, list) else ():
        if isinstance(member, dict):
            member["made"] = "adapted" if "adapter" in member else "trained"
    return table


def _tables(path: Path) -> tuple[dict[str, Any], bytes]:
    """The tables of a recipe file and the bytes that they were read from. `like = "derm7"` takes all others from derm7.toml beside it."""
    raw = path.read_bytes()
    own = tomllib.loads(raw.decode())
    like = own.pop("like", None)
    if like is None:
        return own, raw
    if not isinstance(like, str) or not like or Path(like).name != like:
        raise ValueError(f"like = {like!r} names no recipe beside it")
    beside = (path.parent / f"{like}.toml").read_bytes()
    others = tomllib.loads(beside.decode())
    if "like" in others:
        raise ValueError(f"{like}.toml is itself like another: name that one")
    return others | own, raw + beside


def read_recipe(path: Path) -> tuple[Recipe, Source]:
    """A TOML file. Raises InputRefused."""
    try:
        tables, raw = _tables(path)
        recipe = msgspec.convert(_tell_members_apart(tables), Recipe)
    except OSError as error:
        raise InputRefused(f"{error.filename}: {error.strerror}", do="name a recipe file, e.g. export/recipes/derm7.toml") from error
    except (ValueError, msgspec.ValidationError) as error:  # the first: of the encoding, of TOML, of `like`
        raise InputRefused(f"{path}: not a recipe: {error}", do="compare it with export/recipes/derm7.toml") from error
    ours = path.resolve().parent == RECIPES.resolve()
    return recipe, Source(f"export/recipes/{path.name}" if ours else path.name, hashlib.sha256(raw).hexdigest())
