"""One recipe -> one bundle's payload. Each step leaves its result in the run's folder and is taken from there when it stands."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from edge.backends.isa import processor_class, read_flags
from edge.backends.session import Graph
from edge.bundle.manifest import Decision, Form, Manifest, OperatingPoint, Outputs, Pair, Provenance, Scope
from edge.bundle.pack import build_payload
from edge.classify import prediction_set, read_bank, set_verdict
from edge.frame import F32, U8
from edge.reading import State
from export.card import PairFigures, card
from export.data.table import Side
from export.distil.deployed import OPSET, Deployed, export_onnx, features_of
from export.distil.finetune import Epoch, Pictures, finetune
from export.distil.network import Student
from export.gate.decision import EngineOutputs, distances, fit_decision, fit_scope, probabilities_of
from export.gate.outputs import answers
from export.gate.tolerance import measured_tolerance
from export.golden import GoldenSet, golden_set
from export.pictures import Sided, in_domain, negatives_of
from export.quantize.ptq import quantize
from export.recipe import Recipe
from export.scope.heads import choose_bank, fit_heads
from export.scope.negatives import render

__all__ = ["Places", "build"]

CALIBRATION_PICTURES = 256
RENDERED_NEGATIVES = 1500
PERCENTILE = 99.99
BANK = "scope/bank.i8"
KNN = 10
TOOLS = ("torch", "timm", "onnx", "onnxruntime", "openvino", "opencv-python")
OUTPUTS = Outputs(classes="logits", embedding="embedding", gate="gate")
# (form, engine) that carry numbers of their own; trt_in on ONNX Runtime runs in float kernels, several times slower, and is left out
PAIRS = (("u8s8", "onnxruntime"), ("u8s8", "openvino"), ("trt-in", "openvino"))
SCHEMES = {"u8s8": "u8s8", "trt-in": "trt_in"}
UNRUN = (("trt-in", "tensorrt", "openvino"),)  # (form, engine, the engine whose numbers stand in until a board has proven it)
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    recipe: Recipe
    folder: Path
    sides: dict[Side, Sided]
    say: Say


@dataclass(frozen=True, slots=True)
class Places:
    """data: folder of the data sets. runs: where work and caches are kept."""

    data: Path
    runs: Path


def build(recipe: Recipe, recipe_sha256: str, others: tuple[Recipe, ...], places: Places, say: Say) -> bytes:
    """The payload of the recipe's bundle. others: recipes whose train pictures are out of this one's scope."""
    root, runs = places.data, places.runs
    cv2.setNumThreads(1)
    folder = runs / recipe.model.name
    folder.mkdir(parents=True, exist_ok=True)
    say("pictures: decode once, cut by group")
    work = _Work(recipe, folder, in_domain(recipe, root, runs / "cache"), say)
    student = _train(work)
    graph, bank = _graph(work, student, negatives_of(recipe, others, root, runs / "cache"))
    forms = _forms(work, graph)
    return _assemble(work, recipe_sha256, student, forms, bank)


def _train(work: _Work) -> Student:
    def said(epoch: Epoch) -> None:
        work.say(
            f"epoch {epoch.epoch + 1}/{work.recipe.train.epochs}: loss {epoch.loss:.3f}, on the kept tenth: "
            f"balanced accuracy {epoch.balanced_accuracy:.3f}, NLL {epoch.nll_balanced:.3f} ({epoch.seconds:.0f} s)"
        )

    train, choice = (Pictures(work.sides[side].pixels, work.sides[side].labels) for side in (Side.TRAIN, Side.CHOICE))
    work.say(f"train: {len(train.labels)} pictures, {len(choice.labels)} kept for choices")
    return finetune(work.recipe, train, choice, work.folder, said)


def _graph(work: _Work, student: Student, foreign: U8) -> tuple[Path, F32]:
    """FP32 ONNX with its heads, and the embeddings of train that the bank is chosen from."""
    spec, train = work.recipe.input, work.sides[Side.TRAIN]
    work.say("scope: features of train and of what is foreign")
    rendered = render(RENDERED_NEGATIVES, 1, spec.height_px, spec.width_px)
    inside_all, inside_late = features_of(student, train.pixels)
    outside_all, _ = features_of(student, np.concatenate([rendered, foreign]))
    heads = fit_heads(inside_all, inside_late, outside_all)
    path = work.folder / "float.onnx"
    for stale in work.folder.glob("*.onnx"):
        stale.unlink()
    export_onnx(Deployed(student, heads), spec, path)
    projected = (inside_late - heads.centre) @ heads.basis
    return path, np.asarray(projected / np.linalg.norm(projected, axis=1, keepdims=True), np.float32)


def _forms(work: _Work, graph: Path) -> dict[str, Path]:
    work.say("quantize: one set of ranges, two forms")
    train = work.sides[Side.TRAIN]
    rng = np.random.default_rng(work.recipe.train.seed)
    by_class = [rng.permutation(np.flatnonzero(train.labels == c)) for c in range(len(work.recipe.labels))]
    each = CALIBRATION_PICTURES // len(by_class)
    chosen = np.sort(np.concatenate([members[:each] for members in by_class]))
    ranges = work.folder / "ranges.json"
    ranges.unlink(missing_ok=True)
    found = {}
    for form, scheme in SCHEMES.items():
        found[form] = work.folder / f"{form}.onnx"
        quantize(graph, scheme, found[form], np.asarray(train.pixels[chosen]), ranges, percentile=PERCENTILE)
    return found


def _graph_of(work: _Work, form: str, path: Path) -> Graph:
    return Graph(path.read_bytes(), path.name, "0" * 64, form, SCHEMES[form], OPSET, work.recipe.input, OUTPUTS, len(work.recipe.labels))


def _float_logits(student: Student, sides: tuple[Sided, ...]) -> F32:
    out = []
    student.eval()
    with torch.inference_mode():
        for side in sides:
            for start in range(0, len(side.pixels), 64):
                out.append(student(torch.from_numpy(np.array(side.pixels[start : start + 64]))).numpy())
    return np.concatenate(out)


def _balanced(predicted: NDArray[np.intp], labels: NDArray[np.int64]) -> float:
    return float(np.mean([(predicted[labels == c] == c).mean() for c in np.unique(labels)]))


def _assemble(work: _Work, recipe_sha256: str, student: Student, forms: dict[str, Path], embeddings: F32) -> bytes:
    recipe, (fit_side, conformal_side) = work.recipe, (work.sides[Side.FIT], work.sides[Side.CONFORMAL])
    train = work.sides[Side.TRAIN]
    bank_rows = choose_bank(embeddings, train.labels, train.groups, recipe.train.seed)
    golden = golden_set(recipe.input)
    float_logits = _float_logits(student, (fit_side, conformal_side))
    pairs: list[Pair] = []
    figures: list[PairFigures] = []
    scope: Scope | None = None
    points: tuple[OperatingPoint, ...] = ()
    for form, engine in PAIRS:
        work.say(f"calibrate: {form} on {engine}")
        graph = _graph_of(work, form, forms[form])
        fit = answers(graph, engine, fit_side.pixels, fit_side.labels)
        conformal = answers(graph, engine, conformal_side.pixels, conformal_side.labels)
        if scope is None:  # one mean and spread for the bundle; the threshold is each pair's own
            scope = Scope(bank=BANK, n=bank_rows.shape[0], dim=bank_rows.shape[1], k=KNN)
            bank = read_bank(bank_rows.tobytes(), scope)
            scope = fit_scope(fit, bank, KNN, BANK)
        decision = fit_decision(fit, conformal, scope, bank, coverage=recipe.set_coverage, false_alarm=recipe.scope_false_alarm)
        both = _joined(fit, conformal)
        inside = distances(both, scope, bank) <= (decision.out_of_scope_above or np.inf)
        figures.append(_figures((form, engine), both, decision, inside, float_logits))
        if not points:
            points = _points(recipe, fit, decision)
        pairs.append(
            Pair(
                form=form,
                engine=engine,  # type: ignore[arg-type]
                gate="passed",
                isa=(processor_class(read_flags()),),
                decision=decision,
                golden_outputs=_golden_outputs(graph, engine, golden),
                tolerance=measured_tolerance(forms[form], engine, golden.tensors, work.folder),
            )
        )
        work.say(f"  {figures[-1]}")
    for form, engine, like in UNRUN:
        twin = next(pair for pair in pairs if (pair.form, pair.engine) == (form, like))
        pairs.append(Pair(form=form, engine=engine, gate="unrun", decision=twin.decision))  # type: ignore[arg-type]
    counts = {str(side): tuple(np.bincount(s.labels, minlength=len(recipe.labels)).tolist()) for side, s in work.sides.items()}
    members = {f"forms/{form}.onnx": path.read_bytes() for form, path in forms.items()}
    members |= {BANK: bank_rows.tobytes(), "card.md": card(recipe, tuple(figures), counts).encode()} | golden.members
    k = len(recipe.labels)
    manifest = Manifest(
        name=recipe.model.name,
        version=recipe.model.version,
        modality=recipe.model.modality,
        labels=recipe.labels,
        input=recipe.input,
        outputs=OUTPUTS,
        forms=tuple(Form(id=f, scheme=SCHEMES[f], member=f"forms/{f}.onnx", opset=OPSET) for f in forms),  # type: ignore[arg-type]
        pairs=tuple(pairs),
        scope=scope,
        aggregation=recipe.aggregation,
        operating_points=points,
        golden=golden.entries,
        calibration_prevalence=(round(1 / k, 6),) * k,
        nominal_level=recipe.set_coverage,
        licence=recipe.model.licence,
        licence_note=recipe.model.licence_note,
        intended_use=recipe.model.intended_use,
        rendered_only=recipe.model.rendered_only,
        provenance=Provenance(
            recipe=f"export/recipes/{recipe.model.name}.toml",
            recipe_sha256=recipe_sha256,
            data=recipe.data.cite if recipe.data else (),
            weights=(student.origin,),
            tools=tuple(f"{name}=={metadata.version(name)}" for name in TOOLS),
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        ),
        card="card.md",
        members=(),
    )
    return build_payload(manifest, members)


def _golden_outputs(graph: Graph, engine: str, golden: GoldenSet) -> tuple[tuple[float, ...], ...]:
    found = answers(graph, engine, golden.tensors, np.zeros(len(golden.tensors), np.int64))
    return tuple(tuple(round(float(v), 5) for v in row) for row in found.logits)


def _joined(a: EngineOutputs, b: EngineOutputs) -> EngineOutputs:
    parts = ((a.logits, b.logits), (a.embedding, b.embedding), (a.gate, b.gate))
    logits, embedding, gate = (np.concatenate(pair) for pair in parts)
    return EngineOutputs(logits, embedding, gate, np.concatenate([a.labels, b.labels]))


def _figures(pair: tuple[str, str], both: EngineOutputs, decision: Decision, inside: NDArray[np.bool_], float_logits: F32) -> PairFigures:
    bias = np.array(decision.bias)
    p = probabilities_of(both, decision.temperature, bias)
    ready = [set_verdict(row, prediction_set(row, decision.set_at)).state is State.READY for row in p]
    as_float = (float_logits / decision.temperature + bias).argmax(1)
    return PairFigures(
        *pair,
        len(p),
        float((p.argmax(1) == as_float).mean()),
        _balanced(p.argmax(1), both.labels),
        _balanced(as_float, both.labels),
        float(np.mean(np.array(ready) & inside)),
    )


def _points(recipe: Recipe, fit: EngineOutputs, decision: Decision) -> tuple[OperatingPoint, ...]:
    """For each class that must not be missed: the probability above which one in ten of the others lies."""
    p = probabilities_of(fit, decision.temperature, np.array(decision.bias))
    codes = [label.code for label in recipe.labels]
    wanted = [code for code in ("mel", "malignant") if code in codes]
    return tuple(
        OperatingPoint(
            name="specificity 90 %",
            label=code,
            at_least=round(float(np.quantile(p[fit.labels != codes.index(code), codes.index(code)], 0.9)), 5),
            measured_on="fit half of dev",
        )
        for code in wanted
    )
