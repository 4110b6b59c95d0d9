"""Put a checkpoint's tensors in a network, all of them, or refuse."""

from collections.abc import Mapping

from torch import Tensor, nn

from edge.errors import InputRefused
from export.torchvision_shim import import_timm

__all__ = ["fill"]

timm = import_timm()


def _to_size(tensors: dict[str, Tensor], own: Mapping[str, Tensor], body: nn.Module) -> None:
    """Learned absolute positions are resampled (bicubic, antialias) when the teacher is to see another size than it was trained at."""
    pos, want = tensors.get("pos_embed"), own.get("pos_embed")
    grid = getattr(getattr(body, "patch_embed", None), "grid_size", None)
    if pos is None or want is None or grid is None or pos.ndim != 3 or pos.shape == want.shape or pos.shape[2] != want.shape[2]:
        return
    prefix = want.shape[1] - grid[0] * grid[1]
    side = round((pos.shape[1] - prefix) ** 0.5)
    if prefix >= 0 and side * side == pos.shape[1] - prefix:
        tensors["pos_embed"] = timm.layers.resample_abs_pos_embed(pos, list(grid), num_prefix_tokens=prefix)


def fill(body: nn.Module, tensors: Mapping[str, Tensor], origin: str) -> int:
    """Load; returns how many tensors the network took. Raises InputRefused: a tensor is missing, unknown, or of another shape."""
    given, own = dict(tensors), body.state_dict()
    _to_size(given, own, body)
    missing = sorted(set(own) - set(given))
    unknown = sorted(set(given) - set(own))
    shapes = [f"{k} {tuple(given[k].shape)} for {tuple(own[k].shape)}" for k in own if k in given and given[k].shape != own[k].shape]
    if missing or unknown or shapes:
        found = len(set(own) & set(given)) - len(shapes)
        parts = [f"missing {', '.join(missing[:3])}"] * bool(missing) + [f"unknown {', '.join(unknown[:3])}"] * bool(unknown)
        parts += [f"wrong shape {', '.join(shapes[:2])}"] * bool(shapes)
        raise InputRefused(
            f"{origin}: {found} of {len(own)} encoder tensors matched ({len(missing)} missing, {len(unknown)} unknown, {len(shapes)} "
            f"of wrong shape: {'; '.join(parts)})",
            do="choose the adapter, size and options that fit this checkpoint",
        )
    body.load_state_dict(given, strict=True)
    return len(own)
