"""What a teacher is to everything after it: a size, an identity, and features of pictures."""

from typing import Annotated, Protocol

import msgspec
from torch import Tensor

__all__ = ["NamedTeacher", "Teacher", "TeacherIdentity", "TeacherSpec", "open_teacher"]

Scalar = str | int | float | bool
SidePx = Annotated[int, msgspec.Meta(ge=16, le=2048)]


class TeacherSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which teacher. adapter: a row of `export.teach.table.ADAPTERS`; source: path of a file or folder, or a timm name.

    options: what the checkpoint does not say of itself (see the adapter's row). members: only of an ensemble.
    """

    adapter: str
    source: str
    width_px: SidePx
    height_px: SidePx
    options: dict[str, Scalar] = {}
    members: tuple["TeacherSpec", ...] = ()


class TeacherIdentity(msgspec.Struct, frozen=True):
    """What the card says of a teacher. sha256: of its weight file or files; proof: how far the key map is proven."""

    name: str
    source: str
    sha256: str
    licence: str
    proof: str
    matched: int  # tensors of the checkpoint that are in the encoder
    left_over: int  # tensors that were set aside on purpose: decoders, text towers, masks, heads


class Teacher(Protocol):
    @property
    def identity(self) -> TeacherIdentity: ...

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the pictures it wants, in pixels."""
        ...

    def features(self, x: Tensor) -> Tensor:
        """uint8 RGB (n, h, w, 3) of `size` -> float32 (n, d), without gradients. Raises InputRefused for another size or type."""
        ...


class NamedTeacher(Teacher, Protocol):
    """A teacher that exists only as stored embeddings: it knows pictures by name, and `features` refuses."""

    def named(self, names: tuple[str, ...]) -> Tensor:
        """float32 (n, d), a row per name. Raises InputRefused for a name that has no embedding."""
        ...


def open_teacher(spec: TeacherSpec) -> Teacher:
    """Load it whole, or raise InputRefused: no tensor of the encoder is ever missing or left at random."""
    from export.teach.table import open_adapter

    return open_adapter(spec)
