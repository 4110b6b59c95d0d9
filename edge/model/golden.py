"""Golden frames: rendered pictures whose tensor and outputs were stored when the model was signed.

tensor: preprocessing must give it again, bit for bit. outputs: the engine must give them again within the tolerance that was
measured for this pair; the winner is compared where its lead is larger than two outputs may move together.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from edge.backends.session import Session
from edge.bundle.manifest import InputSpec, Pair
from edge.bundle.open import VerifiedBundle
from edge.errors import BundleRefused
from edge.frame import F32, U8
from edge.preprocess.prepare import prepare

__all__ = ["GoldenFrame", "OutputDrift", "compare_outputs", "read_golden", "tensor_differs"]


@dataclass(frozen=True, slots=True, eq=False)
class GoldenFrame:
    """frame: (h, w, 3) uint8 RGB. tensor: (height_px, width_px, 3) uint8 RGB. note: what it shows."""

    note: str
    frame: U8
    tensor: U8


@dataclass(frozen=True, slots=True)
class OutputDrift:
    """How far one golden output moved. winner_kept: None where the lead is too small for the winner to be compared."""

    note: str
    drift: float
    tolerance: float
    winner_kept: bool | None

    @property
    def holds(self) -> bool:
        return self.drift <= self.tolerance and self.winner_kept is not False


def _picture(data: bytes, name: str) -> U8:
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if found is None:
        raise BundleRefused(f"{name} in the bundle is no picture", do="export the bundle again")
    return np.ascontiguousarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB), np.uint8)


def read_golden(bundle: VerifiedBundle) -> tuple[GoldenFrame, ...]:
    """Decodes all of them. Raises BundleRefused where one is no picture or its tensor has another size than the model's input."""
    spec = bundle.manifest.input
    frames = []
    for golden in bundle.manifest.golden:
        frame = _picture(bundle.member(golden.frame), golden.frame)
        tensor = _picture(bundle.member(golden.tensor), golden.tensor)
        if tensor.shape != (spec.height_px, spec.width_px, 3):
            raise BundleRefused(
                f"{golden.tensor} is {tensor.shape[1]}x{tensor.shape[0]} and the model's input is not", do="export the bundle again"
            )
        frames.append(GoldenFrame(golden.note, frame, tensor))
    return tuple(frames)


def tensor_differs(golden: GoldenFrame, spec: InputSpec) -> int:
    """Number of values in which today's preprocessing differs from the stored tensor (0: bit for bit the same)."""
    return int(np.count_nonzero(prepare(golden.frame, spec).tensor != golden.tensor))


def compare_outputs(session: Session, golden: tuple[GoldenFrame, ...], pair: Pair) -> tuple[OutputDrift, ...]:
    """Runs every stored tensor. Empty where the pair has no golden outputs. Raises BackendFault where the engine fails."""
    proven_class = not pair.isa or session.isa in pair.isa
    tolerance = pair.tolerance if proven_class else max(pair.tolerance, pair.tolerance_elsewhere)
    return tuple(
        _drift(frame.note, np.asarray(expected, np.float32), session.run(frame.tensor).classes, tolerance)
        for frame, expected in zip(golden, pair.golden_outputs, strict=False)
    )


def _drift(note: str, expected: F32, found: F32, tolerance: float) -> OutputDrift:
    drift = float(np.max(np.abs(expected - found))) if np.isfinite(found).all() else float("inf")
    first, second = np.sort(expected)[::-1][:2]
    kept = bool(expected.argmax() == found.argmax()) if first - second > 2 * tolerance else None
    return OutputDrift(note, drift, tolerance, kept)
