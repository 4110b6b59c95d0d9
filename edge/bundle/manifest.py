"""The manifest: what a model is, what it takes, what its numbers mean. Schema 1.

Parsed once, strictly: an unknown field, a missing one or a value out of range refuses the bundle.
"""

import json
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = [
    "SCHEMA",
    "Aggregation",
    "Decision",
    "Form",
    "Golden",
    "InputSpec",
    "Label",
    "Manifest",
    "Member",
    "Name",
    "OperatingPoint",
    "Outputs",
    "Pair",
    "Provenance",
    "Scope",
    "Sha256Hex",
    "Version",
    "parse",
]

SCHEMA = 1

# \Z, not $: a dollar sign lets a line end through
Sha256Hex = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}\Z")]
Version = Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,4})\Z")]  # u8.u8.u16 of the image header
Uuid = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")]
Code = Annotated[str, Meta(min_length=1, max_length=40)]
MemberName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*\Z", max_length=120)]
Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Positive = Annotated[float, Meta(gt=0.0)]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Label(_Strict, frozen=True, kw_only=True):
    """code: short, as in tables (mel). name: as on the screen (Melanoma)."""

    code: Code
    name: Annotated[str, Meta(min_length=1, max_length=80)]


class InputSpec(_Strict, frozen=True, kw_only=True):
    """How a frame becomes the model's tensor.

    fit: crop = centre crop to the aspect of (width, height); letterbox = whole field, padded with `pad`;
    squash = stretched. grey: the three channels are made equal (ITU-R 601 luma) before the model sees them.
    field: which field-of-view detector runs first. dtype uint8 takes 0..255 as it is; a float dtype takes
    (pixel / 255 - mean) / std per channel. batch: what the graph's first dimension is fixed to.
    """

    name: str = "input"
    width_px: Annotated[int, Meta(ge=16, le=1024)]
    height_px: Annotated[int, Meta(ge=16, le=1024)]
    fit: Literal["crop", "letterbox", "squash"]
    field: Literal["dermatoscope", "ultrasound", "none"]
    grey: bool = False
    pad: Annotated[int, Meta(ge=0, le=255)] = 0
    dtype: Literal["uint8", "float32", "float16"] = "uint8"
    layout: Literal["nhwc", "nchw"] = "nhwc"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[Positive, Positive, Positive] = (1.0, 1.0, 1.0)
    batch: Annotated[int, Meta(ge=1, le=64)] = 1


class Outputs(_Strict, frozen=True, kw_only=True):
    """Names of the graph's outputs. classes: (1, K); is_probability says whether softmax is already inside.

    Optional: embedding (1, D) float32, L2-normalised; gate (1, 1), logit of the input gate, higher = in scope;
    mask (1, h, w), uncertainty (1, 1): declared for later models.
    """

    classes: str = "logits"
    is_probability: bool = False
    embedding: str | None = None
    gate: str | None = None
    mask: str | None = None
    uncertainty: str | None = None


class Form(_Strict, frozen=True, kw_only=True):
    """One file made from the model's FP32 graph. scheme: u8s8 | trt_in | float32 | float16."""

    id: Name
    scheme: Literal["u8s8", "trt_in", "float32", "float16"]
    member: MemberName
    opset: Annotated[int, Meta(ge=11, le=30)]


class Decision(_Strict, frozen=True, kw_only=True, omit_defaults=True):
    """How outputs become a label; belongs to one (form, engine).

    p = softmax(logits / temperature + bias). The prediction set holds every class with p >= set_at[class].
    out_of_scope_above: scope distance past which a picture is none of this model's business (None: no scope check).
    Left out by most bundles, and not written by them, so that readers of 0.1.0 take them: scale: factors of the log-probabilities, one a
    class, under the temperature. guard_at: for each class the p at which it is not ruled out, in place of the operating points of that
    kind (None: no such class). settled_temperature: divides the log-odds that were averaged in time. blurred_out_of_scope_above: the
    limit for a picture that is blurred; past it the picture is called out of scope, and not poor.
    """

    temperature: Positive = 1.0
    bias: tuple[float, ...]
    set_at: tuple[Probability, ...]
    out_of_scope_above: float | None = None
    scale: tuple[Positive, ...] = ()
    guard_at: tuple[Probability | None, ...] = ()
    settled_temperature: Positive = 1.0
    blurred_out_of_scope_above: float | None = None


class Pair(_Strict, frozen=True, kw_only=True):
    """One (form, engine): proven or not, and its own numbers.

    golden_outputs: for each golden frame its logits (or probabilities), in manifest order. tolerance: largest
    absolute difference that a healthy processor of the classes in `isa` showed, with margin; tolerance_elsewhere:
    the same for any other class, whose INT8 arithmetic may saturate where that of `isa` does not.
    """

    form: Name
    engine: Literal["onnxruntime", "openvino", "tensorrt"]
    gate: Literal["passed", "unrun"]
    isa: tuple[str, ...] = ()
    decision: Decision
    golden_outputs: tuple[tuple[float, ...], ...] = ()
    tolerance: Annotated[float, Meta(ge=0.0)] = 0.0
    tolerance_elsewhere: Annotated[float, Meta(ge=0.0)] = 0.0


class Golden(_Strict, frozen=True, kw_only=True):
    """A rendered frame and the tensor that preprocessing must make of it, both PNG members (tensor: RGB, exact)."""

    frame: MemberName
    tensor: MemberName
    note: str


class Scope(_Strict, frozen=True, kw_only=True):
    """Scope distance = z(kNN cosine distance to the bank) + z(-gate logit), each z by its own mean and sd (in-domain, held out).

    bank: member, n x dim int8, row-major, each row an L2-normalised embedding times 127. k: neighbours averaged.
    """

    bank: MemberName | None = None
    n: Annotated[int, Meta(ge=0, le=2000)] = 0
    dim: Annotated[int, Meta(ge=0, le=128)] = 0
    k: Annotated[int, Meta(ge=1, le=50)] = 10
    knn_mean: float = 0.0
    knn_sd: Positive = 1.0
    gate_mean: float = 0.0
    gate_sd: Positive = 1.0
    statement: str = ""


class Aggregation(_Strict, frozen=True, kw_only=True):
    """Probabilities over time -> label. All in seconds of capture time, never in frames."""

    tau_s: Positive = 0.5  # time constant of the moving average of log-odds
    settle_s: Annotated[float, Meta(ge=0.0)] = 0.25  # evidence needed before the first label
    dwell_s: Annotated[float, Meta(ge=0.0)] = 1.0  # a label stands at least so long, unless the scene changes
    switch_margin: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.1  # hysteresis: a new label must lead by this much
    clip_logit: Positive = 6.0


IN_SIGHT = "not to be missed"


class OperatingPoint(_Strict, frozen=True, kw_only=True):
    """A named threshold on one class's probability, fixed on `dev`.

    One named IN_SIGHT is obeyed on the device: a picture that reaches it gets no other label. Every other name is for readers.
    """

    name: str
    label: Code
    at_least: Probability
    measured_on: str


class Member(_Strict, frozen=True, kw_only=True):
    name: MemberName
    sha256: Sha256Hex
    size_b: Annotated[int, Meta(ge=0)]


class Provenance(_Strict, frozen=True, kw_only=True):
    """Where the weights come from. recipe: name and digest. data: citations. tools: name==version."""

    recipe: str
    recipe_sha256: Sha256Hex | None = None
    commit: str | None = None
    data: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    made_at: str  # ISO 8601, UTC


class Manifest(_Strict, frozen=True, kw_only=True):
    schema: Literal[1] = 1
    name: Name
    version: Version
    modality: Literal["dermoscopy", "ultrasound", "other"]
    labels: Annotated[tuple[Label, ...], Meta(min_length=2, max_length=64)]
    input: InputSpec
    outputs: Outputs
    forms: Annotated[tuple[Form, ...], Meta(min_length=1, max_length=8)]
    pairs: Annotated[tuple[Pair, ...], Meta(min_length=1, max_length=24)]
    scope: Scope | None = None
    aggregation: Aggregation = Aggregation()
    operating_points: tuple[OperatingPoint, ...] = ()
    golden: tuple[Golden, ...] = ()
    calibration_prevalence: tuple[Probability, ...] = ()  # of each label on the set that calibrated it
    nominal_level: Probability | None = None  # of the prediction set (1 - alpha), None when thresholds are plain
    vendor_id: Uuid | None = None  # with class_id binds the bundle to a kind of device
    class_id: Uuid | None = None
    licence: str  # SPDX expression of the weights
    licence_note: str = ""
    intended_use: str
    rendered_only: bool = False  # made for rendered phantoms: never for a patient
    provenance: Provenance
    card: MemberName | None = None  # model card, Markdown
    members: tuple[Member, ...]  # every other member of the zip, in its order

    def codes(self) -> tuple[str, ...]:
        return tuple(label.code for label in self.labels)

    def pair(self, form: str, engine: str) -> Pair | None:
        return next((p for p in self.pairs if p.form == form and p.engine == engine), None)


class _AnySchema(msgspec.Struct, frozen=True):
    schema: int = SCHEMA


def _refuse_doubles(pairs: list[tuple[str, object]]) -> None:
    """JSON leaves open which of two equal keys counts, so two readers could see two models."""
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a field stands twice")


def _check_words(manifest: Manifest) -> None:
    if any(int(part) > most for part, most in zip(manifest.version.split("."), (255, 255, 65535), strict=True)):
        raise ValueError(f"version {manifest.version} does not fit the image header (255.255.65535 at most)")
    for label in manifest.labels:
        for word in (label.code, label.name):
            if not word.isprintable() or word != word.strip():
                raise ValueError(f"labels: {word!r} has spaces at an end, or characters that no screen can show")


def _check_scope(manifest: Manifest, scope: Scope) -> None:
    if scope.bank is None:
        return
    if manifest.outputs.embedding is None:
        raise ValueError("scope: a bank of embeddings, but the model has no embedding output")
    if scope.k > scope.n:
        raise ValueError(f"scope: {scope.k} neighbours of a bank of {scope.n}")
    size_b = next((member.size_b for member in manifest.members if member.name == scope.bank), None)
    if size_b is not None and size_b != scope.n * scope.dim:
        raise ValueError(f"scope: a bank of {scope.n} x {scope.dim} bytes, but its member has {size_b}")


def parse(data: bytes) -> Manifest:
    """UTF-8 JSON -> Manifest. Raises ValueError: msgspec's own with the path of the fault, ours for faults between fields."""
    try:
        schema = msgspec.json.decode(data, type=_AnySchema).schema
        if schema > SCHEMA:
            raise ValueError(f"schema {schema} is of a newer sonoderm; this one reads schema {SCHEMA}")
        manifest = msgspec.json.decode(data, type=Manifest)
        json.loads(data, object_pairs_hook=_refuse_doubles)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    _check_words(manifest)
    k = len(manifest.labels)
    if len(set(manifest.codes())) != k:
        raise ValueError("labels: a code stands twice")
    forms = {form.id for form in manifest.forms}
    if len(forms) != len(manifest.forms):
        raise ValueError("forms: an id stands twice")
    if len({(p.form, p.engine) for p in manifest.pairs}) != len(manifest.pairs):
        raise ValueError("pairs: a (form, engine) stands twice")
    for pair in manifest.pairs:
        at = f"pairs: ({pair.form}, {pair.engine})"
        if pair.form not in forms:
            raise ValueError(f"{at} names no form of this bundle")
        if len(pair.decision.bias) != k or len(pair.decision.set_at) != k:
            raise ValueError(f"{at} has bias or set thresholds for another number of labels than {k}")
        if len(pair.decision.scale) not in {0, k} or len(pair.decision.guard_at) not in {0, k}:
            raise ValueError(f"{at} has scale or guard_at for another number of labels than {k}")
        if pair.gate == "passed" and not manifest.golden:
            raise ValueError(f"{at} says passed, but the bundle has no golden frame to prove it with")
        if pair.gate == "passed" and len(pair.golden_outputs) != len(manifest.golden):
            raise ValueError(f"{at} has golden outputs for {len(pair.golden_outputs)} of {len(manifest.golden)} golden frames")
        if any(len(row) != k for row in pair.golden_outputs):
            raise ValueError(f"{at} has golden outputs of another length than {k}")
        limits = (pair.decision.out_of_scope_above, pair.decision.blurred_out_of_scope_above)
        if any(limit is not None for limit in limits) and manifest.scope is None:
            raise ValueError(f"{at} has a scope threshold, but the bundle has no scope data")
    if manifest.calibration_prevalence and len(manifest.calibration_prevalence) != k:
        raise ValueError("calibration_prevalence has another length than labels")
    names = [member.name for member in manifest.members]
    if len(set(names)) != len(names):
        raise ValueError("members: a name stands twice")
    wanted = [form.member for form in manifest.forms]
    wanted += [name for golden in manifest.golden for name in (golden.frame, golden.tensor)]
    wanted += [name for name in (manifest.card, manifest.scope.bank if manifest.scope else None) if name]
    for name in wanted:
        if name not in names:
            raise ValueError(f"members: {name} is named, but not listed")
    if manifest.scope is not None:
        _check_scope(manifest, manifest.scope)
    if (manifest.vendor_id is None) != (manifest.class_id is None):
        raise ValueError("vendor_id and class_id bind a bundle together: one is missing")
    for point in manifest.operating_points:
        if point.label not in manifest.codes():
            raise ValueError(f"operating_points: {point.label} is no label")
    return manifest
