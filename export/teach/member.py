"""A member of a recipe's teacher that comes from a checkpoint: loaded whole, adapted to the task, kept with its lineage."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import torch

from edge.errors import UsageError
from edge.frame import U8
from export.recipe import Adapted
from export.teach.adapt import I64, AdaptedTeacher, Adapting, Room, Show, adapt
from export.teach.lineage import Lineage, write_lineage
from export.teach.network import NetworkTeacher
from export.teach.stored import StoredTeacher
from export.teach.teacher import TeacherSpec, open_teacher

__all__ = ["adapted_member", "open_member"]


def open_member(member: Adapted, data: Path) -> NetworkTeacher | StoredTeacher:
    """Raises InputRefused for a file that is absent, unsafe, damaged or of another layout, UsageError for an ensemble."""
    installed = member.adapter == "timm" and "backbone" not in member.options  # its file is the name of an installed network
    source = member.file if installed else str(data / member.file)
    teacher = open_teacher(TeacherSpec(member.adapter, source, member.width_px, member.height_px, dict(member.options)))
    if not isinstance(teacher, NetworkTeacher | StoredTeacher):
        raise UsageError(f"{member.adapter!r} is no single network", do="name the networks of an ensemble one by one")
    return teacher


def _key(member: Adapted, teacher: NetworkTeacher, context: bytes, train: tuple[U8, I64], choice: tuple[U8, I64]) -> str:
    how = msgspec.structs.replace(member, file="")  # a file that was moved is the same file
    digest = hashlib.sha256(msgspec.json.encode(how) + teacher.identity.sha256.encode() + context)
    for pixels, labels in (train, choice):
        digest.update(f"{pixels.shape}".encode() + labels.tobytes())
    return digest.hexdigest()


def adapted_member(
    member: Adapted,
    teacher: NetworkTeacher,
    train: tuple[U8, I64],
    choice: tuple[U8, I64],
    k: int,
    folder: Path,
    *,
    seed: int,
    context: bytes,
    show: Show,
    say: Callable[[str], object],
    device: torch.device,
) -> AdaptedTeacher:
    """Probe and tunings, or what earlier runs in `folder` kept of them. context: what else the pictures shown hang on, encoded."""
    key = _key(member, teacher, context, train, choice)
    room = Room(folder / f"adapted-{key[:16]}", key, say)
    room.folder.mkdir(parents=True, exist_ok=True)
    teacher.tower.to(device)
    ways = tuple(Adapting(rank, member.epochs, member.batch, member.lr, seed) for rank in member.ranks)
    model, judged = adapt(teacher, train, choice, k, ways, room, l2=member.l2, show=show)
    write_lineage(Lineage(teacher.identity, judged.way, judged.nll), folder)
    say(f"kept: {judged.way} ({', '.join(f'{way} {nll:.3f}' for way, nll in judged.nll)}; NLL on the kept tenth)")
    return model.cpu()
