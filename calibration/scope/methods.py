"""The methods that are compared: sums of z-scores. A table in the order from simple to complex, which decides between equals."""

from dataclasses import dataclass

import numpy as np

from calibration.confidence.cases import F64
from calibration.scope.measures import Measure

__all__ = ["METHODS", "Method", "Scale", "possible"]


@dataclass(frozen=True, slots=True)
class Method:
    """parts: what is summed. on_device: a bundle's manifest can carry it today (edge.classify.scope_distance)."""

    name: str
    parts: tuple[Measure, ...]
    on_device: bool

    def scores(self, z: F64) -> F64:
        """(n, 3) z-scores -> (n,), higher = further out."""
        return np.asarray(z[:, [int(part) for part in self.parts]].sum(1))


METHODS = (  # fewest parts first; of equally many, what the device computes today first
    Method("gate", (Measure.GATE,), True),
    Method("kNN", (Measure.KNN,), True),
    Method("residual", (Measure.RESIDUAL,), False),
    Method("gate + kNN", (Measure.GATE, Measure.KNN), True),
    Method("residual + kNN", (Measure.RESIDUAL, Measure.KNN), False),
    Method("gate + kNN + residual", (Measure.GATE, Measure.KNN, Measure.RESIDUAL), False),
)


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Mean and spread of each measure on in-domain pictures that no bank and no gate was made from, (3,) each."""

    mean: F64
    sd: F64

    @classmethod
    def of(cls, measures: F64) -> "Scale":
        return cls(measures.mean(0), measures.std(0) + 1e-6)

    def z(self, measures: F64) -> F64:
        return np.asarray((measures - self.mean) / self.sd)


def possible(measures: F64) -> tuple[Method, ...]:
    """Those whose parts the model gives, (n, 3)."""
    given = [bool(np.isfinite(column).all()) for column in measures.T]
    return tuple(method for method in METHODS if all(given[part] for part in method.parts))
