"""Rendered phantoms with their labels: the data of the model `phantom`, negatives and golden frames of the others."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.bundle.manifest import InputSpec
from edge.frame import U8
from edge.preprocess.prepare import prepare
from edge.sources.phantom_still import LABELS, render_still
from export.store import finished, reserved

__all__ = ["phantoms"]

RENDERED_WIDTH_PX, RENDERED_HEIGHT_PX = 320, 240


def phantoms(n: int, seed: int, spec: InputSpec, folder: Path) -> tuple[U8, NDArray[np.int64]]:
    """n rendered phantoms as tensors of `spec`, (n, h, w, 3) uint8, memory-mapped, and their labels, each kind in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    shape = f"{spec.width_px}x{spec.height_px}-{spec.fit}-{spec.field}"
    target = folder / f"phantoms-{n}-{seed}-{shape}.npy"
    labels = np.arange(n, dtype=np.int64) % len(LABELS)
    if not target.exists():
        rng = np.random.default_rng(seed)
        with finished(target) as partial:
            out = reserved(partial, (n, spec.height_px, spec.width_px, 3))
            for i in range(n):
                still = render_still(
                    LABELS[labels[i]],
                    seed * 100_000 + i,
                    width_px=RENDERED_WIDTH_PX,
                    height_px=RENDERED_HEIGHT_PX,
                    time_s=float(rng.uniform(0, 30)),
                )
                out[i] = prepare(still, spec).tensor
            out.flush()
    return np.asarray(np.load(target, mmap_mode="r")), labels
