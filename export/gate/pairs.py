"""The numbers of every (form, engine), fitted on dev through the device's own session, and the gate that a form must pass there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.backends.isa import processor_class, read_flags
from edge.backends.table import available
from edge.bundle.manifest import Decision, OperatingPoint, Pair, Scope
from edge.classify import prediction_set, read_bank, set_verdict
from edge.errors import CheckFailed
from edge.frame import F32, U8
from edge.reading import State
from export.data.subgroups import Subgroups
from export.gate.decision import EngineOutputs, ScopeRuler, fit_decision, fit_scope, probabilities_of, with_blurred_limit
from export.gate.figures import PairFigures, Subgroup, auc_and_ece, worst_subgroup
from export.gate.frames import GateFrames
from export.gate.outputs import answers
from export.gate.paired import Comparison, compare, refuse
from export.gate.points import guards_among, operating_points
from export.gate.subject import Subject
from export.gate.tolerance import measured_tolerance
from export.golden import GoldenSet, golden_set

__all__ = ["BANK", "INT8_PAIRS", "RECALL_NAMED", "Gated", "Numbers", "Reference", "calibrate_pairs"]

BANK = "scope/bank.i8"
KNN = 10
# trt-in on ONNX Runtime would run in float kernels, several times slower: left out. TensorRT needs a board: unrun.
INT8_PAIRS = (("u8s8", "onnxruntime"), ("u8s8", "openvino"), ("trt-in", "openvino"), ("trt-in", "tensorrt"))
RUN_HERE = ("onnxruntime", "openvino")
RECALL_NAMED = ("mel", "bcc", "akiec", "malignant")  # none may be recalled significantly less often than in FP32


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What INT8 is held against. float_logits: (n, k) of the FP32 graph on `frames`. subgroups: of the rows of dev.
    blurred: pictures of the fit half of dev, blurred (m, h, w, 3) uint8: how far they lie decides what a stranger is when nothing is sharp.

    worst_layer: of the sensitivity scan, for the words of a refusal.
    """

    frames: GateFrames
    float_logits: F32
    blurred: U8
    subgroups: tuple[Subgroups, ...]
    worst_layer: str


@dataclass(frozen=True, slots=True, eq=False)
class Gated:
    """What the gate found of one pair. said: (n,) its largest logit on dev, without calibration."""

    figures: PairFigures
    comparison: Comparison
    said: NDArray[np.int64]
    worst: Subgroup | None


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """What `assemble` writes into the manifest and the card."""

    pairs: tuple[Pair, ...]
    gated: tuple[Gated, ...]
    scope: Scope | None
    points: tuple[OperatingPoint, ...]
    golden: GoldenSet


def calibrate_pairs(subject: Subject, bank_rows: NDArray[np.int8] | None, against: Reference) -> Numbers:
    """bank_rows: (n, d); None: the input gate alone tells what is foreign, and nothing does where a graph has none.

    Raises CheckFailed when a form misses the gate: no later step runs then.
    """
    golden, frames = golden_set(subject.input), against.frames
    bank = None if bank_rows is None else read_bank(bank_rows.tobytes(), Scope(bank=BANK, n=len(bank_rows), dim=bank_rows.shape[1], k=KNN))
    here = {found.engine.name for found in available() if found.is_here} & set(RUN_HERE)
    pairs: list[Pair] = []
    gated: list[Gated] = []
    scope: Scope | None = None
    points: tuple[OperatingPoint, ...] = ()
    for form, engine in subject.pairs:
        if engine not in here:
            pairs.append(Pair(form=form, engine=engine, gate="unrun", decision=_stand_in(pairs, form)))  # type: ignore[arg-type]
            continue
        subject.say(f"gate: {form} on {engine}, {len(frames.labels)} frames")
        graph = subject.graph(form)
        every = answers(graph, engine, frames.pixels, frames.labels)
        fit, conformal = every.part(0, frames.fit), every.part(frames.fit, frames.dev)
        if scope is None and (
            bank is not None or subject.outputs.gate is not None
        ):  # one mean and spread for the bundle; the threshold is each pair's own
            scope = fit_scope(fit, bank, KNN, BANK)
        ruler = None if scope is None else ScopeRuler(scope, bank)
        decision = _decision(subject, fit, conformal, frames.groups[: frames.dev], ruler)
        if ruler is not None and len(against.blurred):
            blurred = answers(graph, engine, against.blurred, np.zeros(len(against.blurred), np.int64))
            decision = with_blurred_limit(decision, ruler.distances(blurred), subject.false_alarm)
        points = points or (operating_points(subject.labels, fit, decision) if subject.calibrated else ())
        inside = np.ones(frames.dev, np.bool_)
        if ruler is not None:
            inside = ruler.distances(every.part(0, frames.dev)) <= (decision.out_of_scope_above or np.inf)
        gated.append(_gate(subject, (form, engine), every, decision, points, inside, against))
        seen = answers(graph, engine, golden.tensors, np.zeros(len(golden.tensors), np.int64)).logits
        tolerance = measured_tolerance(subject.files[form], engine, golden.tensors, subject.folder)
        pairs.append(
            Pair(
                form=form,
                engine=engine,  # type: ignore[arg-type]
                gate="passed",
                isa=(processor_class(read_flags()),),
                decision=decision,
                golden_outputs=tuple(tuple(round(float(v), 5) for v in row) for row in seen),
                tolerance=tolerance.here,
                tolerance_elsewhere=tolerance.elsewhere,
            )
        )
    if not gated:
        raise CheckFailed("no engine is installed that could prove a form", do="pip install 'sonoderm[export,openvino]'")
    return Numbers(tuple(pairs), tuple(gated), scope, points, golden)


def _stand_in(pairs: list[Pair], form: str) -> Decision:
    """Numbers of the same form on another engine, else of any: they hold until a board has proven its own."""
    twins = [pair for pair in pairs if pair.form == form] or pairs
    return twins[-1].decision


def _decision(subject: Subject, fit: EngineOutputs, conformal: EngineOutputs, groups: list[str], ruler: ScopeRuler | None) -> Decision:
    if subject.calibrated and ruler is not None:
        levels = {"coverage": subject.coverage, "false_alarm": subject.false_alarm}
        return fit_decision(fit, conformal, ruler, groups=groups, **levels)
    k = len(subject.labels)
    above = None if ruler is None else round(float(np.quantile(ruler.distances(fit), 1 - subject.false_alarm)), 4)
    return Decision(bias=(0.0,) * k, set_at=(subject.plain_at,) * k, out_of_scope_above=above)


def _gate(
    subject: Subject,
    pair: tuple[str, str],
    every: EngineOutputs,
    decision: Decision,
    points: tuple[OperatingPoint, ...],
    inside: NDArray[np.bool_],
    against: Reference,
) -> Gated:
    """The pair held against FP32, both through the pair's own temperature and bias. inside: (dev,). Raises CheckFailed."""
    frames = against.frames
    as_float = EngineOutputs(against.float_logits, every.embedding, every.gate, every.labels)
    p, p_float = (probabilities_of(outputs, decision) for outputs in (every, as_float))
    found = compare(p_float.argmax(1), p.argmax(1), frames.labels, frames.groups, subject.codes)
    guards = guards_among(subject.labels, points)
    own = p[: frames.dev]
    ready = np.array([set_verdict(row, prediction_set(row, decision.set_at), guards).state is State.READY for row in own])
    auc, ece = auc_and_ece(own, frames.labels[: frames.dev])
    auc_float, _ = auc_and_ece(p_float[: frames.dev], frames.labels[: frames.dev])
    figures = PairFigures(
        *pair,
        frames=found.frames,
        n=frames.dev,
        agreement=found.agreement,
        balanced_accuracy=found.balanced,
        balanced_accuracy_float=found.balanced_float,
        loss_upper=found.loss_upper,
        auc=auc,
        auc_float=auc_float,
        ece=ece,
        ready=float((ready & inside).mean()),
    )
    subject.say(f"  {figures}")
    refuse(*pair, found, RECALL_NAMED, against.worst_layer)
    worst = worst_subgroup(against.subgroups, frames.labels[: frames.dev], p_float.argmax(1)[: frames.dev], own.argmax(1))
    return Gated(figures, found, every.logits[: frames.dev].argmax(1), worst)
