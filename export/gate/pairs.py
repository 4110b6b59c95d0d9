"""The numbers of every (form, engine), fitted on dev through the device's own session, and the gate that a form must pass there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.backends.isa import processor_class, read_flags
from edge.backends.session import Graph
from edge.backends.table import available
from edge.bundle.manifest import Decision, OperatingPoint, Outputs, Pair, Scope
from edge.classify import prediction_set, read_bank, set_verdict
from edge.errors import CheckFailed
from edge.frame import F32
from edge.reading import State
from export.data.subgroups import Subgroups
from export.distil.deployed import OPSET
from export.gate.decision import EngineOutputs, distances, fit_decision, fit_scope, probabilities_of
from export.gate.figures import PairFigures, Subgroup, auc_and_ece, worst_subgroup
from export.gate.frames import GateFrames
from export.gate.outputs import answers
from export.gate.paired import Comparison, compare, refuse
from export.gate.points import guards_among, operating_points
from export.gate.tolerance import measured_tolerance
from export.golden import GoldenSet, golden_set
from export.work import SCHEMES, Work

__all__ = ["BANK", "OUTPUTS", "RECALL_NAMED", "Gated", "Numbers", "Reference", "calibrate_pairs"]

BANK = "scope/bank.i8"
OUTPUTS = Outputs(classes="logits", embedding="embedding", gate="gate")
KNN = 10
# trt-in on ONNX Runtime would run in float kernels, several times slower: left out. TensorRT needs a board: unrun.
PAIRS = (("u8s8", "onnxruntime"), ("u8s8", "openvino"), ("trt-in", "openvino"), ("trt-in", "tensorrt"))
RUN_HERE = ("onnxruntime", "openvino")
RECALL_NAMED = ("mel", "bcc", "akiec", "malignant")  # none may be recalled significantly less often than in FP32


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What INT8 is held against. float_logits: (n, k) of the FP32 graph on `frames`. subgroups: of the rows of dev.

    worst_layer: of the sensitivity scan, for the words of a refusal.
    """

    frames: GateFrames
    float_logits: F32
    subgroups: tuple[Subgroups, ...]
    worst_layer: str


@dataclass(frozen=True, slots=True)
class Gated:
    """What the gate found of one pair."""

    figures: PairFigures
    comparison: Comparison
    worst: Subgroup | None


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """What `assemble` writes into the manifest and the card."""

    pairs: tuple[Pair, ...]
    gated: tuple[Gated, ...]
    scope: Scope
    points: tuple[OperatingPoint, ...]
    golden: GoldenSet


def _graph(work: Work, form: str) -> Graph:
    path = work.form(form)
    return Graph(path.read_bytes(), path.name, "0" * 64, form, SCHEMES[form], OPSET, work.recipe.input, OUTPUTS, len(work.recipe.labels))


def calibrate_pairs(work: Work, bank_rows: NDArray[np.int8], against: Reference) -> Numbers:
    """Raises CheckFailed when a form misses the gate: no later step runs then."""
    recipe, golden, frames = work.recipe, golden_set(work.recipe.input), against.frames
    bank = read_bank(bank_rows.tobytes(), Scope(bank=BANK, n=bank_rows.shape[0], dim=bank_rows.shape[1], k=KNN))
    here = {found.engine.name for found in available() if found.is_here} & set(RUN_HERE)
    pairs: list[Pair] = []
    gated: list[Gated] = []
    scope: Scope | None = None
    points: tuple[OperatingPoint, ...] = ()
    for form, engine in PAIRS:
        if engine not in here:
            pairs.append(Pair(form=form, engine=engine, gate="unrun", decision=_stand_in(pairs, form)))  # type: ignore[arg-type]
            continue
        work.say(f"gate: {form} on {engine}, {len(frames.labels)} frames")
        graph = _graph(work, form)
        every = answers(graph, engine, frames.pixels, frames.labels)
        fit, conformal = every.part(0, frames.fit), every.part(frames.fit, frames.dev)
        if scope is None:  # one mean and spread for the bundle; the threshold is each pair's own
            scope = fit_scope(fit, bank, KNN, BANK)
        decision = fit_decision(fit, conformal, scope, bank, coverage=recipe.set_coverage, false_alarm=recipe.scope.false_alarm)
        points = points or operating_points(recipe.labels, fit, decision)
        inside = distances(every.part(0, frames.dev), scope, bank) <= (decision.out_of_scope_above or np.inf)
        gated.append(_gate(work, (form, engine), every, decision, points, inside, against))
        seen = answers(graph, engine, golden.tensors, np.zeros(len(golden.tensors), np.int64)).logits
        tolerance = measured_tolerance(work.form(form), engine, golden.tensors, work.folder)
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
    if scope is None:
        raise CheckFailed("no engine is installed that could prove a form", do="pip install 'sonoderm[export,openvino]'")
    return Numbers(tuple(pairs), tuple(gated), scope, points, golden)


def _stand_in(pairs: list[Pair], form: str) -> Decision:
    """Numbers of the same form on another engine, else of any: they hold until a board has proven its own."""
    twins = [pair for pair in pairs if pair.form == form] or pairs
    return twins[-1].decision


def _gate(
    work: Work,
    pair: tuple[str, str],
    every: EngineOutputs,
    decision: Decision,
    points: tuple[OperatingPoint, ...],
    inside: NDArray[np.bool_],
    against: Reference,
) -> Gated:
    """The pair held against FP32, both through the pair's own temperature and bias. inside: (dev,). Raises CheckFailed."""
    frames, bias = against.frames, np.array(decision.bias)
    as_float = EngineOutputs(against.float_logits, every.embedding, every.gate, every.labels)
    p, p_float = (probabilities_of(outputs, decision.temperature, bias) for outputs in (every, as_float))
    codes = tuple(label.code for label in work.recipe.labels)
    found = compare(p_float.argmax(1), p.argmax(1), frames.labels, frames.groups, codes)
    guards = guards_among(work.recipe.labels, points)
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
    work.say(f"  {figures}")
    refuse(*pair, found, RECALL_NAMED, against.worst_layer)
    worst = worst_subgroup(against.subgroups, frames.labels[: frames.dev], p_float.argmax(1)[: frames.dev], own.argmax(1))
    return Gated(figures, found, worst)
