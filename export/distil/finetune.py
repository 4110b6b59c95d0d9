"""Fine-tune the student on labelled pictures. Resumes exactly after a kill: state, optimizer, EMA and epoch are one checkpoint."""

import copy
import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as fn

from edge.frame import F32, U8
from export.distil.augment import augment
from export.distil.network import Student
from export.recipe import Recipe

__all__ = ["Epoch", "Pictures", "finetune", "predict"]

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """pixels: (n, h, w, 3) uint8, model size. labels: (n,) int64."""

    pixels: U8
    labels: I64


@dataclass(frozen=True, slots=True)
class Epoch:
    epoch: int
    loss: float
    balanced_accuracy: float  # on the tenth kept for choices, EMA weights
    nll_balanced: float
    seconds: float


def _sampler(labels: I64, power: float, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Indices of one epoch and the log prior of the classes under this sampling (for the logit adjustment)."""
    count = np.bincount(labels).astype(float)
    weight = count[labels] ** -power
    weight /= weight.sum()
    prior = np.bincount(labels, weights=weight)
    return rng.choice(len(labels), len(labels), p=weight), np.log(prior)


def _batches(pictures: Pictures, order: NDArray[np.intp], recipe: Recipe, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    size = recipe.train.batch
    for start in range(0, len(order) - size + 1, size):
        chosen = order[start : start + size]
        batch = np.stack([augment(np.asarray(pictures.pixels[i]), recipe.augment, rng, reflect=recipe.input.fit == "crop") for i in chosen])
        yield torch.from_numpy(batch), torch.from_numpy(pictures.labels[chosen])


def predict(model: nn.Module, pixels: U8, batch: int = 64) -> F32:
    """Logits (n, k) float32 of uint8 pictures, float model in eval mode."""
    model.eval()
    out = []
    with torch.inference_mode():
        for start in range(0, len(pixels), batch):
            out.append(model(torch.from_numpy(np.array(pixels[start : start + batch]))).float().numpy())
    return np.concatenate(out)


def _judge(model: nn.Module, pictures: Pictures, k: int) -> tuple[float, float]:
    logits = predict(model, pictures.pixels)
    log_p = logits - np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1, keepdims=True)) - logits.max(1, keepdims=True)
    present = [c for c in range(k) if (pictures.labels == c).any()]
    recall = [float((logits.argmax(1)[pictures.labels == c] == c).mean()) for c in present]
    nll = [float(-log_p[pictures.labels == c, c].mean()) for c in present]
    return float(np.mean(recall)), float(np.mean(nll))


def _save(path: Path, state: object) -> None:
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)


def finetune(recipe: Recipe, train: Pictures, choice: Pictures, folder: Path, said: Callable[[Epoch], None]) -> Student:
    """Train, or go on where a checkpoint in `folder` stands; returns the EMA student of the last epoch.

    There is no early stop: the tenth kept for choices holds a handful of the rarest class, and the best epoch on it is a draw.
    """
    folder.mkdir(parents=True, exist_ok=True)
    how, k = recipe.train, len(recipe.labels)
    torch.manual_seed(how.seed)
    model = Student(how.backbone, k, grey=recipe.train.grey, drop=how.drop)
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema: Student = copy.deepcopy(model)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": how.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=how.lr)
    steps = len(train.labels) // how.batch
    total, warm = how.epochs * steps, steps
    last, first = folder / "last.pt", 0
    if last.exists():
        state = torch.load(last, map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        ema.load_state_dict(state["ema"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["epoch"] + 1
    for epoch in range(first, how.epochs):
        rng = np.random.default_rng((how.seed, epoch))
        torch.manual_seed(how.seed * 1000 + epoch)
        order, log_prior = _sampler(train.labels, how.sampler_power, rng)
        adjust = torch.from_numpy(log_prior.astype(np.float32))
        losses = []
        started = os.times().elapsed
        model.train()
        for step, (x, y) in enumerate(_batches(train, order, recipe, rng), start=epoch * steps):
            rate = min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / total)))
            for group in optimizer.param_groups:
                group["lr"] = how.lr * max(rate, 1e-3)
            with torch.autocast("cpu", torch.bfloat16):
                logits = model(x)
            loss = fn.cross_entropy(logits.float() + adjust, y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.detach())
            decay = min(how.ema, (1 + step) / (10 + step))
            with torch.no_grad():
                for target, source in zip(ema.state_dict().values(), model.state_dict().values(), strict=True):
                    if target.dtype.is_floating_point:
                        target.lerp_(source, 1 - decay)
                    else:
                        target.copy_(source)
        accuracy, nll = _judge(ema, choice, k)
        done = Epoch(epoch, float(torch.stack(losses).mean()), accuracy, nll, os.times().elapsed - started)
        _save(
            last,
            {
                "model": model.state_dict(),
                "ema": ema.state_dict(),
                "optimizer": optimizer.state_dict(),
                "epoch": epoch,
            },
        )
        with (folder / "curve.jsonl").open("a") as file:
            file.write(json.dumps(asdict(done)) + "\n")
        said(done)
    return ema
