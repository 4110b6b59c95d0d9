"""With the owner's pictures a graph is quantized, held against itself in FP32, and given a bank that knows what is in scope."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from edge.bundle.manifest import Form, Outputs
from edge.errors import InputRefused
from edge.frame import U8
from export.card import gate_lines
from export.gate.frames import GateFrames, gate_frames
from export.gate.pairs import INT8_PAIRS, Gated, Reference, calibrate_pairs
from export.gate.subject import Subject
from export.own.bundle import IN_SET_AT, NO_SCOPE, NOT_CALIBRATED, About, Parts, card_of
from export.own.embedding import Embedded, embed
from export.own.graph import OwnGraph
from export.own.shown import Shown
from export.pictures import Sided
from export.quantize.make import make_forms
from export.quantize.sensitivity import run_logits
from export.recipe import Augment, Quantize
from export.scope.blur import blurred
from export.scope.heads import choose_bank
from export.work import SCHEMES, Say

__all__ = ["proven_parts"]

OLDEST_INT8 = 13  # Q/DQ has one scale for each channel since then
CHANGES = Augment(flip_x=False, blur_p=0.2)  # no mirror: of another's classes we do not know that they survive it
COVERAGE, FALSE_ALARM = 0.9, 0.02
FEWEST_TO_CALIBRATE = 20  # pictures of each class in either half of what proves
SEED = 1
HOW = Quantize()


def proven_parts(about: About, own: OwnGraph, shown: Shown, say: Say) -> Parts:
    """Raises InputRefused for a graph that INT8 cannot take, CheckFailed when a form misses the gate: no bundle is written then."""
    _refuse_what_int8_cannot(own)
    model = onnx.load_model_from_string(own.data)
    embedded = embed(model, shown.measure.pixels)
    say("no features before the last layer were found: no scope check" if embedded is None else f"scope: {_sizes(embedded)}")
    fit, conformal = _halves(shown.prove)
    calibrated = shown.labelled and all(_enough(half, len(about.labels)) for half in (fit, conformal))
    with tempfile.TemporaryDirectory(prefix="sonoderm-") as name:
        folder = Path(name)
        graph, files = folder / "float.onnx", {form: folder / f"{form}.onnx" for form in SCHEMES}
        onnx.save(embedded.model if embedded else model, graph)
        asked = gate_frames(shown.measure, shown.measure.first(0), CHANGES, reflect=True, frames=HOW.searched).pixels
        targets = {scheme: files[form] for form, scheme in SCHEMES.items()}
        forms = make_forms(graph, targets, _spread(shown.measure, HOW.pictures), asked, HOW, folder, say)
        subject = Subject(
            labels=about.labels,
            input=own.spec,
            outputs=Outputs(embedding="embedding" if embedded else None),
            opset=own.opset,
            forms=SCHEMES,
            files=files,
            pairs=INT8_PAIRS,
            coverage=COVERAGE,
            false_alarm=FALSE_ALARM,
            folder=folder,
            say=say,
            calibrated=calibrated,
            plain_at=IN_SET_AT,
        )
        against = _against(graph, fit, conformal, shown.labelled, forms.worst_layer)
        groups, labels = shown.measure.groups, shown.measure.labels
        bank = choose_bank(embedded.rows, labels, groups, SEED) if embedded else None
        numbers = calibrate_pairs(subject, bank, against)
        written = tuple(
            (Form(id=form, scheme=scheme, member=f"forms/{form}.onnx", opset=own.opset), files[form].read_bytes())  # type: ignore[arg-type]
            for form, scheme in SCHEMES.items()
        )
    card = _card(about, own, numbers.gated, shown, calibrated=calibrated, scoped=embedded is not None)
    bank_bytes = b"" if bank is None else bank.tobytes()
    return Parts(written, numbers.pairs, subject.outputs, card, numbers.scope, bank_bytes, numbers.points)


def _refuse_what_int8_cannot(own: OwnGraph) -> None:
    if own.opset < OLDEST_INT8:
        raise InputRefused(
            f"the model is opset {own.opset}, and INT8 needs {OLDEST_INT8}", do="export it with opset 18, or leave --pictures out"
        )
    if not any(node.op_type == "Conv" for node in onnx.load_model_from_string(own.data).graph.node):
        raise InputRefused("the model has no convolution to make INT8 of", do="leave --pictures out: it stays in float")


def _sizes(embedded: Embedded) -> str:
    return f"a bank of {embedded.rows.shape[1]} numbers for each picture"


def _spread(side: Sided, n: int) -> U8:
    return np.asarray(side.pixels[:: max(1, len(side.pixels) // n)][:n])


def _halves(side: Sided) -> tuple[Sided, Sided]:
    """By group, in the order of their names: one after the other."""
    place = {group: i for i, group in enumerate(sorted(set(side.groups)))}
    odd = np.array([place[group] % 2 for group in side.groups], np.bool_)
    return _chosen(side, np.flatnonzero(~odd).astype(np.int64)), _chosen(side, np.flatnonzero(odd).astype(np.int64))


def _chosen(side: Sided, which: NDArray[np.int64]) -> Sided:
    return Sided(side.pixels[which], side.labels[which], [side.groups[i] for i in which])


def _enough(side: Sided, k: int) -> bool:
    return bool((np.bincount(side.labels, minlength=k) >= FEWEST_TO_CALIBRATE).all())


def _against(graph: Path, fit: Sided, conformal: Sided, labelled: bool, worst_layer: str) -> Reference:
    """Without labels FP32's word is the truth: what INT8 loses is then what it says differently, class by class."""
    frames = gate_frames(fit, conformal, CHANGES, reflect=True)
    logits = run_logits(graph, frames.pixels)
    if not labelled:
        frames = GateFrames(frames.pixels, logits.argmax(1), frames.groups, frames.fit, frames.dev)
    return Reference(frames, logits, blurred(fit.pixels, len(fit.labels), SEED), (), worst_layer)


def _card(about: About, own: OwnGraph, gated: Sequence[Gated], shown: Shown, *, calibrated: bool, scoped: bool) -> str:
    told = "their folders are their labels" if shown.labelled else "without labels: what FP32 says of them is taken as the truth"
    n, m = len(shown.measure.labels), len(shown.prove.labels)
    proof = [f"Quantized with {n} pictures of the owner, proven with {m} others ({told}).", "", *gate_lines(gated)]
    scope = "The scope check knows the owner's pictures; it is no test for unknown diseases." if scoped else NO_SCOPE
    sure = "Calibrated on the owner's pictures: no estimate of what a new patient gets." if calibrated else NOT_CALIBRATED
    return card_of(about, own, proof, (scope, sure))
