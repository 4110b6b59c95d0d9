"""One recipe -> one bundle's payload: pictures, student, graph with its heads, INT8 forms, numbers, manifest."""

import cv2
import numpy as np

from edge.backends.session import Graph
from edge.frame import F32, U8
from export.assemble import assemble
from export.data.subgroups import Subgroups
from export.data.table import Side
from export.distil.deployed import OPSET, OUTPUTS, Deployed, Heads, export_onnx, features_of
from export.distil.network import Student
from export.gate.frames import gate_frames
from export.gate.pairs import INT8_PAIRS, Numbers, Reference, calibrate_pairs
from export.gate.speed import Timing, time_graphs, write_timings
from export.gate.subject import Subject
from export.gate.teacher import against_teacher
from export.pictures import BLUR_SEED, Places, dev_subgroups, in_domain, negatives_of, own_again
from export.quantize.aware import AwareEpoch, learn_int8
from export.quantize.make import Forms, make_forms
from export.quantize.mixed import ENOUGH, Mixed, agreement
from export.quantize.ptq import write_form
from export.quantize.relearned import measured_as
from export.quantize.sensitivity import run_logits, write_effects
from export.recipe import Recipe, Source
from export.scope.blur import blurred
from export.scope.heads import choose_bank, fit_heads
from export.train import train_student
from export.work import SCHEMES, Say, Work

__all__ = ["build", "quantizer_pictures"]


def build(recipe: Recipe, source: Source, others: tuple[Recipe, ...], places: Places, say: Say) -> bytes:
    """The payload of the recipe's bundle. others: recipes whose train pictures are out of this one's scope.

    A checkpoint of an earlier, killed run in `places.runs` is gone on from. Raises InputRefused for data that cannot be
    used and CheckFailed when an INT8 form loses more than the gate allows.
    """
    cv2.setNumThreads(1)
    folder = places.runs / recipe.model.name
    folder.mkdir(parents=True, exist_ok=True)
    say("pictures: decode once, cut by group")
    work = Work(recipe, folder, in_domain(recipe, places), say)
    student = train_student(work, places)
    heads, embeddings = _graph(work, student, negatives_of(recipe, work.sides[Side.TRAIN], others, places))
    forms = _quantize(work, student, heads)
    train = work.sides[Side.TRAIN]
    bank = choose_bank(embeddings, train.labels, train.groups, recipe.train.seed) if recipe.scope.bank else None
    subject = _subject(work)
    numbers = calibrate_pairs(subject, bank, _reference(work, dev_subgroups(recipe, places), forms.worst_layer))
    first = numbers.gated[0]
    beside = against_teacher(recipe, places, (first.figures.form, first.figures.engine), first.said)
    write_timings(_timings(work, subject, numbers), work.latency)
    return assemble(work, source, student.origin, numbers, bank, beside)


def _graph(work: Work, student: Student, foreign: U8) -> tuple[Heads, F32]:
    """Writes the FP32 graph with its scope heads; returns them, and the embeddings of train (n, 128), rows of length 1."""
    work.say("scope: features of train and of what is foreign")
    own = work.sides[Side.TRAIN]
    inside_all, inside_late = features_of(student, own.pixels)
    if len(again := own_again(work.recipe, own)):
        inside_all = np.concatenate([inside_all, features_of(student, again)[0]])
    heads = fit_heads(inside_all, inside_late, features_of(student, foreign)[0])
    export_onnx(Deployed(student, heads), work.recipe.input, work.float_graph)
    projected = (inside_late - heads.centre) @ heads.basis
    return heads, np.asarray(projected / np.linalg.norm(projected, axis=1, keepdims=True), np.float32)


def _quantize(work: Work, student: Student, heads: Heads) -> Forms:
    """Writes the forms, and what the scan found. Where rounding alone does not do, the student learns INT8."""
    how, (pictures, asked) = work.recipe.quantize, quantizer_pictures(work)
    targets = {scheme: work.form(form) for form, scheme in SCHEMES.items()}
    forms = make_forms(work.float_graph, targets, pictures, asked, how, work.folder, work.say)
    write_effects(forms.effects, work.sensitivity)
    return forms if forms.mixed.agreement >= ENOUGH or not how.qat_epochs else _learn(work, student, heads, forms, asked)


def _learn(work: Work, student: Student, heads: Heads, forms: Forms, asked: U8) -> Forms:
    """Quantization-aware fine-tuning of the student under the ranges of `forms`; the better of both stays."""
    recipe, mixed, graph = work.recipe, forms.mixed, work.folder / "aware.onnx"

    def said(epoch: AwareEpoch) -> None:
        work.say(f"learning INT8: epoch {epoch.epoch + 1}/{recipe.quantize.qat_epochs}: loss {epoch.loss:.4f}")

    pupil = learn_int8(student, forms.measured, mixed.in_float, work.sides[Side.TRAIN].pixels, recipe, work.folder, said)
    export_onnx(Deployed(pupil, heads), recipe.input, graph)
    learned = measured_as(forms.measured, graph, work.folder)
    wanted = run_logits(work.float_graph, asked)
    found = agreement(learned, [*SCHEMES.values()], mixed.in_float, wanted, asked, work.folder)
    work.say(f"learning INT8: {found:.2%} labels as FP32, {mixed.agreement:.2%} before")
    if found <= mixed.agreement:
        return forms
    for form, scheme in SCHEMES.items():
        write_form(learned, scheme, work.form(form), mixed.in_float)
    return Forms(learned, forms.effects, Mixed(mixed.in_float, mixed.share, found))


def quantizer_pictures(work: Work) -> tuple[U8, U8]:
    """Train pictures, classes alike, for what is measured; the tenth kept for choices and its augmentations, for scan and search."""
    recipe, train, choice = work.recipe, work.sides[Side.TRAIN], work.sides[Side.CHOICE]
    rng, each = np.random.default_rng(recipe.train.seed), recipe.quantize.pictures // len(recipe.labels)
    by_class = [rng.permutation(np.flatnonzero(train.labels == c))[:each] for c in range(len(recipe.labels))]
    frames = gate_frames(choice, choice.first(0), recipe.augment, reflect=recipe.input.fit == "crop", frames=recipe.quantize.searched)
    return np.asarray(train.pixels[np.sort(np.concatenate(by_class))]), frames.pixels


def _subject(work: Work) -> Subject:
    recipe = work.recipe
    return Subject(
        labels=recipe.labels,
        input=recipe.input,
        outputs=OUTPUTS,
        opset=OPSET,
        forms=SCHEMES,
        files={form: work.form(form) for form in SCHEMES},
        pairs=INT8_PAIRS,
        coverage=recipe.set_coverage,
        false_alarm=recipe.scope.false_alarm,
        folder=work.folder,
        say=work.say,
    )


def _timings(work: Work, subject: Subject, numbers: Numbers) -> list[Timing]:
    """Every proven pair and FP32 on ONNX Runtime, with the balanced accuracy that the gate found on its frames."""
    work.say("speed: a picture on each engine of this machine")
    whole = Graph(work.float_graph.read_bytes(), "float", "0" * 64, "fp32", "float32", OPSET, subject.input, OUTPUTS, len(subject.labels))
    graphs = {"fp32 on onnxruntime": (whole, "onnxruntime")}
    accuracy = {"fp32 on onnxruntime": numbers.gated[0].figures.balanced_accuracy_float}
    for figures in (gated.figures for gated in numbers.gated):
        name = f"{figures.form} on {figures.engine}"
        graphs[name], accuracy[name] = (subject.graph(figures.form), figures.engine), figures.balanced_accuracy
    frames = numbers.gated[0].figures.frames
    found = time_graphs(graphs, work.sides[Side.FIT].pixels[0])
    return [Timing(name, round(ms, 3), accuracy[name], "dev and augmentations", frames) for name, ms in found.items()]


def _reference(work: Work, subgroups: tuple[Subgroups, ...], worst_layer: str) -> Reference:
    recipe = work.recipe
    frames = gate_frames(
        work.sides[Side.FIT], work.sides[Side.CONFORMAL], recipe.augment, reflect=recipe.input.fit == "crop", seed=recipe.train.seed
    )
    work.say(f"gate: FP32 on {len(frames.labels)} frames")
    fit = work.sides[Side.FIT].pixels
    return Reference(frames, run_logits(work.float_graph, frames.pixels), blurred(fit, len(fit), BLUR_SEED), subgroups, worst_layer)
