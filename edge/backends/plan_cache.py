"""What an engine built on this board (a TensorRT plan): derived, unsigned, never leaves the board, made again when anything differs.

A file is one line of JSON (its key and the digest of what follows) and the plan. A plan of another model, GPU, driver or
TensorRT, half a plan and noise are all told apart before a GPU sees a byte. Pure but for `read` and `write`.
"""

import hashlib
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from edge.backends.private import is_private, write_private
from edge.errors import MachineLacks

__all__ = ["PlanFault", "PlanKey", "file_name", "pack", "read", "unpack", "write"]

MAGIC: Final = b"sonoderm-plan-1\n"
MAX_HEADER_B: Final = 4096


class PlanKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a plan depends on. sm: compute capability (8.7). driver: CUDA's number and the kernel module's. l4t: Jetson's release."""

    bundle: str
    form: str
    gpu: str
    sm: str
    driver: str
    tensorrt: str
    l4t: str = ""


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: PlanKey
    sha256: str
    size_b: int


class PlanFault(StrEnum):
    """Why a cached plan is not used."""

    ABSENT = "there is none yet"
    BROKEN = "the cached plan is damaged or half written"
    STALE = "the cached plan was built for something else"
    NOT_OURS = "others may write to the cached plan"


def file_name(key: PlanKey) -> str:
    """Bundle and form in clear, the rest as a hash: a new driver gets a new file, and an old one is never mistaken for it."""
    rest = hashlib.sha256(msgspec.json.encode(key)).hexdigest()[:16]
    return f"{key.bundle[:16]}-{key.form}-{rest}.plan"


def pack(key: PlanKey, plan: bytes) -> bytes:
    header = _Header(key, hashlib.sha256(plan).hexdigest(), len(plan))
    return MAGIC + msgspec.json.encode(header) + b"\n" + plan


def unpack(data: bytes, key: PlanKey) -> bytes | PlanFault:
    """The plan, where the file is whole and of this very key."""
    end = data.find(b"\n", len(MAGIC), len(MAGIC) + MAX_HEADER_B)
    if not data.startswith(MAGIC) or end < 0:
        return PlanFault.BROKEN
    try:
        header = msgspec.json.decode(data[len(MAGIC) : end], type=_Header)
    except msgspec.DecodeError:
        return PlanFault.BROKEN
    plan = data[end + 1 :]
    if len(plan) != header.size_b or hashlib.sha256(plan).hexdigest() != header.sha256:
        return PlanFault.BROKEN
    return plan if header.key == key else PlanFault.STALE


def read(folder: Path, key: PlanKey) -> bytes | PlanFault:
    path = folder / file_name(key)
    if not path.exists():
        return PlanFault.ABSENT
    if not (is_private(path) and is_private(folder)):
        return PlanFault.NOT_OURS
    try:
        return unpack(path.read_bytes(), key)
    except OSError:
        return PlanFault.BROKEN


def write(folder: Path, key: PlanKey, plan: bytes) -> str | None:
    """None, or the warning that says why it was not kept: the model runs all the same, and is built again at the next start."""
    try:
        write_private(folder / file_name(key), pack(key, plan))
    except MachineLacks as error:
        return f"the engine plan was not kept, so the next start builds it again: {error.what}"
    return None
