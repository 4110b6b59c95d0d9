"""LoRA: Hu et al., ICLR 2022; W + B A * (alpha / rank) with alpha = rank, on the attention projections alone."""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from edge.errors import InputRefused

__all__ = ["LowRank", "add_low_rank", "merge"]

ATTENTION = frozenset({"qkv", "proj", "q", "k", "v", "kv"})


class LowRank(nn.Module):
    """The weight (out, in) of a linear layer, plus a product of rank r that starts at zero."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        out, into = weight.shape
        self.a = nn.Parameter(torch.randn(rank, into, device=weight.device) / into**0.5)
        self.b = nn.Parameter(torch.zeros(out, rank, device=weight.device))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.b @ self.a


def add_low_rank(tower: nn.Module, rank: int) -> int:
    """Freeze the tower; only A, B of its attention projections learn from now on. Returns the number of layers that got them.

    Raises InputRefused for a tower without such layers (a convolution): tune it fully (rank 0).
    """
    tower.requires_grad_(False)
    layers = [m for name, m in tower.named_modules() if isinstance(m, nn.Linear) and _is_attention(name)]
    if not layers:
        raise InputRefused("teacher: no attention projections for low-rank tuning", do="set rank = 0 to tune all of it")
    for layer in layers:
        parametrize.register_parametrization(layer, "weight", LowRank(layer.weight.detach(), rank))
        layer.parametrizations.weight.original.requires_grad_(False)  # type: ignore[union-attr]
    return len(layers)


def _is_attention(name: str) -> bool:
    parts = name.split(".")
    return len(parts) > 1 and parts[-1] in ATTENTION and parts[-2] in {"attn", "attn_pool"}


def merge(tower: nn.Module) -> None:
    """A B becomes part of the weights."""
    for module in tower.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
