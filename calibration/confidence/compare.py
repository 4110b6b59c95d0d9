"""Which correction: cross-validated by lesion or patient; the simplest that is not a standard error worse than the best. Pure.

Every figure is of pictures that the fit has not seen, at the mix of classes that they have. Two methods are judged on the same
pictures, so the standard error is that of their difference, over groups; of the mean alone it would drown every difference in how
unlike pictures are (the rule: Breiman et al., Classification and Regression Trees, 1984, 3.4.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.confidence.cases import F64, Cases
from calibration.confidence.methods import Method, Scaling, apply, fit, losses, offset_of
from edge.bench.accuracy_metrics import ece

__all__ = ["FOLDS", "REPEATS", "Comparison", "MethodFigures", "compare", "cross_validated", "over_groups"]

FOLDS, REPEATS = 10, 3
SEED = 1


@dataclass(frozen=True, slots=True)
class MethodFigures:
    """nll, brier, ece15: cross-validated; nll in nats, with its standard error. behind: nll above the best one's, with its own.

    method None: the outputs as they are, for comparison only.
    """

    method: Method | None
    numbers: int
    nll: float
    nll_se: float
    behind: float
    behind_se: float
    brier: float
    ece15: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """rows: in order of simplicity, the uncorrected outputs first. chosen: which won, with its numbers fitted on all cases."""

    rows: tuple[MethodFigures, ...]
    chosen: Method
    scaling: Scaling
    n: int
    n_groups: int
    counts: tuple[int, ...]


def over_groups(values: F64, groups: np.ndarray) -> tuple[float, float]:
    """Mean of values (n,) and its standard error, groups drawn as wholes (linearised ratio: Cochran, Sampling Techniques, 1977, 6.4)."""
    mean = float(values.mean())
    rest = np.bincount(groups, weights=values - mean)
    g = len(rest)
    return mean, float(np.sqrt((rest**2).sum() * g / max(1, g - 1))) / len(values)


def folds_of(cases: Cases, folds: int, seed: int) -> np.ndarray:
    """(n,) fold of each picture; a group lies in one."""
    order = np.random.default_rng(seed).permutation(cases.n_groups)
    return np.asarray((order % folds)[cases.groups])


def cross_validated(
    method: Method, cases: Cases, prevalence: Sequence[float], *, folds: int = FOLDS, repeats: int = REPEATS
) -> tuple[F64, F64]:
    """(n,) loss of each picture, and (n, k) probabilities at the mix of the cases, both means over repeats of folds by group."""
    folds = min(folds, cases.n_groups)
    shares = cases.shares()
    offset = offset_of(shares, prevalence)
    loss, mean_p = np.zeros(len(cases)), np.zeros(cases.scores.shape)
    for repeat in range(repeats):
        fold = folds_of(cases, folds, SEED + repeat)
        for held in range(folds):
            out = fold == held
            scaling = fit(method, cases.only(~out), prevalence, shares)
            p = apply(scaling, cases.scores[out], offset)
            mean_p[out] += p / repeats
            loss[out] += losses(p, cases.only(out)) / repeats
    return loss, mean_p


def compare(cases: Cases, prevalence: Sequence[float], *, folds: int = FOLDS, repeats: int = REPEATS) -> Comparison:
    """The methods on the fit half of dev. prevalence: (k,) what the probabilities shall speak of."""
    offset = offset_of(cases.shares(), prevalence)
    as_is = apply(Scaling.none(cases.k), cases.scores, offset)
    looked: list[tuple[Method | None, F64, F64]] = [(None, losses(as_is, cases), as_is)]
    looked += [(method, *cross_validated(method, cases, prevalence, folds=folds, repeats=repeats)) for method in Method]
    best = min((loss for method, loss, _ in looked if method), key=lambda loss: float(loss.mean()))
    rows = tuple(_figures(method, loss, p, best, cases) for method, loss, p in looked)
    chosen = next(row.method for row in rows if row.method and row.behind <= row.behind_se)
    return Comparison(
        rows, chosen, fit(chosen, cases, prevalence), len(cases), cases.n_groups, tuple(int(count) for count in cases.counts())
    )


def _figures(method: Method | None, loss: F64, p: F64, best: F64, cases: Cases) -> MethodFigures:
    nll, nll_se = over_groups(loss, cases.groups)
    behind, behind_se = over_groups(loss - best, cases.groups)
    truth = np.zeros(p.shape)
    truth[np.arange(len(cases)), cases.labels] = 1.0
    right = p.argmax(1) == cases.labels
    return MethodFigures(
        method=method,
        numbers=method.numbers(cases.k) if method else 0,
        nll=nll,
        nll_se=nll_se,
        behind=behind,
        behind_se=behind_se,
        brier=float(((p - truth) ** 2).sum(1).mean()),
        ece15=float(ece(right, p.max(1), np.ones((1, len(cases))))[0]),
    )
