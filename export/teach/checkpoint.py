"""Read a checkpoint as tensors and nothing else: safetensors, or torch's pickle with `weights_only`, which runs no code."""

import hashlib
import json
import pickle
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from edge.errors import InputRefused

__all__ = ["WRAPPERS", "Checkpoint", "read_checkpoint", "unwrap"]

# The order of timm's loader; the first that is there is taken.
WRAPPERS = ("model_ema", "state_dict_ema", "model", "module", "state_dict", "teacher", "student")
BROKEN = (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, struct.error, zipfile.BadZipFile)
FOLDER_FILES = ("model.safetensors", "open_clip_model.safetensors", "pytorch_model.bin", "open_clip_pytorch_model.bin")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """tensors by their native names. origin: the file, for error lines. sha256: of the files that were read, in order."""

    tensors: Mapping[str, Tensor]
    origin: str
    sha256: str


def unwrap(loaded: object, origin: str) -> dict[str, Tensor]:
    """The flat state dict inside; other things beside it (optimizer, epoch) are dropped. Raises InputRefused when there is none."""
    for _ in range(4):
        if not isinstance(loaded, dict):
            break
        flat = {str(k): v for k, v in loaded.items() if isinstance(v, Tensor)}
        inner = next((w for w in WRAPPERS if isinstance(loaded.get(w), dict)), None)
        if inner is None and flat:
            return flat
        if inner is None:
            break
        loaded = loaded[inner]
    raise InputRefused(f"{origin}: holds no state dict of tensors", do="save model.state_dict() of the teacher")


def _read_file(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        try:
            return load_file(path, device="cpu")
        except (SafetensorError, OSError) as error:
            raise InputRefused(f"{path}: damaged or truncated ({error})", do="fetch the checkpoint again") from error
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputRefused(
            f"{path}: not a file of plain tensors; loading it could execute code", do="ask for safetensors, or save only state_dict()"
        ) from error
    except BROKEN as error:
        raise InputRefused(f"{path}: damaged or truncated ({type(error).__name__})", do="fetch the checkpoint again") from error
    return unwrap(loaded, str(path))


def _files(source: Path) -> list[Path]:
    if not source.is_dir():
        return [source]
    index = source / "model.safetensors.index.json"
    if index.is_file():
        try:
            shards = sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise InputRefused(f"{index}: not an index of shards", do="fetch the folder again") from error
        return [source / Path(str(shard)).name for shard in shards]
    found = next((source / name for name in FOLDER_FILES if (source / name).is_file()), None)
    if found is None:
        raise InputRefused(f"{source}: no weights in it", do=f"the folder needs one of {', '.join(FOLDER_FILES)}")
    return [found]


def read_checkpoint(source: Path) -> Checkpoint:
    """A file, or a folder in the Hugging Face or open_clip form. Raises InputRefused: absent, damaged, unsafe, or not finite."""
    tensors: dict[str, Tensor] = {}
    digest = hashlib.sha256()
    for path in _files(source):
        if not path.is_file():
            raise InputRefused(f"{path}: no such file", do="give the checkpoint's path")
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        tensors.update(_read_file(path))
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise InputRefused(f"{source}: {name} holds NaN or infinite weights", do="fetch or train the checkpoint again")
    return Checkpoint(tensors, str(source), digest.hexdigest())
