"""Limits, false alarms and refusals of each method, and the best one by a rule that was written before anything was looked at. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from calibration.confidence.cases import F64, I64, Bool
from calibration.scope.area import auroc
from calibration.scope.methods import Method, Scale, possible
from edge.bench.accuracy_interval import Interval, wilson
from edge.errors import InputRefused

__all__ = ["FEWEST_OWN", "RULE", "Comparison", "Counted", "Kind", "Measured", "MethodFacts", "SetFacts", "compare", "fitted_limit"]

RULE = (
    "Measured: the share refused at the limit, averaged over the sets that are not for the report alone, each set counting once. The "
    "simplest method within one standard error of the highest wins (fewest parts; of equally many, what the device computes today)."
)
FEWEST_OWN = 20  # lesions or patients in each half: fewer say nothing about the hundredth picture
DRAWS = 400


class Kind(StrEnum):
    """Where pictures come from. REPORT: never to choose anything."""

    OWN = "own"
    DEV = "dev"
    RENDERED = "rendered"
    REPORT = "report"


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One set of n pictures. measures: (n, 3). groups: (n,) 0 … G - 1. shipped: (n,) refused at the bundle's limit by its own distance.

    poor: (n,) refused by the quality gate. labelled: (n,) READY as shipped. belongs: the model's own pictures, which are not to be refused.
    """

    name: str
    kind: Kind
    belongs: bool
    measures: F64
    groups: I64
    shipped: Bool
    poor: Bool
    labelled: Bool

    def __len__(self) -> int:
        return len(self.groups)

    @property
    def n_groups(self) -> int:
        return int(self.groups.max()) + 1


@dataclass(frozen=True, slots=True)
class Counted:
    """k of n pictures; ci95: Wilson's, with lesions, patients, clips or drawings as trials."""

    k: int
    n: int
    n_groups: int
    ci95: Interval

    @classmethod
    def of(cls, chosen: Bool, n_groups: int) -> "Counted":
        return cls(int(chosen.sum()), len(chosen), n_groups, wilson(float(chosen.mean()), n_groups))

    @property
    def share(self) -> float:
        return self.k / self.n


@dataclass(frozen=True, slots=True)
class SetFacts:
    """One method on one set. area: AUROC against the held half of the own pictures; None for pictures that belong."""

    refused: Counted
    area: float | None
    area_ci95: Interval | None


@dataclass(frozen=True, slots=True)
class MethodFacts:
    """limit: score past which a picture is refused, with its interval by group. false_alarms: on the held half. sets: in their order.

    refusal: what the rule looks at; short: by how much it lies below the highest, with the standard error of that difference.
    """

    name: str
    on_device: bool
    limit: float
    limit_ci95: Interval
    false_alarms: Counted
    refusal: float
    short: float
    short_se: float
    sets: tuple[SetFacts, ...]


@dataclass(frozen=True, slots=True)
class SetRow:
    """A set and what the bundle does with it as shipped: by scope alone, by quality, and how often a label is shown."""

    name: str
    kind: Kind
    belongs: bool
    n: int
    n_groups: int
    shipped: Counted
    poor: int
    labelled: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """asked: the stated false-alarm rate. fitted_on: pictures and groups of the half that limits and z-scores come from."""

    rule: str
    asked: float
    fitted_on: tuple[int, int]
    shipped_false_alarms: Counted
    sets: tuple[SetRow, ...]
    methods: tuple[MethodFacts, ...]
    best: str


def fitted_limit(scores: F64, false_alarm: float) -> float:
    """The score that the share `false_alarm` of in-domain pictures lies above, (n,)."""
    return float(np.quantile(scores, 1 - false_alarm))


def _redrawn(scores: F64, groups: I64, false_alarm: float, drawn: I64) -> F64:
    """(draws,) limits, from groups drawn anew; drawn: (draws, G) how often each group."""
    order = np.argsort(scores)
    counts = drawn[:, groups[order]].cumsum(1)
    at = (counts < np.ceil(counts[:, -1:] * (1 - false_alarm))).sum(1)
    return np.asarray(scores[order][at])


def compare(fit: Measured, held: Measured, sets: Sequence[Measured], false_alarm: float, *, seed: int = 1) -> Comparison:
    """fit: the half of the own pictures that limits come from; held: the other. Raises InputRefused where nothing can be said."""
    for half in (fit, held):
        if half.n_groups < FEWEST_OWN:
            raise InputRefused(
                f"{half.name}: one half has {half.n_groups} lesions or patients of the {FEWEST_OWN} that a limit needs",
                do="show more of the model's own",
            )
    methods = possible(fit.measures)
    if not methods:
        raise InputRefused("this model has neither gate nor bank: it cannot tell what is out of scope", do="export it with a scope bank")
    scale = Scale.of(fit.measures)
    choosing = [i for i, one in enumerate(sets) if one.kind in {Kind.DEV, Kind.RENDERED} and not one.belongs]
    if not choosing:
        raise InputRefused("no set from outside to compare on", do="give --rendered N, or --data with the other modality")
    rng = np.random.default_rng(seed)
    drawn_fit = rng.multinomial(fit.n_groups, np.full(fit.n_groups, 1 / fit.n_groups), DRAWS)
    drawn = [rng.multinomial(one.n_groups, np.full(one.n_groups, 1 / one.n_groups), DRAWS) for one in sets]
    found, refusals, redrawn = [], [], []
    for method in methods:
        facts = _facts(method, scale, fit, held, sets, false_alarm, drawn_fit, seed)
        found.append(facts)
        refusals.append(float(np.mean([facts[2][i].refused.share for i in choosing])))
        limits = _redrawn(method.scores(scale.z(fit.measures)), fit.groups, false_alarm, drawn_fit)
        redrawn.append(np.mean([_shares(method.scores(scale.z(sets[i].measures)), sets[i].groups, limits, drawn[i]) for i in choosing], 0))
    best = int(np.argmax(refusals))
    rows = []
    for method, (limit, ci95, by_set, alarms), refusal, draws in zip(methods, found, refusals, redrawn, strict=True):
        short_se = float((redrawn[best] - draws).std())
        rows.append(MethodFacts(method.name, method.on_device, limit, ci95, alarms, refusal, refusals[best] - refusal, short_se, by_set))
    chosen = next(row for row in rows if row.short <= row.short_se + 1e-12)
    shown = tuple(
        SetRow(
            one.name,
            one.kind,
            one.belongs,
            len(one),
            one.n_groups,
            Counted.of(one.shipped, one.n_groups),
            int(one.poor.sum()),
            int(one.labelled.sum()),
        )
        for one in sets
    )
    alarms = Counted.of(held.shipped, held.n_groups)
    return Comparison(RULE, false_alarm, (len(fit), fit.n_groups), alarms, shown, tuple(rows), chosen.name)


def _shares(scores: F64, groups: I64, limits: F64, drawn: I64) -> F64:
    """(draws,) share refused, limit and groups of each draw."""
    refused = np.zeros((int(groups.max()) + 1, len(limits)))
    np.add.at(refused, groups, scores[:, None] > limits)
    return np.asarray((drawn * refused.T).sum(1) / (drawn @ np.bincount(groups)))


def _facts(
    method: Method, scale: Scale, fit: Measured, held: Measured, sets: Sequence[Measured], false_alarm: float, drawn: I64, seed: int
) -> tuple[float, Interval, tuple[SetFacts, ...], Counted]:
    """Limit, its interval, what it does to each set, and its false alarms."""
    scores = method.scores(scale.z(fit.measures))
    limit = fitted_limit(scores, false_alarm)
    low, high = np.quantile(_redrawn(scores, fit.groups, false_alarm, drawn), (0.025, 0.975))
    own = method.scores(scale.z(held.measures))
    by_set = []
    for one in sets:
        outside = method.scores(scale.z(one.measures))
        area: tuple[float | None, Interval | None] = (None, None)
        if not one.belongs:
            area = auroc(own, held.groups, outside, one.groups, draws=DRAWS, seed=seed)
        by_set.append(SetFacts(Counted.of(outside > limit, one.n_groups), *area))
    return limit, (float(low), float(high)), tuple(by_set), Counted.of(own > limit, held.n_groups)
