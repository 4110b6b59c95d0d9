"""Do two forms of one model say the same? Compared where the reference has a clear winner: a coin toss proves nothing of either."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import comb

import numpy as np

from edge.backends.session import Session
from edge.bundle.manifest import Manifest, Pair
from edge.classify import decide
from edge.frame import U8

__all__ = ["FLOOR", "MIN_DECIDED", "QUANTISED", "SURE", "Agreement", "chance_of_so_few", "compare", "reference_pair"]

FLOOR = 0.98  # of the decided pictures
QUANTISED = 0.2  # of the range of outputs: the most that INT8 forms of one graph were seen to differ (0.01 to 0.19)
SURE = 0.05  # a form is called worse than FLOOR where so few agreements would be rarer than this
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


def chance_of_so_few(agreement: Agreement, share: float) -> float:
    """Probability of at most so many agreements among the decided ones if `share` of all pictures agreed (binomial, exact)."""
    n, k = agreement.decided, agreement.agreed
    return sum(comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(k + 1))


def reference_pair(manifest: Manifest, pair: Pair, installed: frozenset[str]) -> Pair | None:
    """The proven pair that this machine can run, ONNX Runtime first (it is always here); None where there is no other than `pair`."""
    others = [p for p in manifest.pairs if p.gate == "passed" and p.engine in installed and (p.form, p.engine) != (pair.form, pair.engine)]
    return min(others, key=lambda p: (p.engine != "onnxruntime", manifest.pairs.index(p)), default=None)


def compare(tensors: Iterable[U8], candidate: tuple[Session, Pair], reference: tuple[Session, Pair], manifest: Manifest) -> Agreement:
    """Runs every tensor (height_px, width_px, 3) on both. Raises BackendFault where an engine fails or gives no numbers."""
    (session, pair), (other, other_pair) = candidate, reference
    leads, spreads, same, differences = [], [], [], []
    for tensor in tensors:
        ours, theirs = session.run(tensor), other.run(tensor)
        p, q = decide(ours, pair.decision, manifest.outputs), decide(theirs, other_pair.decision, manifest.outputs)
        ordered = np.sort(theirs.classes)[::-1]
        leads.append(float(ordered[0] - ordered[1]))
        spreads.append(float(ordered[0] - ordered[-1]))
        same.append(bool(p.argmax() == q.argmax()))
        differences.append(float(np.abs(p - q).max()))
    name = f"{other_pair.form} on {other.engine} {other.engine_version}"
    if not leads:
        return Agreement(name, 0, 0, 0, 0.0)
    may_move = min(max(pair.tolerance, other_pair.tolerance), QUANTISED * float(np.median(spreads)))
    decided = np.asarray(leads) > 2 * may_move
    return Agreement(name, len(leads), int(decided.sum()), int((decided & np.asarray(same)).sum()), max(differences))
