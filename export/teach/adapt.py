"""A foundation teacher learns the task: linear probe, then low-rank or full fine-tuning; the tenth kept for choices decides.

LoRA: Hu et al., ICLR 2022; W + B A * (alpha / rank) with alpha = rank, on the attention projections alone.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from edge.errors import InputRefused
from edge.frame import F32, U8
from export.teach.network import NetworkTeacher, Tower
from export.teach.teacher import Teacher

__all__ = ["I64", "AdaptedTeacher", "Adapting", "Judged", "LowRank", "adapt", "add_low_rank", "cached_features", "linear_probe", "tune"]

I64 = NDArray[np.int64]
ATTENTION = frozenset({"qkv", "proj", "q", "k", "v", "kv"})


@dataclass(frozen=True, slots=True)
class Adapting:
    """rank 0: all weights of the tower are tuned. weight_decay of the probe is its L2 penalty per picture."""

    rank: int = 8
    epochs: int = 5
    batch: int = 32
    lr: float = 5e-4
    l2: float = 1e-3
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """nll: class-balanced, on the tenth kept for choices, of each way that was tried; way: the one that won."""

    way: str
    nll: tuple[tuple[str, float], ...]


class LowRank(nn.Module):
    """The weight (out, in) of a linear layer, plus a product of rank r that starts at zero."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        out, into = weight.shape
        self.a = nn.Parameter(torch.randn(rank, into, device=weight.device) / into**0.5)
        self.b = nn.Parameter(torch.zeros(out, rank, device=weight.device))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.b @ self.a


class AdaptedTeacher(nn.Module):
    """uint8 (n, h, w, 3) -> logits (n, k); features (n, d) are what the head sees."""

    def __init__(self, tower: Tower, head: nn.Linear) -> None:
        super().__init__()
        self.tower, self.head = tower, head

    def features(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.tower(x))

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.head(self.features(x)))


def cached_features(teacher: Teacher, pixels: U8, batch: int = 32) -> Tensor:
    """float32 (n, d) of uint8 (n, h, w, 3), on the CPU; asked once."""
    parts = [teacher.features(torch.from_numpy(np.array(pixels[at : at + batch]))).cpu() for at in range(0, len(pixels), batch)]
    return torch.cat(parts).clone()


def _balanced(labels: Tensor, k: int) -> Tensor:
    """(n,) weights that make classes count alike; mean 1."""
    count = torch.bincount(labels, minlength=k).clamp(min=1).float()
    weight = 1.0 / count[labels]
    return weight * (len(labels) / weight.sum())


def linear_probe(features: Tensor, labels: Tensor, k: int, l2: float = 1e-3) -> nn.Linear:
    """Class-balanced multinomial regression by L-BFGS on standardised features; the standardisation is folded into the layer.

    features (n, d) float32, labels (n,) int64 in [0, k). Raises InputRefused when fewer than two classes are there.
    """
    if int(labels.min()) == int(labels.max()):
        raise InputRefused("teacher: one class only in the pictures it is to learn", do="check the labels file")
    mean, std = features.mean(0), features.std(0, correction=0).clamp(min=1e-6)
    x, weight = (features - mean) / std, _balanced(labels, k)
    w = torch.zeros(k, x.shape[1], requires_grad=True)
    b = torch.zeros(k, requires_grad=True)
    steps = torch.optim.LBFGS([w, b], max_iter=200, line_search_fn="strong_wolfe", tolerance_change=1e-9)

    def closure() -> float:
        steps.zero_grad()
        loss = (functional.cross_entropy(x @ w.T + b, labels, reduction="none") * weight).mean() + 0.5 * l2 * w.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    steps.step(closure)  # type: ignore[no-untyped-call]
    head = nn.Linear(x.shape[1], k)
    with torch.no_grad():
        head.weight.copy_(w / std)
        head.bias.copy_(b - (w / std) @ mean)
    return head


def add_low_rank(model: AdaptedTeacher, rank: int) -> int:
    """Freeze the tower; only A, B of its attention projections, and the head, learn. Returns the number of layers that got them.

    Raises InputRefused for a tower without such layers (a convolution): tune it fully (rank 0).
    """
    model.tower.requires_grad_(False)
    layers = [m for name, m in model.tower.body.named_modules() if isinstance(m, nn.Linear) and _is_attention(name)]
    if not layers:
        raise InputRefused("teacher: no attention projections for low-rank tuning", do="set rank = 0 to tune all of it")
    for layer in layers:
        parametrize.register_parametrization(layer, "weight", LowRank(layer.weight.detach(), rank))
        layer.parametrizations.weight.original.requires_grad_(False)  # type: ignore[union-attr]
    return len(layers)


def _is_attention(name: str) -> bool:
    parts = name.split(".")
    return len(parts) > 1 and parts[-1] in ATTENTION and parts[-2] in {"attn", "attn_pool"}


def _merge(model: AdaptedTeacher) -> None:
    for module in model.tower.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)


def _batches(n: int, how: Adapting) -> Iterator[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    rng = np.random.default_rng(how.seed)
    for _ in range(how.epochs):
        order = rng.permutation(n)
        for at in range(0, n, how.batch):
            yield order[at : at + how.batch]


def tune(model: AdaptedTeacher, pixels: U8, labels: I64, how: Adapting) -> AdaptedTeacher:
    """A tuned copy, A B merged into its weights; `model` is left as it was. Norm statistics stay frozen."""
    torch.manual_seed(how.seed)
    tuned = copy.deepcopy(model).eval()
    tuned.requires_grad_(True)
    if how.rank:
        add_low_rank(tuned, how.rank)
    truth = torch.from_numpy(np.array(labels))
    device, weight = tuned.head.weight.device, _balanced(truth, tuned.head.out_features)
    steps = torch.optim.AdamW([p for p in tuned.parameters() if p.requires_grad], lr=how.lr if how.rank else how.lr / 10, weight_decay=0.01)
    total = max(1, how.epochs * -(-len(labels) // how.batch))
    rate = torch.optim.lr_scheduler.OneCycleLR(steps, max_lr=steps.param_groups[0]["lr"], total_steps=total + 1, pct_start=0.1)
    for at in _batches(len(labels), how):
        logits = tuned(torch.from_numpy(np.array(pixels[at])).to(device))
        loss = (functional.cross_entropy(logits, truth[at].to(device), reduction="none") * weight[at].to(device)).mean()
        steps.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_([p for p in tuned.parameters() if p.requires_grad], 1.0)
        steps.step()
        rate.step()
    _merge(tuned)
    return tuned.eval().requires_grad_(False)


def _logits(model: AdaptedTeacher, pixels: U8, batch: int) -> F32:
    device, out = model.head.weight.device, []
    with torch.inference_mode():
        for at in range(0, len(pixels), batch):
            out.append(model(torch.from_numpy(np.array(pixels[at : at + batch])).to(device)).float().cpu().numpy())
    return np.concatenate(out)


def _nll(model: AdaptedTeacher, pixels: U8, labels: I64, batch: int) -> float:
    truth = torch.from_numpy(np.array(labels))
    loss = functional.cross_entropy(torch.from_numpy(_logits(model, pixels, batch)), truth, reduction="none")
    return float((loss * _balanced(truth, model.head.out_features)).mean())


def adapt(
    teacher: NetworkTeacher, train: tuple[U8, I64], choice: tuple[U8, I64], k: int, ways: tuple[Adapting, ...] = (Adapting(),)
) -> tuple[AdaptedTeacher, Judged]:
    """The probe, and each of `ways` begun from it; the lowest balanced negative log-likelihood on `choice` wins."""
    features = cached_features(teacher, train[0])
    l2 = ways[0].l2 if ways else Adapting().l2
    head = linear_probe(features, torch.from_numpy(np.array(train[1])), k, l2).to(teacher.tower.mean.device)
    best = probe = AdaptedTeacher(teacher.tower, head).eval()
    tried = [("probe", _nll(probe, *choice, 32))]
    for how in ways:
        model = tune(probe, *train, how)
        name = f"lora-{how.rank}" if how.rank else "full"
        nll = _nll(model, *choice, how.batch)
        if nll < min(n for _, n in tried):
            best = model
        tried.append((name, nll))
    return best, Judged(min(tried, key=lambda t: t[1])[0], tuple(tried))
