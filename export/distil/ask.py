"""Ask the teacher once: what each member says of K fixed crops of every train picture, kept on disk, one file per crop."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as fn

from edge.frame import F32, U8
from export.distil.lesson import Pictures, Taught, crop
from export.recipe import Recipe
from export.store import finished

__all__ = ["Answers", "Witness", "ask", "taught_by"]

KEPT = 128  # dimensions kept of each member's embedding, by PCA: what is left carries no class


class Witness(Protocol):
    """A network that can be asked: a member of ours (`Student`), or one that came from a checkpoint (`AdaptedTeacher`)."""

    def answer(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (n, h, w, 3) -> logits (n, k), and what the classifier saw (n, d)."""
        ...

    def state_dict(self) -> dict[str, Any]: ...
    def eval(self) -> Any: ...
    def to(self, device: torch.device) -> Any: ...


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """One member's word on K crops: log probabilities (n, K, k) and pooled features (n, K, d), means over crop and mirror image."""

    log_p: F32
    features: F32


def _key(recipe: Recipe, member: Witness, pictures: Pictures) -> str:
    digest = hashlib.sha256(msgspec.json.encode((recipe.augment, recipe.train.seed, recipe.input, recipe.train.grey)))
    for name, tensor in member.state_dict().items():
        digest.update(name.encode() + tensor.cpu().numpy().tobytes())
    digest.update(f"{len(pictures.labels)}".encode() + pictures.labels.tobytes())
    return digest.hexdigest()[:16]


def _look(member: Witness, pixels: U8, device: torch.device) -> tuple[F32, F32]:
    """Probabilities (n, k) and features (n, d) of a batch."""
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16):
        logits, pooled = member.answer(torch.from_numpy(pixels).to(device))
    return fn.softmax(logits.float(), 1).cpu().numpy(), pooled.float().cpu().numpy()


def _one_crop(member: Witness, pictures: Pictures, number: int, recipe: Recipe, device: torch.device) -> tuple[F32, F32]:
    log_p, features = [], []
    for start in range(0, len(pictures.labels), 32):
        places = range(start, min(start + 32, len(pictures.labels)))
        batch = np.stack([crop(pictures, i, number, recipe)[0] for i in places])
        p, f = _look(member, batch, device)
        if recipe.augment.flip_x:
            mirrored = _look(member, np.ascontiguousarray(batch[:, :, ::-1]), device)
            p, f = np.asarray((p + mirrored[0]) / 2, np.float32), np.asarray((f + mirrored[1]) / 2, np.float32)
        log_p.append(np.log(np.maximum(p, 1e-7)).astype(np.float32))
        features.append(f.astype(np.float32))
    return np.concatenate(log_p), np.concatenate(features)


def ask(member: Witness, pictures: Pictures, recipe: Recipe, folder: Path, said: Callable[[int], None]) -> Answers:
    """recipe: the member's own (`member_recipe`). What `folder` holds of an earlier, killed run is not asked again.

    said: called with the number of crops that are done.
    """
    member.eval()
    folder = folder / f"asked-{_key(recipe, member, pictures)}"
    folder.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    member.to(device)
    log_p, features = [], []
    for number in range(recipe.distil.crops):
        file = folder / f"crop-{number}.npz"
        if not file.exists():
            answered = _one_crop(member, pictures, number, recipe, device)
            with finished(file) as partial, partial.open("wb") as out:
                np.savez(out, log_p=answered[0], features=answered[1].astype(np.float16))
        with np.load(file) as kept:
            log_p.append(kept["log_p"])
            features.append(kept["features"].astype(np.float32))
        said(number + 1)
    return Answers(np.stack(log_p, 1), np.stack(features, 1))


def _basis(features: F32) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean (d,) and the main axes (d, KEPT or fewer) of (m, d)."""
    centre = features.mean(0)
    _, axes = np.linalg.eigh(np.cov((features - centre).T))
    return centre, axes[:, ::-1][:, :KEPT].astype(np.float32)


def taught_by(answers: tuple[Answers, ...]) -> Taught:
    """The ensemble's word: log of the mean probability, and the members' embeddings side by side, each of the same weight."""
    p = np.mean([np.exp(answer.log_p) for answer in answers], axis=0)
    parts = []
    for answer in answers:
        n, crops, d = answer.features.shape
        flat = answer.features.reshape(-1, d)
        centre, axes = _basis(flat)
        part = (flat - centre) @ axes
        parts.append((part / np.linalg.norm(part, axis=1).mean()).reshape(n, crops, -1))
    return Taught(np.log(np.maximum(p, 1e-7)).astype(np.float32), np.concatenate(parts, 2).astype(np.float32))
