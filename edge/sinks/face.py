"""What a view says, in words: chosen once, so that console, window and web page say the same thing.

Pure: view and time in, words out. It is the one place where a reading becomes text for a person.
"""

from dataclasses import dataclass

from edge.reading import FrameCounts, ModelIdentity, Reading, State, View
from edge.sinks.expiry import at_drawing
from edge.sinks.theme import RENDERED, RESEARCH

__all__ = ["Face", "face"]

NS_PER_MS = 1_000_000
DIGEST_SHOWN = 12  # hex digits: enough to tell two bundles apart by eye


@dataclass(frozen=True, slots=True)
class Face:
    """headline: the largest words (the label's full name in READY, else the state). code: short code beside it.

    reason: why there is no label. alternative: "or nv 0.21", the second class of the set. live: FROZEN's second line.
    confidence: 0..1, in READY and for the label of a frozen picture. details: (name, value) rows, in order.
    """

    state: State
    word: str
    headline: str
    code: str | None
    reason: str | None
    do: str | None
    alternative: str | None
    confidence: float | None
    frozen_label: str | None
    frozen_at: str | None
    live: str | None
    live_state: State | None
    marks: tuple[str, ...]
    notes: tuple[str, ...]
    details: tuple[tuple[str, str], ...]
    age_ms: float | None


def face(view: View, now_ns: int) -> Face:
    """The words that may be on the screen at `now_ns` (monotonic)."""
    reading = at_drawing(view, now_ns)
    age_ms = None if reading.captured_ns is None else (now_ns - reading.captured_ns) / NS_PER_MS
    frozen = reading.state is State.FROZEN
    ready = reading.state is State.READY
    model = reading.model
    return Face(
        state=reading.state,
        word=reading.state.value,
        headline=(reading.label_name or reading.label or "") if ready else reading.state.value,
        code=reading.label if ready and reading.label != reading.label_name else None,
        reason=_reason(reading),
        do=reading.do,
        alternative=_alternative(reading),
        confidence=reading.confidence if (ready or frozen) and reading.label is not None else None,
        frozen_label=_named(reading) if frozen else None,
        frozen_at=reading.frozen_at if frozen else None,
        live=_live(reading) if frozen else None,
        live_state=reading.live_state if frozen else None,
        marks=(RESEARCH, RENDERED) if view.rendered else (RESEARCH,),
        notes=model.notes if model else (),
        details=(*_model_rows(model), *_frame_rows(view, age_ms)),
        age_ms=age_ms,
    )


def _reason(reading: Reading) -> str | None:
    return None if reading.reason is None or reading.reason.value.upper() == reading.state.value else reading.reason.value


def _alternative(reading: Reading) -> str | None:
    """The other classes of the prediction set: one after READY's label, all of them in UNSURE."""
    probability = dict(reading.probabilities)

    def entry(code: str) -> str:
        return f"{code} {probability[code]:.0%}" if code in probability else code

    if reading.state is State.UNSURE and reading.set:
        return "fits: " + ", ".join(entry(code) for code in reading.set)
    others = [code for code in reading.set if code != reading.label]
    if reading.label is None or not others:
        return None
    return "or " + ", ".join(entry(code) for code in others)


def _named(reading: Reading) -> str:
    if reading.label is None:
        return "no label"
    return reading.label if reading.label_name in (None, reading.label) else f"{reading.label_name} ({reading.label})"


def _live(reading: Reading) -> str | None:
    if reading.live_state is None:
        return None
    reason = reading.live_reason.value if reading.live_reason else None
    return f"live: {reading.live_state.value}" + (f" · {reason}" if reason else "")


def _model_rows(model: ModelIdentity | None) -> tuple[tuple[str, str], ...]:
    if model is None:
        return (("model", "none yet"),)
    rows = [
        ("model", f"{model.name} {model.version}"),
        ("digest", model.digest[:DIGEST_SHOWN] or "—"),
        ("engine", f"{model.engine} · {model.form}"),
    ]
    if model.prevalence:
        rows.append(("prevalence", model.prevalence))
    if model.profile:
        rows.append(("profile", model.profile))
    return tuple(rows)


def _frame_rows(view: View, age_ms: float | None) -> tuple[tuple[str, str], ...]:
    counts: FrameCounts = view.counts
    frame = "—" if view.reading.frame is None else str(view.reading.frame)
    age = "—" if age_ms is None else f"{age_ms:.0f} ms"
    fps = "—" if counts.source_fps is None else f"{counts.source_fps:.1f} fps"
    infer = "—" if counts.infer_p95_ms is None else f"p50 {counts.infer_p50_ms or 0:.1f} · p95 {counts.infer_p95_ms:.1f} ms"
    lost = sum(n for _, n in counts.dropped)
    causes = ", ".join(f"{cause} {n}" for cause, n in counts.dropped if n)
    return (
        ("source", f"{view.source or '—'} · {fps}"),
        ("frame", f"{frame} · age {age}"),
        ("inference", infer),
        ("captured", str(counts.captured)),
        ("inferred", f"{counts.inferred} · {counts.pending} pending"),
        ("dropped", f"{lost} · {causes}" if causes else str(lost)),
    )
