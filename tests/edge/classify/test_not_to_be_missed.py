"""A picture on which a class that must not be missed is not ruled out gets no other label: still, live, and during a dwell."""

import msgspec
import numpy as np
import pytest

from edge.aggregate import EMPTY, Policy, Window, step
from edge.bundle.manifest import IN_SIGHT, Aggregation, OperatingPoint
from edge.classify import Guard, Judgement, Verdict, guards_of, prediction_set, set_verdict, still_verdict
from edge.reading import Reason, State
from tests.builders import a_manifest

SET_AT = (0.3, 0.3, 0.3)
GUARD = (Guard(1, 0.2),)


def judged(*p: float) -> Judgement:
    probabilities = np.array(p, np.float32)
    return Judgement(probabilities, prediction_set(probabilities, SET_AT), None, True)


@pytest.mark.parametrize(
    ("p", "state", "label"),
    [
        ((0.85, 0.15, 0.0), State.READY, 0),
        ((0.8, 0.2, 0.0), State.UNSURE, None),
        ((0.75, 0.2, 0.05), State.UNSURE, None),
        ((0.3, 0.7, 0.0), State.READY, 1),
        ((0.0, 0.1, 0.9), State.READY, 2),
    ],
    ids=["just below", "just at it", "in the set of none but not ruled out", "it is the label itself", "far from it"],
)
def test_another_label_is_given_only_where_it_is_ruled_out(p: tuple[float, ...], state: State, label: int | None) -> None:
    verdict = still_verdict(judged(*p), GUARD)
    assert (verdict.state, verdict.label) == (state, label)
    if state is State.UNSURE:
        assert (verdict.reason, 1 in verdict.set) == (Reason.TOO_MANY_CLASSES, True)


def test_without_guards_nothing_changes() -> None:
    for p in ((0.8, 0.2, 0.0), (0.5, 0.4, 0.1), (0.34, 0.33, 0.33)):
        judgement = judged(*p)
        assert still_verdict(judgement) == set_verdict(judgement.probabilities, judgement.set, ())


def run(shots: list[tuple[Judgement, int]]) -> list[Verdict]:
    window: Window = EMPTY
    said = []
    for judgement, at_ms in shots:
        policy = Policy(Aggregation(dwell_s=5.0, settle_s=0.1), SET_AT, guards=GUARD)
        window, verdict = step(window, judgement, at_ms * 1_000_000, scene_cut=False, policy=policy)
        said.append(verdict)
    return said


def test_no_dwell_keeps_a_label_over_a_class_that_came_into_sight() -> None:
    calm = [(judged(0.8, 0.15, 0.05), at) for at in range(0, 500, 33)]
    then = [(judged(0.46, 0.5, 0.04), at) for at in range(500, 3500, 33)]
    said = run(calm + then)
    assert said[len(calm) - 1].label == 0
    assert all(verdict.label is None for verdict in said[len(calm) + 12 :]), "0 holds the screen for 5 s, and may not say so"


def test_only_the_points_of_that_name_are_obeyed() -> None:
    manifest = a_manifest()
    code = manifest.labels[1].code
    points = tuple(
        OperatingPoint(name=name, label=code, at_least=at, measured_on="dev") for name, at in ((IN_SIGHT, 0.25), ("specificity 90 %", 0.4))
    )
    decision = manifest.pairs[0].decision
    pointed = msgspec.structs.replace(manifest, operating_points=points)
    assert guards_of(pointed, decision) == (Guard(1, 0.25),)
    assert guards_of(manifest, decision) == ()
    own = msgspec.structs.replace(decision, guard_at=(None, None, 0.1))
    assert guards_of(pointed, own) == (Guard(2, 0.1),), "a device's own points take the place of all of the bundle's"
