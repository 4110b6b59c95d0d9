"""From the file to a graph that is proven equal to it: the steps of this package in their order."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnx

from edge.bundle.manifest import InputSpec
from edge.errors import InputRefused, UsageError
from export.golden import GoldenSet, golden_set
from export.own.ending import find_ending
from export.own.ports import choose_output, read_input
from export.own.prove import ask, compare, original_inputs, pictures
from export.own.source import read_model
from export.own.version import as_float32, opset_of, to_known_version
from export.own.wrap import wrap

__all__ = ["Asked", "OwnGraph", "make_graph"]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLOSE, CLOSE_HALF = 1e-4, 2e-2


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options say. mean, std: of pixels in 0..1, one or three numbers; None: ImageNet's."""

    file: Path
    codes: tuple[str, ...]
    size: tuple[int, int] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    fit: Literal["crop", "letterbox", "squash"] = "crop"
    field: Literal["dermatoscope", "ultrasound", "none"] = "none"
    output: str | None = None
    output_is: Literal["auto", "logits", "probabilities"] = "auto"


@dataclass(frozen=True, slots=True, eq=False)
class OwnGraph:
    """data: ONNX bytes, uint8 NHWC in, logits out. notes: what was done to the model, a line each."""

    data: bytes
    opset: int
    spec: InputSpec
    golden: GoldenSet
    notes: tuple[str, ...]


def _per_channel(name: str, given: tuple[float, ...] | None, default: tuple[float, ...], channels: int) -> tuple[float, ...]:
    values = default if given is None else given
    if channels == 1 and given is None:
        return (float(np.mean(values)),)
    if len(values) == 1:
        return values * channels
    if len(values) != channels:
        raise UsageError(f"{name} has {len(values)} numbers, and the model {channels} channels", do="give one number per channel")
    return values


def make_graph(asked: Asked) -> OwnGraph:
    """Raises InputRefused for a model that we do not take, UsageError for options that do not fit it, CheckFailed when ours differs."""
    original = read_model(asked.file)
    known, versions = to_known_version(original)
    taken, output = read_input(known.graph, asked.size), choose_output(known.graph, asked.output)
    mean = _per_channel("--mean", asked.mean, IMAGENET_MEAN, taken.channels)
    std = _per_channel("--std", asked.std, IMAGENET_STD, taken.channels)
    if not np.isfinite([*mean, *std]).all() or min(std) <= 0:
        raise UsageError("--mean and --std must be numbers, and --std above 0", do="give those that the model was trained with")
    spec = InputSpec(
        width_px=taken.width_px,
        height_px=taken.height_px,
        fit=asked.fit,
        field=asked.field,
        grey=taken.channels == 1,
    )
    golden = golden_set(spec)
    found = pictures(taken.width_px, taken.height_px, golden.tensors)
    if taken.channels == 1:
        found = np.repeat(found[..., :1], 3, axis=3)
    runnable = onnx.ModelProto()
    runnable.CopyFrom(original)
    runnable.ir_version = known.ir_version  # the version alone: what is compared is the graph
    before = ask(runnable, taken.name, output, original_inputs(found, taken, mean, std), "the model")
    classes = _count(before.shape[1], asked)
    if float(np.ptp(before, axis=0).max()) == 0:
        raise InputRefused("the model gives the same answer for every picture", do="check how it was exported")
    single, widened = as_float32(known)
    ending = find_ending(single.graph, output, before, asked.output_is)
    opset = opset_of(single)
    made = wrap(single, taken, ending, classes, mean, std, opset)
    inputs = [np.ascontiguousarray(picture[None]) for picture in found]
    half = taken.dtype == "float16" or any("float16" in note for note in widened)
    worst = compare(before, ask(made, "input", "logits", inputs, "the bundle's graph"), ending.act, CLOSE_HALF if half else CLOSE)
    notes = [*versions, *widened, ending.said(classes), f"equal to the original within {worst:.1g} on {len(found)} pictures"]
    if taken.batch is not None and taken.batch > 1:
        notes.insert(0, f"fixed to batches of {taken.batch}: each picture is computed {taken.batch} times; export it with batch 1")
    stated = "" if asked.mean is not None and asked.std is not None else " (not given: those of ImageNet)"
    notes.append(f"mean {mean}, std {std}{stated}")
    return OwnGraph(made.SerializeToString(deterministic=True), opset, spec, golden, tuple(notes))


def _count(found: int, asked: Asked) -> int:
    if found == len(asked.codes) or (found == 1 and len(asked.codes) == 2):
        return found
    raise UsageError(
        f"the model has {found} outputs, and --labels names {len(asked.codes)}", do="name each class once, in the model's order"
    )
