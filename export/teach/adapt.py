"""A foundation teacher learns the task: linear probe, then low-rank or full fine-tuning; the tenth kept for choices decides.

Every way that is tried is kept on the disk when it is done, and an unfinished one after each of its epochs: a killed run goes on there.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import cos, pi
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from edge.errors import InputRefused
from edge.frame import F32, U8
from export.teach.lowrank import add_low_rank, merge
from export.teach.network import NetworkTeacher, Tower
from export.teach.probe import balanced, cached_features, linear_probe
from export.tensors import keep, kept

__all__ = ["I64", "AdaptedTeacher", "Adapting", "Judged", "Room", "adapt", "plainly", "tune"]

I64 = NDArray[np.int64]
WARM = 0.1  # share of the steps in which the rate rises; it falls as a cosine from there
Show = Callable[[U8, int, NDArray[np.intp]], U8]  # pictures, epoch, places -> what is shown of them


@dataclass(frozen=True, slots=True)
class Adapting:
    """rank 0: all weights of the tower are tuned, at a tenth of the rate."""

    rank: int = 8
    epochs: int = 5
    batch: int = 32
    lr: float = 5e-4
    seed: int = 0

    @property
    def name(self) -> str:
        return f"lora-{self.rank}" if self.rank else "full"


@dataclass(frozen=True, slots=True)
class Judged:
    """nll: class-balanced, on the tenth kept for choices, of each way that was tried; way: the one that won."""

    way: str
    nll: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Room:
    """Where the ways are kept. key: of all that they hang on. say: hears of each epoch."""

    folder: Path
    key: str
    say: Callable[[str], object]

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.pt"


class AdaptedTeacher(nn.Module):
    """uint8 (n, h, w, 3) -> logits (n, k); features (n, d) are what the head sees."""

    def __init__(self, tower: Tower, head: nn.Linear) -> None:
        super().__init__()
        self.tower, self.head = tower, head

    def features(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.tower(x))

    def answer(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (n, k) and the features (n, d) behind them."""
        seen = self.features(x)
        return self.head(seen), seen

    def forward(self, x: Tensor) -> Tensor:
        return self.answer(x)[0]


def plainly(pixels: U8, epoch: int, places: NDArray[np.intp]) -> U8:  # noqa: ARG001 - the same in every epoch
    """The pictures as they are."""
    return np.array(pixels[places])


def _rate(step: int, total: int) -> float:
    warm = max(1.0, WARM * total)
    return (step + 1) / warm if step < warm else 0.5 * (1 + cos(pi * (step - warm) / max(1.0, total - warm)))


def _batches(n: int, how: Adapting, epoch: int) -> Iterator[NDArray[np.intp]]:
    order = np.random.default_rng((how.seed, epoch)).permutation(n)
    for at in range(0, n, how.batch):
        yield order[at : at + how.batch]


def _learning(model: AdaptedTeacher, how: Adapting) -> tuple[AdaptedTeacher, dict[str, nn.Parameter]]:
    """A copy of the model that is ready to be tuned, and those of its weights that may move."""
    torch.manual_seed(how.seed)
    tuned = copy.deepcopy(model).eval().requires_grad_(True)
    if how.rank:
        add_low_rank(tuned.tower, how.rank)
    return tuned, {name: p for name, p in tuned.named_parameters() if p.requires_grad}


def tune(model: AdaptedTeacher, pixels: U8, labels: I64, how: Adapting, room: Room, *, show: Show = plainly) -> AdaptedTeacher:
    """A tuned copy, A B merged into its weights; `model` is left as it was. Norm statistics stay frozen.

    Raises InputRefused when the loss is no number any more; epochs that `room` holds are not learned again.
    """
    tuned, moving = _learning(model, how)
    device, truth = tuned.head.weight.device, torch.from_numpy(np.array(labels))
    weight, top = balanced(truth, tuned.head.out_features), how.lr if how.rank else how.lr / 10
    steps, first = torch.optim.AdamW(moving.values(), lr=top, weight_decay=0.01), 0
    begun = room.file(f"{how.name}-begun")
    if begun.exists():
        state = kept(begun, room.key)
        for name, value in state["moving"].items():
            moving[name].data.copy_(value)
        steps.load_state_dict(state["steps"])
        first = state["epoch"] + 1
    per_epoch = -(-len(labels) // how.batch)
    for epoch in range(first, how.epochs):
        total = 0.0
        for step, at in enumerate(_batches(len(labels), how, epoch), start=epoch * per_epoch):
            for group in steps.param_groups:
                group["lr"] = top * _rate(step, how.epochs * per_epoch)
            logits = tuned(torch.from_numpy(show(pixels, epoch, at)).to(device))
            loss = (functional.cross_entropy(logits, truth[at].to(device), reduction="none") * weight[at].to(device)).mean()
            steps.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(moving.values(), 1.0)
            steps.step()
            total += float(loss.detach())
        if not np.isfinite(total):
            raise InputRefused(f"teacher: its loss in epoch {epoch + 1} of {how.name} is no number", do="lower the member's lr")
        now = {"key": room.key, "epoch": epoch, "moving": {n: p.detach() for n, p in moving.items()}, "steps": steps.state_dict()}
        keep(begun, now)
        room.say(f"{how.name}: epoch {epoch + 1}/{how.epochs}: loss {total / per_epoch:.3f}")
    merge(tuned.tower)
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
    return float((loss * balanced(truth, model.head.out_features)).mean())


def _changed(model: AdaptedTeacher, since: AdaptedTeacher) -> dict[str, Tensor]:
    """The tensors that moved, and the head: a low-rank way leaves most of the tower as it came."""
    before = since.state_dict()
    return {n: v.clone() for n, v in model.state_dict().items() if n.startswith("head.") or not torch.equal(v, before[n])}


def _with(base: AdaptedTeacher, tensors: dict[str, Tensor]) -> AdaptedTeacher:
    made = copy.deepcopy(base)
    made.load_state_dict(made.state_dict() | tensors, strict=True)
    return made.eval().requires_grad_(False)


def _once(room: Room, name: str, base: AdaptedTeacher, make: Callable[[], AdaptedTeacher]) -> AdaptedTeacher:
    """`make()`, or what an earlier run kept of it."""
    if room.file(name).exists():
        return _with(base, kept(room.file(name), room.key)["tensors"])
    made = make()
    keep(room.file(name), {"key": room.key, "tensors": _changed(made, base)})
    room.file(f"{name}-begun").unlink(missing_ok=True)
    return made


def adapt(
    teacher: NetworkTeacher,
    train: tuple[U8, I64],
    choice: tuple[U8, I64],
    k: int,
    ways: tuple[Adapting, ...],
    room: Room,
    *,
    l2: float = 1e-3,
    show: Show = plainly,
) -> tuple[AdaptedTeacher, Judged]:
    """The probe, and each of `ways` begun from it; the lowest balanced negative log-likelihood on `choice` wins.

    l2: of the probe. show: what is shown of the pictures in each epoch of tuning (augmentations).
    """
    device = teacher.tower.mean.device

    def probed() -> AdaptedTeacher:
        head = linear_probe(cached_features(teacher, train[0]), torch.from_numpy(np.array(train[1])), k, l2)
        return AdaptedTeacher(teacher.tower, head.to(device)).eval()

    width = teacher.features(torch.from_numpy(np.array(train[0][:1]))).shape[1]
    bare = AdaptedTeacher(teacher.tower, nn.Linear(width, k).to(device))
    best = probe = _once(room, "probe", bare, probed)
    tried = [("probe", _nll(probe, *choice, 32))]
    for how in ways:
        model = _once(room, how.name, probe, partial(tune, probe, *train, how, room, show=show))
        nll = _nll(model, *choice, how.batch)
        if nll < min(n for _, n in tried):
            best = model
        tried.append((how.name, nll))
    return best, Judged(min(tried, key=lambda t: t[1])[0], tuple(tried))
