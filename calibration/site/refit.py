"""A site's own temperature from a few dozen of its cases, and whether it helps there: "cannot tell" unless it is clear. Pure.

One number is refitted, the temperature; few cases carry no more. What local cases say of the classes' frequencies enters as an offset
and is not learned (confidence/methods.py).

What may be true at this site is a distribution over temperatures: the likelihood of the local cases on a grid, times a normal prior of
the logarithm around the temperature in force. Pictures of one lesion or patient are no independent cases: the log-likelihood is divided
by the design effect of its slope (Kish, Survey Sampling, 1965).

If a temperature is true and another is used, the loss that a further picture is expected to have is a cross-entropy over the pictures at
hand; so every pair of old and new has a change of that loss, and the distribution of truths gives the change its 90 % interval. The new
temperature is the best of those whose interval lies below 0, which is often less than the whole step. "Helped" is said where there is
one; where there is none, the old temperature stays and the answer is "cannot tell". A temperature that makes the device surer needs a
99 % interval: few cases look easier than they are. A check on cases that the fit has not seen would throw most of a few dozen away: on
simulated sites it saw half of what this sees.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from calibration.confidence.cases import F64, Cases
from calibration.confidence.methods import Scaling, offset_of
from edge.errors import InputRefused

__all__ = ["FEWEST_CASES", "FEWEST_GROUPS_OF_CLASS", "Refit", "Verdict", "refit", "require_enough"]

FEWEST_CASES, FEWEST_GROUPS_OF_CLASS = 20, 5
LOG_STEPS = np.linspace(-1.6, 1.6, 81)  # temperatures tried, as factors of the one in force: a fifth to five times, 4 % apart
NOW = len(LOG_STEPS) // 2
PRIOR_SD = 0.5  # of the logarithm of the factor: with two thirds, a site wants 0.6 to 1.65 times the temperature of the bundle
SURE, SURE_TO_LOWER = 0.95, 0.995  # share of the truths that agree: one side of a 90 % interval, and of a 99 % one


class Verdict(StrEnum):
    HELPED = "helped"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Refit:
    """old, new: temperatures; new is old where nothing can be told. likeliest, ci90: what the local cases say of the site's own one.

    change, change_ci90: of the loss of a further picture when new takes the place of old, nats; below 0 is better. Where nothing can be
    told: of taking the likeliest one. n_groups: lesions or patients; counts: pictures of each class.
    """

    verdict: Verdict
    old: float
    new: float
    likeliest: float
    ci90: tuple[float, float]
    change: float
    change_ci90: tuple[float, float]
    n: int
    n_groups: int
    counts: tuple[int, ...]


def require_enough(cases: Cases, codes: Sequence[str]) -> None:
    """Raises InputRefused where no temperature can be told at all: too few cases, or one class only."""
    untouched = "the profile is as it was"
    groups = cases.groups_of_class()
    there = [c for c in range(cases.k) if groups[c]]
    if len(there) < 2:
        only = codes[there[0]] if there else "none"
        raise InputRefused(f"all local cases are of one class ({only})", state=untouched, do="add cases of another class")
    if cases.n_groups < FEWEST_CASES:
        what = f"{cases.n_groups} local cases (lesions or patients), and {FEWEST_CASES} are the least"
        raise InputRefused(what, state=untouched, do="collect more labelled cases at this site")
    if sum(groups[c] >= FEWEST_GROUPS_OF_CLASS for c in there) < 2:
        what = f"fewer than two classes have {FEWEST_GROUPS_OF_CLASS} local cases"
        raise InputRefused(what, state=untouched, do="add cases of the rarer classes")


def refit(cases: Cases, now: Scaling, prevalence: Sequence[float]) -> Refit:
    """now: what is in force, cases.scores the outputs before it. prevalence: what its probabilities speak of. `require_enough` first."""
    log_p = _log_probabilities(cases, now, prevalence)
    m, n, k = log_p.shape
    own = -log_p[:, np.arange(n), cases.labels]  # (m, n): loss of each picture at each temperature
    truth = _truths(own, cases)
    rows = np.where(np.isfinite(log_p), log_p, 0.0).reshape(m, n * k)  # a class without a local case: 0 times its logarithm is 0
    cross = -np.einsum("tc,uc->tu", np.exp(log_p).reshape(m, n * k), rows) / n  # [truth, used]; `@` would wake a BLAS thread per core
    change = cross - cross[:, [NOW]]
    sure = truth @ (change < 0) >= np.where(LOG_STEPS > 0, SURE, SURE_TO_LOWER)
    expected = truth @ change
    best = int(np.argmin(np.where(sure, expected, np.inf))) if sure.any() else int(np.argmin(expected))
    return Refit(
        verdict=Verdict.HELPED if sure.any() else Verdict.CANNOT_TELL,
        old=now.temperature,
        new=_at(now, best) if sure.any() else now.temperature,
        likeliest=_at(now, int(np.argmax(truth))),
        ci90=(_at(now, _quantile(LOG_STEPS, truth, 0.05)), _at(now, _quantile(LOG_STEPS, truth, 0.95))),
        change=float(expected[best]),
        change_ci90=(
            float(change[_quantile(change[:, best], truth, 0.05), best]),
            float(change[_quantile(change[:, best], truth, 0.95), best]),
        ),
        n=n,
        n_groups=cases.n_groups,
        counts=tuple(int(c) for c in cases.counts()),
    )


def _at(now: Scaling, step: int) -> float:
    return float(now.temperature * np.exp(LOG_STEPS[step]))


def _quantile(values: F64, weights: F64, q: float) -> int:
    """Index of the weighted quantile."""
    order = np.argsort(values, kind="stable")
    at = int(np.searchsorted(np.cumsum(weights[order]), q - 1e-12))
    return int(order[min(at, len(order) - 1)])


def _truths(own: F64, cases: Cases) -> F64:
    """(m,) probability of each temperature, from the losses (m, n)."""
    total = own.sum(1)
    best = int(np.argmin(total))
    beside = min(max(best, 1), len(total) - 2)
    slope = own[beside + 1] - own[beside - 1]  # of each picture, up to a factor
    slope = slope - slope.mean()
    together = np.bincount(cases.groups, weights=slope)
    design = max(1.0, float((together**2).sum() / max((slope**2).sum(), 1e-300)))
    log_weight = -(total - total[best]) / design - LOG_STEPS**2 / (2 * PRIOR_SD**2)
    weight = np.exp(log_weight - log_weight.max())
    return np.asarray(weight / weight.sum())


def _log_probabilities(cases: Cases, now: Scaling, prevalence: Sequence[float]) -> F64:
    """(m, n, k) log-probabilities at each of the tried temperatures, at the mix of the local cases."""
    scores = cases.scores - cases.scores.max(1, keepdims=True)
    scores = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    scores = scores * np.asarray(now.scale or 1.0) / now.temperature
    z = scores[None] / np.exp(LOG_STEPS)[:, None, None] + np.asarray(now.bias) + offset_of(cases.shares(), prevalence)
    z = z - z.max(2, keepdims=True)
    return np.asarray(z - np.log(np.exp(z).sum(2, keepdims=True)))
