"""One recipe -> one bundle's payload: pictures, student, graph with its heads, INT8 forms, numbers, manifest."""

import cv2
import numpy as np

from edge.frame import F32, U8
from export.assemble import assemble
from export.data.subgroups import Subgroups
from export.data.table import Side
from export.distil.deployed import Deployed, export_onnx, features_of
from export.distil.network import Student
from export.gate.frames import gate_frames
from export.gate.pairs import Reference, calibrate_pairs
from export.pictures import Places, dev_subgroups, in_domain, negatives_of
from export.quantize.mixed import Mixed, choose_float
from export.quantize.ptq import measure, write_form
from export.quantize.sensitivity import run_logits, scan, write_effects
from export.recipe import Recipe
from export.scope.heads import choose_bank, fit_heads
from export.train import train_student
from export.work import SCHEMES, Say, Work

__all__ = ["build"]

SCANNED = 100  # pictures that a layer's effect is measured on: it ranks layers, it is no figure


def build(recipe: Recipe, recipe_sha256: str, others: tuple[Recipe, ...], places: Places, say: Say) -> bytes:
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
    embeddings = _graph(work, student, negatives_of(recipe, work.sides[Side.TRAIN], others, places))
    worst_layer = _quantize(work)
    train = work.sides[Side.TRAIN]
    bank = choose_bank(embeddings, train.labels, train.groups, recipe.train.seed)
    numbers = calibrate_pairs(work, bank, _reference(work, dev_subgroups(recipe, places), worst_layer))
    return assemble(work, recipe_sha256, student.origin, numbers, bank)


def _graph(work: Work, student: Student, foreign: U8) -> F32:
    """Writes the FP32 graph with its scope heads; returns the embeddings of train (n, 128), rows of length 1."""
    work.say("scope: features of train and of what is foreign")
    inside_all, inside_late = features_of(student, work.sides[Side.TRAIN].pixels)
    outside_all, _ = features_of(student, foreign)
    heads = fit_heads(inside_all, inside_late, outside_all)
    export_onnx(Deployed(student, heads), work.recipe.input, work.float_graph)
    projected = (inside_late - heads.centre) @ heads.basis
    return np.asarray(projected / np.linalg.norm(projected, axis=1, keepdims=True), np.float32)


def _quantize(work: Work) -> str:
    """Writes the forms and what the scan found; returns the most sensitive layer."""
    work.say("quantize: ranges and rounding, once for both forms")
    how, choice = work.recipe.quantize, work.sides[Side.CHOICE]
    measured = measure(work.float_graph, _of_each_class(work, how.pictures), work.folder)
    few = np.asarray(choice.pixels[:: max(1, len(choice.labels) // SCANNED)])
    work.say(f"quantize: each layer alone in INT8, {len(few)} pictures of choice")
    effects = scan(measured, few)
    write_effects(effects, work.sensitivity)
    asked = gate_frames(choice, choice.first(0), work.recipe.augment, reflect=work.recipe.input.fit == "crop", frames=how.searched).pixels

    def said(mixed: Mixed) -> None:
        work.say(f"quantize: {len(mixed.in_float)} layers in float ({mixed.share:.0%} of the MACs): {mixed.agreement:.2%} labels as FP32")

    mixed = choose_float(measured, effects, [*SCHEMES.values()], asked, work.folder, first=how.float_first, most=how.float_most, said=said)
    for form, scheme in SCHEMES.items():
        write_form(measured, scheme, work.form(form), mixed.in_float)
    return next((effect.layer for effect in effects if effect.layer not in mixed.in_float), "")


def _of_each_class(work: Work, n: int) -> U8:
    """About n train pictures, classes alike."""
    train = work.sides[Side.TRAIN]
    rng = np.random.default_rng(work.recipe.train.seed)
    by_class = [rng.permutation(np.flatnonzero(train.labels == c)) for c in range(len(work.recipe.labels))]
    chosen = np.sort(np.concatenate([members[: n // len(by_class)] for members in by_class]))
    return np.asarray(train.pixels[chosen])


def _reference(work: Work, subgroups: tuple[Subgroups, ...], worst_layer: str) -> Reference:
    recipe = work.recipe
    frames = gate_frames(
        work.sides[Side.FIT], work.sides[Side.CONFORMAL], recipe.augment, reflect=recipe.input.fit == "crop", seed=recipe.train.seed
    )
    work.say(f"gate: FP32 on {len(frames.labels)} frames")
    return Reference(frames, run_logits(work.float_graph, frames.pixels), subgroups, worst_layer)
