"""Judgements over time: when a label comes, how long it stands, and how fast it goes. No test here waits."""

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.aggregate import EMPTY, GAP_S, Policy, Window, step
from edge.bundle.manifest import Aggregation
from edge.classify import Judgement, Verdict, prediction_set
from edge.reading import Reason, State

S = 1_000_000_000
SET_AT = (0.3, 0.3, 0.3)
POLICY = Policy(Aggregation(), SET_AT)
SCOPED = Policy(Aggregation(), SET_AT, out_of_scope_above=3.0)


def saw(*p: float, distance: float | None = None, in_scope: bool = True) -> Judgement:
    probabilities = np.array(p, np.float32)
    return Judgement(probabilities, prediction_set(probabilities, SET_AT[: len(p)]), distance, in_scope)


A, B, C = saw(0.9, 0.05, 0.05), saw(0.05, 0.9, 0.05), saw(0.05, 0.05, 0.9)
FAR, NEAR = saw(0.9, 0.05, 0.05, distance=9.0, in_scope=False), saw(0.9, 0.05, 0.05, distance=0.0)
Seen = Judgement | Reason
Shot = tuple[float, Seen]


def run(
    shots: Iterable[Shot], *, policy: Policy = POLICY, window: Window = EMPTY, cut_at: Sequence[float] = ()
) -> tuple[Window, list[tuple[float, Verdict]]]:
    said = []
    for at_s, seen in shots:
        window, verdict = step(window, seen, round(at_s * S), scene_cut=at_s in cut_at, policy=policy)
        said.append((at_s, verdict))
    return window, said


def shots(seen: Seen, from_s: float, to_s: float, fps: float = 30) -> list[Shot]:
    n = round((to_s - from_s) * fps)
    return [(from_s + i / fps, seen) for i in range(n)]


def first(said: list[tuple[float, Verdict]], *, label: int | None = None, state: State | None = None, after_s: float = -1) -> float:
    return next(t for t, v in said if t > after_s and (label is None or v.label == label) and (state is None or v.state is state))


def last(said: list[tuple[float, Verdict]], label: int) -> float:
    return max(t for t, v in said if v.label == label)


def test_no_label_before_a_quarter_of_a_second_of_evidence() -> None:
    _, said = run(shots(A, 0, 1))
    assert said[0][1] == Verdict(State.STARTING, Reason.SETTLING)
    assert 0.24 < first(said, label=0) < 0.31
    assert all(v.state is State.READY for t, v in said if t > 0.31)


@pytest.mark.parametrize("fps", [8, 10, 15, 25, 30, 60])
def test_the_first_label_comes_at_the_same_time_whatever_the_frame_rate(fps: float) -> None:
    _, said = run(shots(A, 0, 1, fps))
    assert 0.25 - 1e-6 <= first(said, label=0) < 0.25 + 1.01 / fps


@settings(max_examples=60)
@given(st.lists(st.sampled_from([A, B, C, saw(0.5, 0.4, 0.1), saw(0.34, 0.33, 0.33)]), min_size=2, max_size=6))
def test_ten_and_sixty_pictures_a_second_give_the_same_probabilities(scenes: list[Judgement]) -> None:
    """The same subject sampled at two rates: at the common end the averages agree, but for the first picture's share."""
    ends = []
    for fps in (10, 60):
        # Each stretch of 0.5 s holds right-open intervals: a picture at t stands for the time before it.
        pictures = [(i * 0.5 + (k + 1) / fps, seen) for i, seen in enumerate(scenes) for k in range(round(0.5 * fps))]
        window, _ = run(pictures)
        assert window.probabilities is not None
        ends.append(window.probabilities)
    np.testing.assert_allclose(ends[0], ends[1], atol=0.06)


@settings(max_examples=60)
@given(st.permutations([A, B, C]), st.integers(1, 5))
def test_pictures_of_the_same_moment_count_once_whatever_their_order(seen: list[Judgement], times: int) -> None:
    window, _ = run(shots(A, 0, 0.5))
    again, _ = run([(0.5 - 1 / 30, s) for s in seen * times], window=window)
    assert window.probabilities is not None
    assert again.probabilities is not None
    np.testing.assert_allclose(again.probabilities, window.probabilities, atol=1e-6)
    assert again.evidence_s == window.evidence_s


@settings(max_examples=80)
@given(st.lists(st.tuples(st.floats(0.001, 0.7), st.sampled_from([A, B, C, Reason.MOVING, Reason.TOO_DARK, FAR])), max_size=40))
def test_a_label_is_only_ever_said_in_ready_with_a_confidence_and_in_its_set(moves: list[tuple[float, Seen]]) -> None:
    t, window = 0.0, EMPTY
    for dt, seen in moves:
        t += dt
        window, verdict = step(window, seen, round(t * S), scene_cut=False, policy=SCOPED)
        assert (verdict.label is not None) == (verdict.state is State.READY)
        assert (verdict.reason is None) == (verdict.state is State.READY)
        if verdict.label is not None:
            assert verdict.set[0] == verdict.label
            assert 1 <= len(verdict.set) <= 2
            assert verdict.confidence is not None
            assert 0 < verdict.confidence <= 1
            assert window.newest_ns is not None
            assert round(t * S) - window.newest_ns <= 0.151 * S


def test_one_odd_picture_does_not_move_the_label() -> None:
    pictures = [*shots(A, 0, 1), (1.0, B), *shots(A, 1.0 + 1 / 30, 2)]
    _, said = run(pictures)
    assert all(v.label == 0 for t, v in said if t > 0.35)


@pytest.mark.parametrize("dwell_s", [0.0, 1.0, 30.0])
def test_after_a_scene_change_the_old_label_is_gone_at_once_whatever_the_dwell(dwell_s: float) -> None:
    policy = Policy(Aggregation(dwell_s=dwell_s), SET_AT)
    _, said = run(shots(A, 0, 1) + shots(B, 1, 2), policy=policy, cut_at=[1.0])
    assert last(said, 0) < 1.0
    assert first(said, state=State.STARTING, after_s=0.9) == 1.0
    assert 1.24 < first(said, label=1) < 1.31


@pytest.mark.parametrize("dwell_s", [1.0, 30.0])
def test_a_change_that_no_cut_announced_takes_the_old_label_away_within_a_quarter_of_a_second(dwell_s: float) -> None:
    policy = Policy(Aggregation(dwell_s=dwell_s), SET_AT)
    _, said = run(shots(A, 0, 1.2) + shots(B, 1.2, 3), policy=policy)
    assert last(said, 0) < 1.2 + 0.25
    assert any(v.reason is Reason.DISAGREE_IN_TIME for _, v in said)


def test_a_label_stands_for_its_dwell_and_then_gives_way_to_one_that_leads() -> None:
    close_a, close_b = saw(0.5, 0.4, 0.1), saw(0.38, 0.52, 0.1)
    policy = Policy(Aggregation(dwell_s=1.0, switch_margin=0.05), SET_AT)
    _, said = run(shots(close_a, 0, 0.5) + shots(close_b, 0.5, 3), policy=policy)
    shown_from = first(said, label=0)
    turned = first(said, label=1)
    assert turned - shown_from >= 1.0 - 1e-6
    assert all(v.label in (None, 1) for t, v in said if t > turned)


def test_a_label_that_leads_by_less_than_the_margin_never_takes_over() -> None:
    close_a, close_b = saw(0.5, 0.4, 0.1), saw(0.43, 0.47, 0.1)
    _, said = run(shots(close_a, 0, 1) + shots(close_b, 1, 6))
    assert {v.label for _, v in said} == {None, 0}


def test_labels_that_take_turns_disagree_in_time() -> None:
    pictures = [(i / 30, saw(0.75, 0.24, 0.01) if i % 2 else saw(0.24, 0.75, 0.01)) for i in range(60)]
    _, said = run(pictures)
    assert all(v.state is not State.READY for _, v in said)
    assert said[-1][1].reason in (Reason.DISAGREE_IN_TIME, Reason.TOO_MANY_CLASSES)


@pytest.mark.parametrize("reason", [Reason.TOO_DARK, Reason.TOO_BRIGHT, Reason.NO_CONTACT, Reason.NO_FIELD_OF_VIEW])
def test_no_label_stands_on_a_picture_without_contact_or_light(reason: Reason) -> None:
    _, said = run([*shots(A, 0, 1), (1.0, reason)])
    assert said[-1][1] == Verdict(State.POOR_IMAGE, reason)


@pytest.mark.parametrize("reason", [Reason.MOVING, Reason.OUT_OF_FOCUS])
def test_a_short_blur_is_borne_and_a_long_one_is_not(reason: Reason) -> None:
    window, said = run(shots(A, 0, 1) + shots(reason, 1, 1.4))
    assert said[-1][1] == Verdict(State.POOR_IMAGE, reason)
    assert last(said, 0) == pytest.approx(1.1, abs=0.03)
    assert window.newest_ns == pytest.approx((1 - 1 / 30) * S, abs=2), "the label's own time does not move with the blur"


def test_a_blur_bears_no_label_that_did_not_stand() -> None:
    _, said = run([*shots(A, 0, 0.1), (0.1, Reason.MOVING)])
    assert said[-1][1].state is State.POOR_IMAGE


def test_after_a_short_refusal_the_label_comes_back_at_once() -> None:
    _, said = run([*shots(A, 0, 1), *shots(Reason.TOO_DARK, 1, 1.3), *shots(A, 1.3, 1.5)])
    assert first(said, label=0, after_s=1.0) == pytest.approx(1.3, abs=0.001)


@pytest.mark.parametrize("nothing", [[], shots(Reason.NO_CONTACT, 1, 1 + GAP_S + 0.1)], ids=["no picture", "only poor ones"])
def test_after_half_a_second_without_a_good_picture_everything_begins_anew(nothing: list[Shot]) -> None:
    began = 1 + GAP_S + 0.1
    _, said = run([*shots(A, 0, 1), *nothing, *shots(A, began, began + 1)])
    assert first(said, state=State.STARTING, after_s=1.0) == pytest.approx(began, abs=0.001)
    assert first(said, label=0, after_s=1.0) == pytest.approx(began + 0.25, abs=0.04)


def test_a_picture_older_than_the_last_begins_anew() -> None:
    _, said = run([*shots(A, 5, 6), (2.0, A)])
    assert said[-1][1].state is State.STARTING


def test_out_of_scope_shows_within_a_quarter_of_a_second_and_takes_the_label() -> None:
    _, said = run(shots(NEAR, 0, 1) + shots(FAR, 1, 2), policy=SCOPED)
    assert first(said, state=State.OUT_OF_SCOPE) < 1.25
    assert last(said, 0) < 1.25
    assert all(v.state is State.OUT_OF_SCOPE for t, v in said if t > 1.25)


def test_out_of_scope_from_the_first_picture_never_shows_a_label() -> None:
    _, said = run(shots(FAR, 0, 1), policy=SCOPED)
    assert {v.state for _, v in said} == {State.OUT_OF_SCOPE}


def test_coming_back_into_scope_needs_evidence_anew() -> None:
    _, said = run(shots(FAR, 0, 1) + shots(NEAR, 1, 3), policy=SCOPED)
    back = first(said, label=0)
    assert 1.3 < back < 1.8
    assert any(v.state is State.STARTING for t, v in said if 1 < t < back)


def test_one_picture_out_of_scope_is_no_reason_to_blink() -> None:
    _, said = run([*shots(NEAR, 0, 1), (1.0, FAR), *shots(NEAR, 1 + 1 / 30, 2)], policy=SCOPED)
    assert all(v.label == 0 for t, v in said if t > 0.35)


def test_scope_without_a_distance_follows_the_judgement() -> None:
    out = saw(0.9, 0.05, 0.05, in_scope=False)
    _, said = run(shots(out, 0, 1), policy=SCOPED)
    assert {v.state for _, v in said} == {State.OUT_OF_SCOPE}


def test_a_model_without_a_scope_check_never_says_out_of_scope() -> None:
    _, said = run(shots(FAR, 0, 1))
    assert all(v.state is not State.OUT_OF_SCOPE for _, v in said)


def test_two_classes_that_both_fit_are_no_label_of_a_two_class_model() -> None:
    both = Judgement(np.array([0.55, 0.45], np.float32), (0, 1), None, True)
    _, said = run(shots(both, 0, 1), policy=Policy(Aggregation(), (0.3, 0.3)))
    assert said[-1][1].reason is Reason.TOO_MANY_CLASSES


def test_a_lone_extreme_picture_counts_no_more_than_its_clip() -> None:
    """With clipping, one picture sure to a millionth cannot outshout a second of others."""
    sure = saw(1e-9, 1 - 2e-9, 1e-9)
    mild = saw(0.6, 0.3, 0.1)
    _, said = run([*shots(mild, 0, 1), (1.0, sure), *shots(mild, 1 + 1 / 30, 1.5)])
    assert said[-1][1].label == 0
    assert 1 not in {v.label for _, v in said}
