"""A proven graph -> the payload of a bundle in float: manifest, card, golden frames and their outputs on the engines that are here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.backends.isa import processor_class, read_flags
from edge.backends.session import Graph
from edge.backends.table import available
from edge.bundle.manifest import Decision, Form, Label, Manifest, OperatingPoint, Outputs, Pair, Provenance, Scope
from edge.bundle.pack import build_payload
from edge.errors import BackendFault, CheckFailed, UsageError
from edge.frame import F32
from export.gate.outputs import answers
from export.own.graph import OwnGraph
from export.provenance import made_at, versions_of
from export.sbom import sbom

__all__ = ["IN_SET_AT", "NOT_CALIBRATED", "NO_SCOPE", "About", "Parts", "card_of", "own_payload", "payload_of", "read_labels"]

FORM = "fp32"
ENGINES: Final = ("onnxruntime", "openvino", "tensorrt")
TOOLS = ("sonoderm", "onnx", "onnxruntime", "openvino", "opencv-python", "numpy")
IN_SET_AT = 0.25
NO_SCOPE = "**No scope check**: the model answers whatever it is shown."
NOT_CALIBRATED = f"Not calibrated: probabilities are the model's own; a class is possible from {IN_SET_AT:g} on."
NO_FIGURES = "No figures: no labelled pictures were given, so nothing is known here of how often it is right."
MAY_DRIFT = 0.01  # of the outputs' range: nothing saturates in float, so every processor gets the same room
AGREES = 1e-3  # of the outputs' range: two float engines on one graph


@dataclass(frozen=True, slots=True)
class About:
    """What no graph says of itself."""

    name: str
    version: str
    modality: Literal["dermoscopy", "ultrasound", "other"]
    labels: tuple[Label, ...]
    licence: str
    intended_use: str
    source_sha256: str


def read_labels(text: str) -> tuple[Label, ...]:
    """code,code=Full name,… -> labels, in the model's order. Raises UsageError for fewer than two, an empty one or a double."""
    labels = []
    for part in text.split(","):
        code, _, name = (word.strip() for word in part.partition("="))
        labels.append(Label(code=code, name=name or code))
    codes = [label.code for label in labels]
    double = sorted({code for code in codes if codes.count(code) > 1})
    if double:
        raise UsageError(f"--labels names {', '.join(double)} twice", do="name each class once, in the model's order")
    if not 2 <= len(labels) <= 64 or not all(codes):
        raise UsageError("--labels needs 2 to 64 names without gaps", do="--labels benign,malignant (or code=Full name)")
    return tuple(labels)


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What is written of a graph. forms: each with its bytes. bank: int8 rows of the scope check, empty where there is none."""

    forms: tuple[tuple[Form, bytes], ...]
    pairs: tuple[Pair, ...]
    outputs: Outputs
    card: str
    scope: Scope | None = None
    bank: bytes = b""
    points: tuple[OperatingPoint, ...] = ()


def payload_of(about: About, own: OwnGraph, parts: Parts) -> bytes:
    """Raises UsageError for words that a manifest cannot hold."""
    members = {form.member: data for form, data in parts.forms}
    if parts.scope is not None and parts.scope.bank is not None:
        members[parts.scope.bank] = parts.bank
    members |= {"card.md": parts.card.encode()} | own.golden.members | {"sbom.cdx.json": sbom(TOOLS)}
    manifest = Manifest(
        name=about.name,
        version=about.version,
        modality=about.modality,
        labels=about.labels,
        input=own.spec,
        outputs=parts.outputs,
        forms=tuple(form for form, _ in parts.forms),
        pairs=parts.pairs,
        scope=parts.scope,
        operating_points=parts.points,
        golden=own.golden.entries,
        licence=about.licence,
        intended_use=about.intended_use,
        provenance=Provenance(
            recipe="sonoderm export bundle",
            weights=(f"ONNX file, sha256 {about.source_sha256}",),
            tools=versions_of(TOOLS),
            made_at=made_at(),
        ),
        card="card.md",
        members=(),
    )
    try:
        return build_payload(manifest, members)
    except (ValueError, msgspec.ValidationError) as error:
        raise UsageError(f"these words do not fit a manifest: {error}", do="check --name, --version and --labels") from error


def own_payload(about: About, own: OwnGraph) -> bytes:
    """In float, without pictures. Raises CheckFailed when no engine here runs it, UsageError for words that a manifest cannot hold."""
    form = Form(id=FORM, scheme="float32", member=f"forms/{FORM}.onnx", opset=own.opset)
    card = card_of(about, own, (), (NO_SCOPE, NO_FIGURES, NOT_CALIBRATED))
    return payload_of(about, own, Parts(((form, own.data),), _pairs(about, own), Outputs(), card))


def _pairs(about: About, own: OwnGraph) -> tuple[Pair, ...]:
    k = len(about.labels)
    graph = Graph(own.data, about.name, "0" * 64, FORM, "float32", own.opset, own.spec, Outputs(), k)
    here = {entry.engine.name for entry in available() if entry.is_here}
    decision = Decision(bias=(0.0,) * k, set_at=(IN_SET_AT,) * k)
    isa, none = (processor_class(read_flags()),), np.zeros(len(own.golden.tensors), np.int64)
    reference = answers(graph, "onnxruntime", own.golden.tensors, none).logits
    pairs = []
    tolerance = round(max(MAY_DRIFT * float(np.ptp(reference)), 1e-3), 4)
    for engine in ENGINES:
        seen = reference if engine == "onnxruntime" else _on(graph, engine, own, none) if engine in here - {"tensorrt"} else None
        if seen is None or float(np.abs(seen - reference).max()) > AGREES * max(1.0, float(np.ptp(reference))):
            pairs.append(Pair(form=FORM, engine=engine, gate="unrun", decision=decision))
            continue
        rows = tuple(tuple(round(float(v), 5) for v in row) for row in seen)
        pairs.append(
            Pair(
                form=FORM,
                engine=engine,
                gate="passed",
                isa=isa,
                decision=decision,
                golden_outputs=rows,
                tolerance=tolerance,
                tolerance_elsewhere=tolerance,
            )
        )
    return tuple(pairs)


def _on(graph: Graph, engine: str, own: OwnGraph, none: NDArray[np.int64]) -> F32 | None:
    """None where that engine does not take the graph: its pair stays unrun."""
    try:
        return answers(graph, engine, own.golden.tensors, none).logits
    except (BackendFault, CheckFailed):
        return None


def card_of(about: About, own: OwnGraph, proof: Sequence[str], limits: Sequence[str]) -> str:
    """proof: lines on what was measured. limits: what is unlike in every bundle."""
    return "\n".join(
        [
            f"# {about.name} {about.version}",
            "",
            about.intended_use,
            "",
            f"Licence of the weights: {about.licence}.",
            "",
            "## Made from an ONNX file",
            "",
            *(f"- {note}" for note in own.notes),
            "",
            *proof,
            "## Limits",
            "",
            *(f"- {limit}" for limit in limits),
            "- Not a medical device.",
            "",
        ]
    )
