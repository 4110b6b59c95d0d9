"""What a calibration report is made of. Pure: from what the engines answered to the figures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.confidence.ask import Answers
from calibration.confidence.cases import F64, Bool, Cases
from calibration.confidence.methods import Scaling, apply, losses, offset_of, uniform
from calibration.confidence.reliability import Reliability, reliability_of
from calibration.conformal.coverage import Coverage, coverage_of, in_sets
from calibration.conformal.quantile import ClassThreshold
from edge.bundle.manifest import Decision, Manifest
from edge.classify import guards_of, prediction_set, set_verdict
from edge.reading import State

__all__ = ["Bin", "CalibrationReport", "PairFacts", "SettledFacts", "bins_of", "pair_facts", "settled_facts"]

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Pictures whose likeliest class had a probability of about `said`: `right` of them were. n_groups: lesions or patients."""

    said: float
    right: float
    n: int
    n_groups: int


@dataclass(frozen=True, slots=True)
class PairFacts:
    """One (form, engine) on unseen pictures. nll in nats, at the mix of the set. ready: share in READY, refused: by scope alone."""

    form: str
    engine: str
    reliability: Reliability
    nll: float
    bins: tuple[Bin, ...]
    coverage: Coverage
    behind: tuple[ClassThreshold, ...] | None
    ready: float
    refused: float


@dataclass(frozen=True, slots=True)
class SettledFacts:
    """Of the settled readings of n clips; reliability as for stills."""

    form: str
    engine: str
    clips: int
    temperature: float
    reliability: Reliability
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """side: which pictures. command: how to make it again. prevalence: what the probabilities speak of; shares: mix of the set."""

    name: str
    version: str
    digest: str
    made_at: str
    side: str
    opening: str
    command: str
    codes: tuple[str, ...]
    n: int
    n_groups: int
    shares: tuple[float, ...]
    prevalence: tuple[float, ...]
    level: float | None
    pairs: tuple[PairFacts, ...]
    settled: SettledFacts | None


def bins_of(right: Bool, said: F64, groups: np.ndarray) -> tuple[Bin, ...]:
    """Ten bins of equal width, those that hold something."""
    index = np.clip(np.ceil(said * BINS).astype(int) - 1, 0, BINS - 1)
    found = []
    for b in range(BINS):
        inside = index == b
        if inside.any():
            found.append(Bin(float(said[inside].mean()), float(right[inside].mean()), int(inside.sum()), len(np.unique(groups[inside]))))
    return tuple(found)


def pair_facts(
    form: str,
    engine: str,
    answers: Answers,
    decision: Decision,
    manifest: Manifest,
    behind: tuple[ClassThreshold, ...] | None,
    figures: int,
) -> PairFacts:
    """figures: how many bands are judged together, named before any was looked at."""
    cases, scaling = answers.cases, Scaling.of(decision)
    prevalence = manifest.calibration_prevalence or uniform(cases.k)
    p = apply(scaling, cases.scores)
    here = apply(scaling, cases.scores, offset_of(cases.shares(), prevalence))
    right = here.argmax(1) == cases.labels
    sets = in_sets(p, decision.set_at)
    limit = np.inf if decision.out_of_scope_above is None else decision.out_of_scope_above
    outside = answers.distances > limit  # nan, no distance: not refused here
    guards = guards_of(manifest, decision)
    states = [set_verdict(row, prediction_set(row, decision.set_at), guards).state for row in p.astype(np.float32)]
    ready = np.array([state is State.READY for state in states]) & ~outside & ~answers.poor
    return PairFacts(
        form=form,
        engine=engine,
        reliability=reliability_of(right, here.max(1), cases.groups, figures=figures),
        nll=float(losses(here, cases).mean()),
        bins=bins_of(right, here.max(1), cases.groups),
        coverage=coverage_of(cases, sets, behind),
        behind=behind,
        ready=float(ready.mean()),
        refused=float(outside.mean()),
    )


def settled_facts(
    form: str, engine: str, clips: int, temperature: float, cases: Cases, prevalence: Sequence[float], figures: int
) -> SettledFacts:
    """cases: settled readings, as shown (their temperature is in them already)."""
    here = apply(Scaling.none(cases.k), cases.scores, offset_of(cases.shares(), prevalence))
    right = here.argmax(1) == cases.labels
    judged = reliability_of(right, here.max(1), cases.groups, figures=figures)
    return SettledFacts(form, engine, clips, temperature, judged, bins_of(right, here.max(1), cases.groups))
