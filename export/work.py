"""What the steps of one recipe share: where they work, on which pictures, and how they speak."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from export.data.table import Side
from export.pictures import Sided
from export.recipe import Recipe

__all__ = ["LATENCY", "SCHEMES", "SENSITIVITY", "Say", "Work"]

Say = Callable[[str], None]
SENSITIVITY, LATENCY = "sensitivity.json", "latency.json"
SCHEMES = {"u8s8": "u8s8", "trt-in": "trt_in"}  # form of the bundle -> how it is quantized


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """folder: this model's own. sides: its pictures."""

    recipe: Recipe
    folder: Path
    sides: dict[Side, Sided]
    say: Say

    @property
    def float_graph(self) -> Path:
        return self.folder / "float.onnx"

    @property
    def sensitivity(self) -> Path:
        """What each layer alone in INT8 does: JSON, worst first."""
        return self.folder / SENSITIVITY

    @property
    def latency(self) -> Path:
        """Speed against accuracy of every proven pair, and of FP32: JSON."""
        return self.folder / LATENCY

    def form(self, name: str) -> Path:
        return self.folder / f"{name}.onnx"
