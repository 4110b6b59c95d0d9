"""One picture, looked at: what every step said of it, and what each cost."""

from dataclasses import dataclass

from edge.classify import Judgement
from edge.preprocess.field import Field
from edge.reading import Reason

__all__ = ["Look", "Timings"]


@dataclass(frozen=True, slots=True)
class Timings:
    """Cost of each stage in ns, monotonic clock. A stage that was not run cost 0."""

    prepare_ns: int
    quality_ns: int
    infer_ns: int = 0
    classify_ns: int = 0

    @property
    def total_ns(self) -> int:
        return self.prepare_ns + self.quality_ns + self.infer_ns + self.classify_ns


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """quality: why the picture is worth no label, or None. judgement: None where the model was not asked, because quality refused."""

    index: int
    captured_ns: int
    quality: Reason | None
    judgement: Judgement | None
    timings: Timings
    field: Field
