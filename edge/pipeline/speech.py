"""From looks to what may be said: the aggregation window of the present scene, and the Reading made from it. No clock, no thread."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge.aggregate import Verdict, Window, step
from edge.frame import F32, Frame
from edge.pipeline.options import LiveLook, Speaker
from edge.pipeline.words import DO
from edge.reading import ModelIdentity, Reading, Reason, State

__all__ = ["Spoken", "hear", "reading_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """What may be said after one look. captured_ns: of the newest picture that the verdict speaks of; frame: the picture beside it."""

    verdict: Verdict
    captured_ns: int
    frame: Frame
    probabilities: F32 | None


def hear(window: Window, look: LiveLook, frame: Frame, *, cut: bool, speaker: Speaker) -> tuple[Window, Spoken]:
    """One more look. A label that is borne through a blurred picture keeps the capture time of the last good one."""
    seen = look.quality if look.quality is not None else look.judgement
    assert seen is not None, "a look has a quality reason or a judgement"
    window, verdict = step(window, seen, frame.captured_ns, scene_cut=cut, policy=speaker.policy)
    borne = look.judgement is None and verdict.state is State.READY and window.newest_ns is not None
    captured_ns = window.newest_ns if borne and window.newest_ns is not None else frame.captured_ns
    if look.judgement is None:
        probabilities = window.probabilities if borne else None
    else:
        probabilities = look.judgement.probabilities if window.probabilities is None else window.probabilities
    return window, Spoken(verdict, captured_ns, frame, probabilities)


def reading_of(
    state: State,
    reason: Reason | None,
    *,
    speaker: Speaker | None,
    spoken: Spoken | None,
    frame: Frame | None,
    notes: tuple[str, ...] = (),
) -> Reading:
    """The Reading of a state. spoken: what the pictures say, where the state is theirs; else frame is the newest picture, if any."""
    identity = _identity(speaker, notes)
    do = DO.get(reason) if reason is not None else None
    if spoken is None or speaker is None:
        captured_ns = None if frame is None else frame.captured_ns
        return Reading(captured_ns, None if frame is None else frame.index, state, reason, model=identity, do=do)
    verdict, labels = spoken.verdict, speaker.labels
    code, name = labels[verdict.label] if verdict.label is not None else (None, None)
    values = () if spoken.probabilities is None else spoken.probabilities
    probabilities = tuple((code_of, float(p)) for (code_of, _), p in zip(labels, values, strict=False))
    return Reading(
        captured_ns=spoken.captured_ns,
        frame=spoken.frame.index,
        state=state,
        reason=reason,
        label=code,
        label_name=name,
        confidence=verdict.confidence,
        probabilities=probabilities,
        set=tuple(labels[i][0] for i in verdict.set),
        model=identity,
        do=do,
    )


def _identity(speaker: Speaker | None, notes: tuple[str, ...]) -> ModelIdentity | None:
    if speaker is None:
        return None
    return replace(speaker.identity, notes=speaker.identity.notes + notes) if notes else speaker.identity
