"""The answer of a check: typed, so that a trial boot reads it and a person too."""

from dataclasses import dataclass

from edge.reading import ModelIdentity

__all__ = ["CheckReport", "Line"]


@dataclass(frozen=True, slots=True)
class Line:
    """One question. ok: None where it could not be asked (and `note` says why): that is no failure, and no proof."""

    name: str
    ok: bool | None
    value: str
    limit: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """passed: no line failed. proven: golden frames and agreement held, which is what `--accept` records. memory_b: PSS of this process.

    isa: class of this processor. golden, pictures, decided, agreement, reference: what a proof is made of.
    """

    model: ModelIdentity
    engine_version: str
    threads: int
    isa: str
    gate: str
    lines: tuple[Line, ...]
    passed: bool
    proven: bool
    golden: int
    pictures: int
    decided: int
    agreement: float | None
    reference: str | None
    p50_ms: float
    p95_ms: float
    memory_b: int | None

    def failures(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.ok is False)
