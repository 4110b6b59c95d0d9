"""Train the student, from labels or from a teacher's word. Resumes exactly after a kill: weights, optimizer, EMA and epoch are one file.

The loop runs on Lightning Fabric: the same code on one CPU, on N GPUs and on N machines (`torchrun`).
"""

import copy
import hashlib
import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from edge.errors import InputRefused
from edge.frame import F32, U8
from export.distil.lesson import Pictures, Taught, batches
from export.distil.loss import loss_of
from export.distil.network import Student
from export.distil.pupil import Learned, Pupil
from export.recipe import Recipe, Train
from export.store import finished
from export.tensors import keep, kept

__all__ = ["Epoch", "Pictures", "finetune", "predict"]


@dataclass(frozen=True, slots=True)
class Epoch:
    epoch: int
    loss: float
    balanced_accuracy: float  # on the tenth kept for choices, EMA weights
    nll_balanced: float
    seconds: float


def predict(model: nn.Module, pixels: U8, batch: int = 64) -> F32:
    """Logits (n, k) float32 of uint8 pictures, float model in eval mode."""
    model.eval()
    device = next(model.parameters()).device
    out = []
    with torch.inference_mode():
        for start in range(0, len(pixels), batch):
            out.append(model(torch.from_numpy(np.array(pixels[start : start + batch])).to(device)).float().cpu().numpy())
    return np.concatenate(out)


def _judge(model: nn.Module, pictures: Pictures, k: int) -> tuple[float, float]:
    logits = predict(model, pictures.pixels)
    log_p = logits - np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1, keepdims=True)) - logits.max(1, keepdims=True)
    present = [c for c in range(k) if (pictures.labels == c).any()]
    recall = [float((logits.argmax(1)[pictures.labels == c] == c).mean()) for c in present]
    nll = [float(-log_p[pictures.labels == c, c].mean()) for c in present]
    return float(np.mean(recall)), float(np.mean(nll))


def _key(recipe: Recipe, train: Pictures, taught: Taught | None) -> str:
    """Of everything that a checkpoint must agree on with the run that goes on from it."""
    parts = (recipe.labels, recipe.input, recipe.data, recipe.augment, recipe.train, None if taught is None else recipe.distil)
    return hashlib.sha256(msgspec.json.encode(parts) + train.labels.tobytes()).hexdigest()


def _optimizer(pupil: nn.Module, how: Train) -> torch.optim.AdamW:
    decayed = [p for p in pupil.parameters() if p.ndim > 1]
    others = [p for p in pupil.parameters() if p.ndim <= 1]
    return torch.optim.AdamW([{"params": decayed, "weight_decay": how.weight_decay}, {"params": others, "weight_decay": 0.0}], lr=how.lr)


def _set_rate(optimizer: torch.optim.Optimizer, lr: float, step: int, warm: int, total: int) -> None:
    rate = min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / total)))
    for group in optimizer.param_groups:
        group["lr"] = lr * max(rate, 1e-3)


def _follow(ema: nn.Module, model: nn.Module, decay: float) -> None:
    with torch.no_grad():
        for target, source in zip(ema.state_dict().values(), model.state_dict().values(), strict=True):
            if target.dtype.is_floating_point:
                target.lerp_(source, 1 - decay)
            else:
                target.copy_(source)


def _to_train(pupil: nn.Module, how: Train) -> None:
    pupil.train()
    if how.freeze_norm:
        for module in pupil.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()


def _note(done: Epoch, curve: Path) -> None:
    """Adds a line. Written whole: an epoch that is learned again counts once, and a full disk leaves no half of a line."""
    lines = curve.read_bytes().splitlines(keepends=True) if curve.exists() else []
    with finished(curve) as partial:
        partial.write_bytes(b"".join([*lines[: done.epoch], json.dumps(asdict(done)).encode() + b"\n"]))


def finetune(
    recipe: Recipe,
    train: Pictures,
    choice: Pictures,
    folder: Path,
    said: Callable[[Epoch], None],
    *,
    taught: Taught | None = None,
    fabric: Fabric,
) -> Student:
    """Train, or go on where a checkpoint in `folder` stands; returns the EMA student of the last epoch.

    taught: what a teacher said of `train`, whose pictures are then of the teacher's size. There is no early stop: the tenth
    kept for choices holds a handful of the rarest class, and the best epoch on it is a draw.
    """
    folder.mkdir(parents=True, exist_ok=True)
    how, k = recipe.train, len(recipe.labels)
    torch.manual_seed(how.seed)
    masked, embedded = bool(how.mask_weight) and train.masks is not None, 0 if taught is None else taught.embedding.shape[2]
    pupil = Pupil(Student(how.backbone, k, grey=how.grey, drop=how.drop), masked=masked, embedded=embedded)
    pupil = pupil.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema: Student = copy.deepcopy(pupil.student).to(fabric.device)
    wrapped, optimizer = fabric.setup(pupil, _optimizer(pupil, how))
    steps = len(train.labels) // how.batch
    total = how.epochs * steps
    last, first, key = folder / "last.pt", 0, _key(recipe, train, taught)
    if last.exists():
        state = kept(last, key)
        pupil.load_state_dict(state["pupil"])
        ema.load_state_dict(state["ema"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["epoch"] + 1
    for epoch in range(first, how.epochs):
        torch.manual_seed(how.seed * 1000 + epoch)
        started, losses = os.times().elapsed, []
        _to_train(pupil, how)
        mixed = round(0.9 * total) - epoch * steps  # the last tenth sees whole pictures
        lesson = batches(train, recipe, epoch, mixed=mixed, taught=taught, rank=fabric.global_rank, world=fabric.world_size)
        for step, (made, log_prior) in enumerate(lesson, start=epoch * steps):
            batch, adjust = made.to(fabric.device), torch.from_numpy(log_prior.astype(np.float32)).to(fabric.device)
            _set_rate(optimizer, how.lr, step, steps, total)
            logits, mask, embedding = wrapped(batch.x)
            learned = Learned(logits.float(), None if mask is None else mask.float(), None if embedding is None else embedding.float())
            loss = loss_of(learned, batch, adjust, how.mask_weight, recipe.distil)
            optimizer.zero_grad(set_to_none=True)
            fabric.backward(loss)
            nn.utils.clip_grad_norm_(pupil.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.detach())
            _follow(ema, pupil.student, min(how.ema, (1 + step) / (10 + step)))
        loss_mean = fabric.all_reduce(torch.stack(losses).mean(), reduce_op="mean")
        if not torch.isfinite(torch.as_tensor(loss_mean)):
            raise InputRefused(
                f"{folder.name}: the loss of epoch {epoch + 1} is no number",
                state=f"what was learned before it is kept in {last}",
                do="lower lr in the recipe, or look for damaged weights and pictures",
            )
        accuracy, nll = _judge(ema, choice, k)
        done = Epoch(epoch, float(torch.as_tensor(loss_mean)), accuracy, nll, os.times().elapsed - started)
        if fabric.is_global_zero:
            _note(done, folder / "curve.jsonl")
            state = {"key": key, "pupil": pupil.state_dict(), "ema": ema.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
            keep(last, state)
        said(done)
    return ema.cpu()
