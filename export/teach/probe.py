"""The linear probe: what a teacher's features say of the task, without touching the teacher."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from edge.errors import InputRefused
from edge.frame import U8
from export.teach.teacher import Teacher

__all__ = ["balanced", "cached_features", "linear_probe"]


def cached_features(teacher: Teacher, pixels: U8, batch: int = 32) -> Tensor:
    """float32 (n, d) of uint8 (n, h, w, 3), on the CPU; asked once."""
    parts = [teacher.features(torch.from_numpy(np.array(pixels[at : at + batch]))).cpu() for at in range(0, len(pixels), batch)]
    return torch.cat(parts).clone()


def balanced(labels: Tensor, k: int) -> Tensor:
    """(n,) weights that make classes count alike; mean 1."""
    count = torch.bincount(labels, minlength=k).clamp(min=1).float()
    weight = 1.0 / count[labels]
    return weight * (len(labels) / weight.sum())


def linear_probe(features: Tensor, labels: Tensor, k: int, l2: float = 1e-3) -> nn.Linear:
    """Class-balanced multinomial regression by L-BFGS on standardised features; the standardisation is folded into the layer.

    features (n, d) float32, labels (n,) int64 in [0, k). l2: penalty of the weights, per picture. Raises InputRefused when fewer
    than two classes are there.
    """
    if int(labels.min()) == int(labels.max()):
        raise InputRefused("teacher: one class only in the pictures it is to learn", do="check the labels file")
    mean, std = features.mean(0), features.std(0, correction=0).clamp(min=1e-6)
    x, weight = (features - mean) / std, balanced(labels, k)
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
