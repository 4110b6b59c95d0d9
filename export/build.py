"""One recipe -> one bundle's payload: pictures, student, graph with its heads, INT8 forms, numbers, manifest."""

import cv2
import numpy as np
import torch

from edge.frame import F32, U8
from export.assemble import assemble
from export.data.table import Side
from export.distil.deployed import Deployed, export_onnx, features_of
from export.distil.network import Student
from export.gate.pairs import calibrate_pairs
from export.pictures import Places, Sided, in_domain, negatives_of
from export.quantize.ptq import quantize
from export.recipe import Recipe
from export.scope.heads import choose_bank, fit_heads
from export.train import train_student
from export.work import SCHEMES, Say, Work

__all__ = ["build"]


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
    _quantize(work)
    train = work.sides[Side.TRAIN]
    bank = choose_bank(embeddings, train.labels, train.groups, recipe.train.seed)
    numbers = calibrate_pairs(work, bank, float_logits(student, work.sides[Side.FIT], work.sides[Side.CONFORMAL]))
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


def _quantize(work: Work) -> None:
    work.say("quantize: one set of ranges, two forms")
    train = work.sides[Side.TRAIN]
    rng = np.random.default_rng(work.recipe.train.seed)
    by_class = [rng.permutation(np.flatnonzero(train.labels == c)) for c in range(len(work.recipe.labels))]
    how = work.recipe.quantize
    chosen = np.sort(np.concatenate([members[: how.pictures // len(by_class)] for members in by_class]))
    pictures = np.asarray(train.pixels[chosen])
    work.ranges.unlink(missing_ok=True)
    for form, scheme in SCHEMES.items():
        form_file, ranges = work.form(form), work.ranges
        quantize(work.float_graph, scheme, form_file, pictures, ranges, percentile=how.percentile, float_first=how.float_first)


def float_logits(student: Student, *sides: Sided) -> F32:
    """Logits (n, k) of the float student, sides one after the other."""
    student.eval()
    out = []
    with torch.inference_mode():
        for side in sides:
            for start in range(0, len(side.pixels), 64):
                out.append(student(torch.from_numpy(np.array(side.pixels[start : start + 64]))).numpy())
    return np.concatenate(out)
