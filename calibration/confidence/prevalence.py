"""Probabilities for another mix of classes than the one they were calibrated at. Pure.

If pictures of each class look as they did and only the classes' frequencies differ, the odds of a class are multiplied with
(new prevalence / old prevalence) (Saerens, Latinne and Decaestecker, Neural Computation 2002): a bias. It is an assumption that no
label here can check; another camera or another kind of patient breaks it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log

from msgspec.structs import replace

from calibration.conformal.carry import under_bias
from edge.bundle.manifest import Decision
from edge.errors import UsageError

__all__ = ["at_prevalence", "parse_prevalence"]

EXAMPLE = "mel=0.05,nv=0.8,bkl=0.15"
LEAST = 1e-4  # below, one confident picture in ten thousand could never be believed: such a class is left out of the model, not of the odds


@dataclass(frozen=True, slots=True)
class _Part:
    code: str
    share: float


def _part(text: str) -> _Part:
    code, equals, value = text.partition("=")
    try:
        share = float(value)
    except ValueError:
        share = float("nan")
    if not equals or not code.strip() or not isfinite(share):
        raise UsageError(f"--prevalence: '{text.strip()}' is no CODE=SHARE", do=f"write it as {EXAMPLE}")
    return _Part(code.strip(), share)


def parse_prevalence(text: str, codes: Sequence[str]) -> tuple[float, ...]:
    """'mel=0.05,nv=0.8,…' -> one share a class, sum 1. One class may be left out: it gets the rest. Raises UsageError."""
    parts = [_part(word) for word in text.split(",") if word.strip()]
    given = {part.code: part.share for part in parts}
    if len(given) != len(parts):
        raise UsageError("--prevalence: a class stands twice", do=f"write each class once: {EXAMPLE}")
    if strange := sorted(given.keys() - set(codes)):
        raise UsageError(f"--prevalence: the model has no class {', '.join(strange)}", do=f"it has {', '.join(codes)}")
    lacking = [code for code in codes if code not in given]
    if len(lacking) > 1:
        raise UsageError(f"--prevalence: nothing is said of {', '.join(lacking)}", do="name all classes but one, which gets the rest")
    rest = 1.0 - sum(given.values())
    shares = tuple(given.get(code, rest) for code in codes)
    if abs(sum(shares) - 1) > 1e-6:
        raise UsageError(f"--prevalence: the shares sum to {sum(shares):.4g}, not to 1", do="correct them, or leave one class out")
    if low := [code for code, share in zip(codes, shares, strict=True) if share < LEAST]:
        raise UsageError(f"--prevalence: {', '.join(low)} would have less than {LEAST:g}", do="give every class some share")
    return tuple(share / sum(shares) for share in shares)


def at_prevalence(decision: Decision, old: Sequence[float], new: Sequence[float]) -> Decision:
    """The decision whose probabilities speak of `new` where those of `decision` speak of `old`.

    Thresholds of the sets and of classes that must not be missed are carried over, so that a rarer class is not missed more often.
    """
    factors = [b / a for a, b in zip(old, new, strict=True)]
    moved = [b + log(f) for b, f in zip(decision.bias, factors, strict=True)]
    middle = sum(moved) / len(moved)
    guards = under_bias([at or 0.0 for at in decision.guard_at], factors) if decision.guard_at else ()
    return replace(
        decision,
        bias=tuple(round(b - middle, 5) for b in moved),
        set_at=under_bias(decision.set_at, factors),
        guard_at=tuple(None if at is None else new for at, new in zip(decision.guard_at, guards, strict=True)),
    )
