"""A teacher that is a network: uint8 in, features out."""

from typing import cast

import torch
from torch import Tensor, nn

from edge.errors import InputRefused
from export.teach.teacher import TeacherIdentity

__all__ = ["NetworkTeacher", "Tower", "check_pixels"]


def check_pixels(x: Tensor, size: tuple[int, int], name: str) -> None:
    if x.dtype != torch.uint8 or x.ndim != 4 or tuple(x.shape[1:]) != (*size, 3):
        raise InputRefused(
            f"{name}: pictures {tuple(x.shape)} {x.dtype}, but it takes uint8 (n, {size[0]}, {size[1]}, 3)",
            do="resize to the teacher's size",
        )


class Tower(nn.Module):
    """uint8 (n, h, w, 3) -> float32 (n, d): normalisation, body, and the projection of a CLIP when there is one."""

    mean: Tensor
    std: Tensor

    def __init__(self, body: nn.Module, mean: tuple[float, ...], std: tuple[float, ...], projection: nn.Module | None = None) -> None:
        super().__init__()
        self.body = body
        self.projection = projection if projection is not None else nn.Identity()
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(1, 3, 1, 1) * 255, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        y = (x.to(torch.float32).permute(0, 3, 1, 2) - self.mean) / self.std
        return cast(Tensor, self.projection(self.body(y)))


class NetworkTeacher:
    """tower may be moved to an accelerator; features follow it."""

    def __init__(self, tower: Tower, identity: TeacherIdentity, size: tuple[int, int]) -> None:
        self.tower = tower.eval()
        self.identity, self.size = identity, size

    def features(self, x: Tensor) -> Tensor:
        check_pixels(x, self.size, self.identity.name)
        self.tower.eval()
        with torch.inference_mode():
            return cast(Tensor, self.tower(x.to(self.tower.mean.device)).float())
