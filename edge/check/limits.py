"""What a model must keep on this machine."""

from dataclasses import dataclass
from typing import Final

from edge.check.agreement import MIN_DECIDED

__all__ = ["EVERYDAY", "FOR_PROOF", "Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """fps, age_limit_ms: of the live run: frame period + 2 x p95 of one frame must stay within the age limit.

    memory_b: of this process, None: no limit. pictures: how many are compared with the reference form (0: none).
    least_decided: of them, how many must have a clear winner (0: as many as there are).
    """

    fps: float = 30.0
    age_limit_ms: float = 500.0
    memory_b: int | None = None
    pictures: int = 60
    least_decided: int = 0

    @property
    def p95_ms(self) -> float:
        return (self.age_limit_ms - 1000.0 / self.fps) / 2


EVERYDAY: Final = Limits()
FOR_PROOF: Final = Limits(pictures=500, least_decided=MIN_DECIDED)
