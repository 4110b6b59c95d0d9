"""Judgements over time -> what may be said now. Pure; time is the capture time of the pictures, an argument.

All constants are seconds, never frames, so that 10 and 60 pictures a second give the same answer. A picture stands for the time
since the one before it: its class-centred log-odds, clipped, enter a moving average with weight 1 - exp(-dt / tau), divided by the
sum of weights, so that the first picture is not believed more than others.

Rules, in order:
1. Another scene, a picture older than the last one, or no good picture for GAP_S: everything before it is forgotten, whatever the dwell.
2. A poor picture says POOR IMAGE at once and is no evidence. Only a blurred one (moving, out of focus) is borne for BLUR_BORNE_S
   while a label stands: the subject is still the same, and the label's own age goes on.
3. Scope is a moving average too, of how far the distance lies past its limit: quick to leave, a little slower to come back.
4. Until `settle_s` of good pictures: STARTING, settling.
5. The set of classes that fit comes from the averaged probabilities; a label that holds the screen keeps it while it still fits,
   until another leads by `switch_margin` and `dwell_s` has passed.
6. UNSURE, labels disagree in time: the label fits fewer than AGREEMENT of the single pictures, or the last tenth of a second
   clearly contradicts it. This takes a label away at once, whatever the dwell.
"""

from dataclasses import dataclass, replace
from math import exp

import numpy as np

from edge.bundle.manifest import Aggregation
from edge.classify import Guard, Judgement, Verdict, not_ruled_out, prediction_set, set_verdict
from edge.frame import F32
from edge.reading import Reason, State

__all__ = ["EMPTY", "Policy", "Verdict", "Window", "step"]

NS_PER_S = 1e9
FIRST_STEP_S = 1 / 30  # what the first picture of a scene counts for: it has none before it
LONGEST_STEP_S = 0.2  # a picture never counts for more: a gap in the stream is no evidence
GAP_S = 0.5  # without a good picture for so long, the probe may be anywhere: begin anew
BLUR_BORNE_S = 0.15  # one sweep of a hunting focus or one tremor; shorter than the eye's need for a calm screen
BORNE = frozenset({Reason.MOVING, Reason.BLURRED, Reason.OUT_OF_FOCUS})
FAST_TAU_S = 0.08  # the last tenth of a second, for contradiction: with 30 pictures a second, three or four of them
CONTRADICTION = 0.5  # lead in the fast average that takes a standing label away
AGREEMENT = 0.6  # share of time in which the label fits the single picture: is its likeliest class, or in its set
SCOPE_TAU_S = 0.2
SCOPE_CLIP = 2.0  # standard deviations past (or below) the limit that one picture may count for
SCOPE_BACK = 0.5  # so far below the limit the average must come before a label may return


@dataclass(frozen=True, slots=True)
class Policy:
    """What the bundle says about time and thresholds. set_at: one per class; out_of_scope_above: None = no scope check.

    guards: classes that must not be missed. settled_temperature: of the averaged log-odds, which are not those of a still.
    """

    aggregation: Aggregation
    set_at: tuple[float, ...]
    out_of_scope_above: float | None = None
    guards: tuple[Guard, ...] = ()
    settled_temperature: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What is remembered of the pictures of one scene. All sums are decayed by exp(-dt / tau).

    newest_ns: capture time of the newest picture that a label may speak of; seen_ns: of the newest picture at all.
    log_odds, votes: (K,) weighted sums; weight: sum of weights. fast: (K,) running mean with FAST_TAU_S.
    label, label_since_ns, label_shown_ns: the label that holds the screen, since when, and when it last did.
    """

    newest_ns: int | None = None
    seen_ns: int | None = None
    evidence_s: float = 0.0
    weight: float = 0.0
    log_odds: F32 | None = None
    votes: F32 | None = None
    fast: F32 | None = None
    scope_excess: float | None = None
    out_of_scope: bool = False
    label: int | None = None
    label_since_ns: int = 0
    label_shown_ns: int = 0
    confidence: float | None = None
    set: tuple[int, ...] = ()
    probabilities: F32 | None = None


EMPTY = Window()


def step(window: Window, seen: Judgement | Reason, captured_ns: int, *, scene_cut: bool, policy: Policy) -> tuple[Window, Verdict]:
    """One more picture: its judgement, or the reason why it is poor. -> what is remembered, and what may be said."""
    if scene_cut or _is_over(window, captured_ns):
        window = EMPTY
    window = replace(window, seen_ns=captured_ns)
    if isinstance(seen, Reason):
        return _poor(window, seen, captured_ns)
    window = _with_scope(window, seen, captured_ns, policy)
    if window.out_of_scope:
        kept = Window(newest_ns=captured_ns, seen_ns=captured_ns, scope_excess=window.scope_excess, out_of_scope=True)
        return kept, Verdict(State.OUT_OF_SCOPE, Reason.OUT_OF_SCOPE)
    window = _with_evidence(window, seen, captured_ns, policy)
    if window.evidence_s < policy.aggregation.settle_s - 1e-6:  # sums of frame times are not exact
        return window, Verdict(State.STARTING, Reason.SETTLING)
    return _say(window, captured_ns, policy)


def _is_over(window: Window, captured_ns: int) -> bool:
    """True when this picture cannot be of the same scene as far as time goes."""
    if window.seen_ns is None:
        return False
    last_ns = window.seen_ns if window.newest_ns is None else window.newest_ns
    return captured_ns < window.seen_ns or (captured_ns - last_ns) / NS_PER_S > GAP_S


def _poor(window: Window, reason: Reason, captured_ns: int) -> tuple[Window, Verdict]:
    stands = window.label is not None and window.newest_ns is not None and window.label_shown_ns == window.newest_ns
    if reason in BORNE and stands and window.newest_ns is not None and (captured_ns - window.newest_ns) / NS_PER_S <= BLUR_BORNE_S:
        return window, Verdict(State.READY, None, window.label, window.confidence, window.set)
    return window, Verdict(State.POOR_IMAGE, reason)


def _with_scope(window: Window, seen: Judgement, captured_ns: int, policy: Policy) -> Window:
    limit = policy.out_of_scope_above
    if limit is None:
        return window
    if seen.scope_distance is None:
        excess = -SCOPE_CLIP if seen.in_scope else SCOPE_CLIP
    else:
        excess = min(max(seen.scope_distance - limit, -SCOPE_CLIP), SCOPE_CLIP)
    if window.scope_excess is not None:
        share = exp(-_dt_s(window, captured_ns) / SCOPE_TAU_S)
        excess = window.scope_excess * share + excess * (1 - share)
    return replace(window, scope_excess=excess, out_of_scope=excess > (-SCOPE_BACK if window.out_of_scope else 0.0))


def _dt_s(window: Window, captured_ns: int) -> float:
    return FIRST_STEP_S if window.newest_ns is None else (captured_ns - window.newest_ns) / NS_PER_S


def centred_log_odds(probabilities: F32, clip_logit: float) -> F32:
    """log p minus its mean over the classes, clipped to +-clip_logit: one picture cannot outshout a second of others. (K,) float32."""
    logs = np.log(np.maximum(probabilities, np.float32(1e-12)))
    return np.asarray(np.clip(logs - logs.mean(), -clip_logit, clip_logit), np.float32)


def _softmax(scores: F32) -> F32:
    exponentials = np.exp(scores - scores.max())
    return np.asarray(exponentials / exponentials.sum(), np.float32)


def _with_evidence(window: Window, seen: Judgement, captured_ns: int, policy: Policy) -> Window:
    how = policy.aggregation
    odds = centred_log_odds(seen.probabilities, how.clip_logit)
    vote = np.zeros_like(odds)
    vote[[int(np.argmax(seen.probabilities)), *seen.set]] = 1.0
    dt_s = _dt_s(window, captured_ns)
    counted_s = min(dt_s, LONGEST_STEP_S)
    if window.log_odds is None or window.votes is None or window.fast is None:
        gain = 1 - exp(-FIRST_STEP_S / how.tau_s)
        new = replace(window, weight=gain, log_odds=odds * np.float32(gain), votes=vote * np.float32(gain), fast=odds)
    else:
        kept, gain = exp(-dt_s / how.tau_s), 1 - exp(-counted_s / how.tau_s)
        kept_fast = np.float32(exp(-dt_s / FAST_TAU_S))
        new = replace(
            window,
            weight=window.weight * kept + gain,
            log_odds=window.log_odds * np.float32(kept) + odds * np.float32(gain),
            votes=window.votes * np.float32(kept) + vote * np.float32(gain),
            fast=window.fast * kept_fast + odds * (1 - kept_fast),
            evidence_s=window.evidence_s + counted_s,
        )
    assert new.log_odds is not None
    return replace(new, newest_ns=captured_ns, probabilities=_softmax(new.log_odds / np.float32(new.weight * policy.settled_temperature)))


def _say(window: Window, now_ns: int, policy: Policy) -> tuple[Window, Verdict]:
    assert window.probabilities is not None
    p = window.probabilities
    if window.label is not None and (now_ns - window.label_shown_ns) / NS_PER_S > policy.aggregation.dwell_s:
        window = replace(window, label=None)  # not on the screen for a whole dwell: it holds nothing any more
    best = set_verdict(p, prediction_set(p, policy.set_at), policy.guards)
    if best.state is not State.READY or best.label is None:
        return window, best
    label = best.label
    if window.label is not None and label != window.label and not _may_switch(window, label, now_ns, policy.aggregation):
        if window.label not in best.set:
            return window, Verdict(State.UNSURE, Reason.DISAGREE_IN_TIME, set=best.set)
        label = window.label
    if not_ruled_out(label, p, policy.guards) or _is_contradicted(window, label):
        return window, Verdict(State.UNSURE, Reason.DISAGREE_IN_TIME, set=best.set)
    since_ns = window.label_since_ns if window.label == label else now_ns
    shown_set = (label, *(i for i in best.set if i != label))
    confidence = float(p[label])
    window = replace(window, label=label, label_since_ns=since_ns, label_shown_ns=now_ns, confidence=confidence, set=shown_set)
    return window, Verdict(State.READY, None, label, confidence, shown_set)


def _may_switch(window: Window, label: int, now_ns: int, how: Aggregation) -> bool:
    assert window.label is not None
    assert window.probabilities is not None
    lead = float(window.probabilities[label] - window.probabilities[window.label])
    return lead >= how.switch_margin and (now_ns - window.label_since_ns) / NS_PER_S >= how.dwell_s


def _is_contradicted(window: Window, label: int) -> bool:
    """True when the pictures behind an average do not themselves say what it says."""
    assert window.votes is not None
    assert window.fast is not None
    if float(window.votes[label]) < AGREEMENT * window.weight:
        return True
    fast = _softmax(window.fast)
    return float(fast.max() - fast[label]) > CONTRADICTION
