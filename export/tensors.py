"""Tensors of an unfinished step, kept on the disk: written whole, read without executing anything."""

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from edge.errors import InputRefused
from export.store import finished

__all__ = ["keep", "kept"]


def keep(target: Path, state: dict[str, Any]) -> None:
    """Made in memory first: torch turns a full disk into an error without a name. Raises OSError."""
    made = io.BytesIO()
    torch.save(state, made)
    with finished(target) as partial:
        partial.write_bytes(made.getbuffer())


def kept(path: Path, key: str) -> dict[str, Any]:
    """What `keep` wrote under the same `key` in `state`.

    Raises InputRefused for a file that is damaged or unsafe, that holds NaN, or that another recipe, or an older version of us, has left.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputRefused(f"{path}: not a checkpoint: {reason}", do="remove it; this training then begins anew") from error
    if not isinstance(state, dict) or state.get("key") != key:
        raise InputRefused(
            f"{path}: a checkpoint of another recipe, of other pictures or of an older version",
            state="nothing was changed",
            do="remove it to begin anew, or name another folder with --runs",
        )
    if not _is_finite(state):
        raise InputRefused(f"{path}: holds NaN or infinite weights", do="remove it; this training then begins anew")
    return state


def _is_finite(part: object) -> bool:
    if isinstance(part, torch.Tensor):
        return not part.is_floating_point() or bool(torch.isfinite(part).all())
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list | tuple) else ()
    return all(_is_finite(value) for value in inner)
