"""What range of each activation INT8 shall span: measured once on the float graph, shared by every form.

Two rules per tensor. Percentile: the stated share of the values lies inside. MSE: the range whose rounding and clipping,
in 256 steps, lose the least squared value (the sum of both errors; ml.md §4.2). The file is ONNX Runtime's own calibration
cache, so that its quantiser reads what was decided here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationMethod
from onnxruntime.quantization.calibrate import TensorData, TensorsData, save_tensors_data

from edge.errors import CheckFailed
from edge.frame import F32, U8
from export.quantize.session import session_of
from export.store import finished

__all__ = ["QUANTIZED", "Ranges", "Rule", "Samples", "choose", "sample", "write"]

QUANTIZED = ("Conv", "Clip", "Relu", "Add")
Ranges = dict[str, tuple[float, float]]  # tensor name -> low <= 0 <= high
Rule = Literal["minmax", "percentile", "mse"]
PER_PICTURE = 2048  # values of one tensor that are kept of one picture, besides its smallest and largest
STEPS, BINS = 255, 2048
SHRINK = np.linspace(0.3, 1.0, 57)
F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """values: tensor name -> (n,) float32, seeded draws over all pictures; extremes: tensor name -> smallest and largest of all values."""

    values: dict[str, F32]
    extremes: dict[str, tuple[float, float]]


def _tensors(model: onnx.ModelProto) -> list[str]:
    """Activations that a quantized node reads or writes: constants excluded."""
    constants = {tensor.name for tensor in model.graph.initializer}
    touched = [name for node in model.graph.node if node.op_type in QUANTIZED for name in (*node.input, *node.output)]
    return [name for name in dict.fromkeys(touched) if name and name not in constants]


def sample(graph: Path, pictures: U8, *, seed: int = 1) -> Samples:
    """Float graph over (n, h, w, 3) uint8: what the ranges are chosen from. CheckFailed without pictures, or on NaN."""
    if not len(pictures):
        raise CheckFailed(f"{graph.name}: no pictures to measure ranges on", do="name train pictures in the recipe")
    model = onnx.load(graph)
    names = _tensors(model)
    outputs = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names if name not in outputs)
    session = session_of(model)
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[F32]] = {name: [] for name in names}
    low, high = dict.fromkeys(names, np.inf), dict.fromkeys(names, -np.inf)
    for picture in pictures:
        for name, found in zip(names, session.run(names, {"input": np.ascontiguousarray(picture[None])}), strict=True):
            flat = np.asarray(found, np.float32).ravel()
            low[name], high[name] = min(low[name], float(flat.min())), max(high[name], float(flat.max()))
            stride = max(1, flat.size // PER_PICTURE)
            drawn[name].append(flat[rng.integers(stride) :: stride].copy())
    bad = [name for name in names if not np.isfinite((low[name], high[name])).all()]
    if bad:
        raise CheckFailed(f"{graph.name}: {bad[0]} has values that are no number", do="train again: the weights are broken")
    return Samples({name: np.concatenate(rows) for name, rows in drawn.items()}, {name: (low[name], high[name]) for name in names})


def _percentile(values: F32, share: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - share / 100) / 2, 1 - (1 - share / 100) / 2])
    return float(low), float(high)


def _lost(centres: F64, counts: F64, low: float, high: float) -> float:
    """Sum of squared errors when values at `centres` become one of 256 steps from low to high."""
    step = (high - low) / STEPS
    clipped = np.clip(centres, low, high)
    inside = clipped == centres
    return float((counts * (clipped - centres) ** 2).sum() + counts[inside].sum() * step * step / 12)


def _least_error(values: F32, low: float, high: float) -> tuple[float, float]:
    counts, edges = np.histogram(values, BINS, (low, high))
    centres, weights = (edges[1:] + edges[:-1]) / 2, counts.astype(np.float64)
    for _ in range(2):  # one end after the other, twice: their errors hardly touch
        high = min((high * s for s in SHRINK), key=lambda h: _lost(centres, weights, low, h)) if high > 0 else high
        low = min((low * s for s in SHRINK), key=lambda b: _lost(centres, weights, b, high)) if low < 0 else low
    return low, high


def choose(samples: Samples, rule: Rule, percentile: float = 99.99) -> Ranges:
    """Range (low <= 0 <= high) of every tensor by one rule; never wider than what was seen, never empty."""
    found = {}
    for name, values in samples.values.items():
        low, high = samples.extremes[name]
        low, high = min(low, 0.0), max(high, 0.0)  # 0 is a value that padding needs exactly
        if rule == "percentile":
            inner = _percentile(values, percentile)
            low, high = max(low, min(inner[0], 0.0)), min(high, max(inner[1], 0.0))
        elif rule == "mse" and high > low:
            low, high = _least_error(values, low, high)
        found[name] = (low, high) if high > low else (0.0, 1e-6)
    return found


def write(ranges: Ranges, path: Path) -> None:
    """As ONNX Runtime's calibration cache (JSON), written whole or not at all."""
    data = {name: TensorData(lowest=np.float32(low), highest=np.float32(high)) for name, (low, high) in ranges.items()}
    with finished(path) as partial:
        save_tensors_data(TensorsData(CalibrationMethod.MinMax, data), partial)
