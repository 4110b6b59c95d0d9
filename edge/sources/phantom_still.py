"""Rendered stills with a known answer: what the model `phantom` is trained on, and golden frames and negatives of the others."""

from typing import Final

from edge.frame import U8
from edge.sources import phantom_derm, phantom_ultrasound
from edge.sources.phantom_hand import steady, take

__all__ = ["LABELS", "render_still"]

LABELS: Final = ("derm-disc", "derm-star", "us-cyst", "us-mass")  # the order of the model `phantom`


def render_still(label: str, seed: int, *, width_px: int = 640, height_px: int = 480, time_s: float = 1.0) -> U8:
    """(height_px, width_px, 3) uint8 RGB: the phantom that `label` names, drawn by seed, with the hand where it is at `time_s`.

    label: one of `LABELS` (ValueError otherwise). seed: any int >= 0; the same arguments give the same picture. Without mishaps: in
    focus, in contact. About 0.1 to 0.3 s on one core.
    """
    if label not in LABELS:
        raise ValueError(f"no phantom is called {label!r}; there are {', '.join(LABELS)}")
    moment = steady(take(seed), time_s)
    tick = round(time_s * 30)
    kind, form = label.split("-")
    if kind == "derm":
        return phantom_derm.look(phantom_derm.draw(seed, form, width_px, height_px), moment, tick)
    return phantom_ultrasound.look(phantom_ultrasound.draw(seed, form, width_px, height_px), moment, tick)
