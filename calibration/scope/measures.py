"""What an engine's outputs of one picture say about scope, higher = further out: minus the gate, distance to the bank, residual. Pure."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from calibration.confidence.cases import F64, Bool
from edge.classify import knn_distance
from edge.frame import F32

__all__ = ["Answers", "Measure", "Yardstick", "held_axes"]

HELD = 0.9  # share of the bank's variance that the kept axes hold; what they leave over is the residual's business


class Measure(IntEnum):
    """Column of a table of measures."""

    GATE = 0
    KNN = 1
    RESIDUAL = 2


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What one (form, engine) said of n pictures.

    gate: (n,) logit, higher = in scope, nan where the graph has none. embedding: (n, d) float32, d = 0 where it has none.
    distances: (n,) as the device computes them with the bundle's numbers, nan without. groups: whose pictures they are.
    poor: (n,) refused by the quality gate, which comes first on the device. labelled: (n,) READY as shipped.
    """

    gate: F64
    embedding: F32
    distances: F64
    groups: tuple[str, ...]
    poor: Bool
    labelled: Bool

    def __len__(self) -> int:
        return len(self.groups)

    def only(self, chosen: Bool) -> "Answers":
        """Those for which chosen (n,) holds."""
        groups = tuple(group for group, here in zip(self.groups, chosen, strict=True) if here)
        kept = (self.poor[chosen], self.labelled[chosen])
        return Answers(self.gate[chosen], self.embedding[chosen], self.distances[chosen], groups, *kept)


def held_axes(bank: F32) -> tuple[F32, NDArray[np.float32]]:
    """The bank's mean (d,) and the fewest principal axes (p, d) that hold the share HELD of its variance. bank: (n, d).

    Of a bundle the embedding has 128 dimensions, themselves principal axes of the network's features, cut to length 1.
    """
    centre = bank.mean(0)
    _, spread, axes = np.linalg.svd(bank - centre, full_matrices=False)
    held = np.cumsum(spread**2) / max(float((spread**2).sum()), 1e-12)
    p = min(int(np.searchsorted(held, HELD)) + 1, len(axes))
    return centre, np.ascontiguousarray(axes[:p])


class Yardstick:
    """Measures pictures against a bank of embeddings. bank: (n, d) rows of length 1, or None: the gate alone is then measured."""

    def __init__(self, bank: F32 | None, k: int) -> None:
        self._bank, self._k = bank, k
        self._axes = None if bank is None else held_axes(bank)

    @property
    def axes(self) -> int:
        """How many principal axes the residual leaves out; 0 without a bank."""
        return 0 if self._axes is None else len(self._axes[1])

    def measure(self, answers: Answers) -> F64:
        """(n, 3) float64, columns as `Measure`; nan where the model cannot say."""
        out = np.full((len(answers), len(Measure)), np.nan)
        out[:, Measure.GATE] = -answers.gate
        if self._bank is not None and answers.embedding.shape[1] == self._bank.shape[1]:
            out[:, Measure.KNN] = [knn_distance(row, self._bank, self._k) for row in answers.embedding]
            out[:, Measure.RESIDUAL] = self._residual(answers.embedding)
        return out

    def _residual(self, embedding: F32) -> F64:
        """Length of what the kept axes do not reach, as in Wang et al., "ViM", CVPR 2022, there called Residual."""
        assert self._axes is not None, "asked for with a bank only"
        centre, axes = self._axes
        lengths = np.linalg.norm(embedding, axis=1, keepdims=True)
        off = embedding / np.where(lengths > 0, lengths, 1.0) - centre
        return np.asarray(np.linalg.norm(off - (off @ axes.T) @ axes, axis=1), np.float64)
