"""Quantization-aware fine-tuning: the student learns to say in INT8 what it said in float.

What the forms will round is rounded in training too (weights to the grid of their output channel, activations within the ranges that
were measured), and the gradient passes as if it were not (straight-through estimator, Bengio et al., arXiv 1308.3432). It starts from
the weights that GPTQ rounded and the biases that were corrected for it. The teacher is the float student itself on the same augmented
pictures: no label is needed, and what is trained is what the gate asks, the same answer. BatchNorm keeps its statistics, because it is
folded when deployed.
"""

import copy
import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as fn
from torch.nn.utils import parametrize

from edge.frame import U8
from export.distil.augment import augment
from export.distil.network import Student
from export.quantize.fake import Convolution, convolutions
from export.quantize.ptq import Measured
from export.recipe import Recipe
from export.tensors import keep, kept

__all__ = ["AwareEpoch", "learn_int8"]

SOFTENED = 2.0  # temperature of the KL: at 1 only the few pictures near a boundary would teach
FEATURES = 0.5  # weight of the pooled features' error against that of the answer: scope lives on them
BATCH = 32


@dataclass(frozen=True, slots=True)
class AwareEpoch:
    """loss: mean of the epoch."""

    epoch: int
    loss: float


class _OnGrid(nn.Module):
    """int8 per output channel, as `fake.rounded_weights`."""

    def forward(self, weight: Tensor) -> Tensor:
        peak = weight.detach().abs().amax(dim=(1, 2, 3), keepdim=True)
        scale = torch.where(peak > 0, peak / 127, torch.ones_like(peak))
        return weight + ((weight / scale).round().clamp(-127, 127) * scale - weight).detach()


def _within(x: Tensor, low: float, high: float) -> Tensor:
    """uint8 between low and high, back in float."""
    scale = (high - low) / 255
    zero = round(-low / scale)
    clipped = x.clamp(low, high)
    return clipped + (((x / scale).round() + zero).clamp(0, 255).sub(zero).mul(scale) - clipped).detach()


@dataclass(frozen=True, slots=True)
class _Place:
    """A convolution of the module and the same one of the graph. norm: the BatchNorm behind it, which the graph has folded into it."""

    conv: nn.Conv2d
    norm: nn.BatchNorm2d | None
    layer: Convolution
    linear: bool  # nothing clips its output


def _places(student: Student, model: onnx.ModelProto) -> list[_Place]:
    by_weight = {layer.weight: layer for layer in convolutions(model)}
    clipped = {name for node in model.graph.node if node.op_type in ("Clip", "Relu") for name in node.input}
    modules = [(name, module) for name, module in student.named_modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d)]
    found = []
    for i, (name, module) in enumerate(modules):
        layer = by_weight.get(f"student.{name}.weight")
        if isinstance(module, nn.Conv2d) and layer is not None:
            after = modules[i + 1][1] if i + 1 < len(modules) else None
            norm = after if isinstance(after, nn.BatchNorm2d) else None
            found.append(_Place(module, norm, layer, layer.output not in clipped))
    return found


def _start(places: list[_Place], measured: Measured, model: onnx.ModelProto, in_float: Collection[str]) -> None:
    """Rounded weights and corrected biases of the graph, brought back to before BatchNorm was folded."""
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    for place in places:
        name = place.layer.name
        if name in in_float or name not in measured.weights:
            continue
        folded = torch.from_numpy(np.array(numpy_helper.to_array(stored[place.layer.weight]), np.float32))
        raw = place.conv.weight.detach()
        factor = (folded * raw).sum((1, 2, 3), keepdim=True) / (raw * raw).sum((1, 2, 3), keepdim=True).clamp_min(1e-20)
        safe = factor.abs() > 1e-8  # a channel that BatchNorm has switched off stays as it is
        rounded = torch.from_numpy(measured.weights[name]) / torch.where(safe, factor, torch.ones_like(factor))
        error = torch.from_numpy(measured.errors[name])
        with torch.no_grad():
            place.conv.weight.copy_(torch.where(safe, rounded, raw))
            bias = place.norm.bias if place.norm is not None else place.conv.bias
            if bias is not None:
                bias.sub_(error)


def _round_in_training(places: list[_Place], measured: Measured, in_float: Collection[str]) -> None:
    for place in places:
        low, high = measured.ranges[place.layer.output]
        if place.linear and place.norm is not None:
            place.norm.register_forward_hook(lambda _m, _i, out, low=low, high=high: _within(out, low, high))
        if place.layer.name in in_float:
            continue
        parametrize.register_parametrization(place.conv, "weight", _OnGrid())
        low, high = measured.ranges[place.layer.source]
        place.conv.register_forward_pre_hook(lambda _m, given, low=low, high=high: (_within(given[0], low, high),))


def _loss(logits: Tensor, late: Tensor, wanted: Tensor, wanted_late: Tensor) -> Tensor:
    said, told = (fn.log_softmax(z / SOFTENED, 1) for z in (logits, wanted))
    answer = fn.kl_div(said, told, reduction="batchmean", log_target=True) * SOFTENED**2
    spread = wanted_late.var().clamp_min(1e-6)
    return answer + FEATURES * fn.mse_loss(late, wanted_late) / spread


def _key(student: Student, recipe: Recipe, in_float: Collection[str]) -> str:
    digest = hashlib.sha256(repr((recipe.augment, recipe.quantize, sorted(in_float))).encode())
    for tensor in student.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def learn_int8(
    student: Student,
    measured: Measured,
    in_float: Collection[str],
    pixels: U8,
    recipe: Recipe,
    folder: Path,
    said: Callable[[AwareEpoch], None],
) -> Student:
    """A student whose weights are meant for the grid: to be rounded to the nearest value, with the ranges of `measured`.

    pixels: (n, h, w, 3) uint8 of train. in_float: convolutions, by their names in the graph, that will not be rounded. A killed run goes
    on from its last whole epoch, in `folder`. The student that is given is not changed.
    """
    how, graph = recipe.quantize, onnx.load(measured.graph)
    teacher = copy.deepcopy(student).eval()
    key = _key(student, recipe, in_float)
    begun = folder / f"aware-{key[:8]}.pt"
    pupil = copy.deepcopy(student).eval()  # BatchNorm and dropout as deployed
    places = _places(pupil, graph)
    _start(places, measured, graph, in_float)
    _round_in_training(places, measured, in_float)
    optimizer = torch.optim.AdamW(pupil.parameters(), lr=how.qat_lr, weight_decay=0.0)
    steps, first = max(1, len(pixels) // BATCH), 0
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, how.qat_epochs * steps)
    if begun.exists():
        state = kept(begun, key)
        pupil.load_state_dict(state["pupil"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        first = state["epoch"] + 1
    for epoch in range(first, how.qat_epochs):
        rng = np.random.default_rng((recipe.train.seed, epoch))
        order, losses = rng.permutation(len(pixels)), []
        for step in range(steps):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            shown = [augment(np.asarray(pixels[i]), recipe.augment, rng, reflect=recipe.input.fit == "crop") for i in chosen]
            x = torch.from_numpy(np.stack(shown))
            with torch.no_grad():
                wanted = teacher.answer(x)
            loss = _loss(*pupil.answer(x), *wanted)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(pupil.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        state = {"pupil": pupil.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}
        keep(begun, state | {"key": key, "epoch": epoch})
        said(AwareEpoch(epoch, float(np.mean(losses))))
    return _plain(pupil, student)


def _plain(pupil: Student, like: Student) -> Student:
    """The trained weights in a student without hooks."""
    for module in pupil.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
    out = copy.deepcopy(like)
    out.load_state_dict(pupil.state_dict())
    return out.eval()
