"""Do two forms of one model say the same? Compared where the reference has a clear winner: a coin toss proves nothing of either."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from edge.backends.session import Session
from edge.bundle.manifest import Manifest, Pair
from edge.classify import decide
from edge.frame import U8

__all__ = ["FLOOR", "MIN_DECIDED", "Agreement", "compare", "reference_pair"]

FLOOR = 0.98  # of the decided pictures
MIN_DECIDED = 100  # with 100 in agreement, less than 3 % disagreement at 95 % confidence (rule of three)


@dataclass(frozen=True, slots=True)
class Agreement:
    """decided: where the reference leads by more than two outputs may move together. largest: greatest difference of a probability."""

    reference: str
    pictures: int
    decided: int
    agreed: int
    largest: float

    @property
    def share(self) -> float | None:
        return self.agreed / self.decided if self.decided else None


def reference_pair(manifest: Manifest, pair: Pair, installed: frozenset[str]) -> Pair | None:
    """The proven pair that this machine can run, ONNX Runtime first (it is always here); None where there is no other than `pair`."""
    others = [p for p in manifest.pairs if p.gate == "passed" and p.engine in installed and (p.form, p.engine) != (pair.form, pair.engine)]
    return min(others, key=lambda p: (p.engine != "onnxruntime", manifest.pairs.index(p)), default=None)


def compare(tensors: Iterable[U8], candidate: tuple[Session, Pair], reference: tuple[Session, Pair], manifest: Manifest) -> Agreement:
    """Runs every tensor (height_px, width_px, 3) on both. Raises BackendFault where an engine fails or gives no numbers."""
    (session, pair), (other, other_pair) = candidate, reference
    lead = 2 * max(pair.tolerance, other_pair.tolerance)
    n = decided = agreed = 0
    largest = 0.0
    for tensor in tensors:
        ours, theirs = session.run(tensor), other.run(tensor)
        p, q = decide(ours, pair.decision, manifest.outputs), decide(theirs, other_pair.decision, manifest.outputs)
        n += 1
        largest = max(largest, float(np.abs(p - q).max()))
        first, second = np.sort(theirs.classes)[::-1][:2]
        if first - second > lead:
            decided += 1
            agreed += int(p.argmax() == q.argmax())
    return Agreement(f"{other_pair.form} on {other.engine} {other.engine_version}", n, decided, agreed, largest)
