"""What every consumer of a result sees: one frozen record per border, and the port that leads back up.

Nothing here imports the rest of sonoderm, so that a sink, a display or a script can be written from this page alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Command", "CommandPort", "FrameCounts", "ModelIdentity", "Reading", "Reason", "Sink", "State", "View"]


class State(StrEnum):
    """What the screen shows, exactly one at a time; listed in order of precedence (design: the way of a frame)."""

    FAULT = "FAULT"
    FROZEN = "FROZEN"
    NO_SIGNAL = "NO SIGNAL"
    STARTING = "STARTING"
    POOR_IMAGE = "POOR IMAGE"
    OUT_OF_SCOPE = "OUT OF SCOPE"
    UNSURE = "UNSURE"
    READY = "READY"


class Reason(StrEnum):
    """Why there is no label. The value is what the screen says."""

    # POOR IMAGE
    TOO_DARK = "too dark"
    TOO_BRIGHT = "too bright"
    OUT_OF_FOCUS = "out of focus"
    MOVING = "moving"
    BLURRED = "blurred"  # of a still, which does not move now: it may have while it was taken
    NO_CONTACT = "no contact"
    NO_FIELD_OF_VIEW = "no field of view"
    # NO SIGNAL
    UNPLUGGED = "unplugged"
    STALLED = "stalled"
    BLACK = "black"
    FROZEN_PICTURE = "frozen picture"
    DRIVER_CRASHED = "driver crashed"
    RECONNECTING = "reconnecting"
    ENDED = "ended"
    NOT_OPENED = "cannot be opened"
    # OUT OF SCOPE
    OUT_OF_SCOPE = "not what this model was made for"
    # UNSURE
    LOW_CONFIDENCE = "low confidence"
    DISAGREE_IN_TIME = "labels disagree in time"
    TOO_MANY_CLASSES = "too many classes fit"
    NO_CLASS_FITS = "no class fits"
    # STARTING
    OPENING_MODEL = "opening the model"
    BUILDING_ENGINE = "building the engine"
    WARMING_UP = "warming up"
    OPENING_SOURCE = "opening the source"
    SETTLING = "settling"
    # FAULT
    TOO_SLOW = "too slow on this machine"
    MODEL_CANNOT_RUN = "the model cannot run"
    GOLDEN_DIFFERS = "golden frames differ"
    FORM_UNPROVEN = "form never proven on this engine"


class Command(StrEnum):
    """The only words that travel upstream, from a person at a sink to the loop."""

    FREEZE = "freeze"
    RESUME = "resume"
    TOGGLE = "toggle"  # one key for both: freeze when live, resume when frozen
    ACKNOWLEDGE = "acknowledge"


CommandPort = Callable[[Command], None]


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model speaks, on what. digest: hex SHA-256 of the bundle's payload. profile: name of the applied device profile.

    labels: (code, name) in the order of the model's outputs, for a display that must know them before it is told one.
    prevalence: the mix of classes that the probabilities speak of, in words; "" where it is not known.
    """

    name: str
    version: str
    digest: str
    engine: str
    form: str
    profile: str | None = None
    notes: tuple[str, ...] = ()  # what the detail line must say: "no scope check", "uncalibrated for this model" …
    labels: tuple[tuple[str, str], ...] = ()
    prevalence: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One statement about the patient's picture, or why there is none.

    captured_ns: monotonic; the newest picture this speaks of (None: no picture yet).
    label, confidence: only in READY, and in FROZEN for the label that stood when the picture was frozen.
    probabilities: (code, p) in the order of the model's labels; given whenever the model ran, whatever the state.
    set: codes of the classes that fit (the prediction set), best first.
    """

    captured_ns: int | None
    frame: int | None
    state: State
    reason: Reason | None = None
    label: str | None = None
    label_name: str | None = None
    confidence: float | None = None
    probabilities: tuple[tuple[str, float], ...] = ()
    set: tuple[str, ...] = ()
    model: ModelIdentity | None = None
    do: str | None = None  # what a person can do about it, in a few words
    live_state: State | None = None  # FROZEN only: what the probe would show
    live_reason: Reason | None = None
    frozen_at: str | None = None  # FROZEN only: wall clock of the frozen picture, ISO 8601, for people


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """The frame ledger at one moment: captured == inferred + sum(dropped) + pending, always."""

    captured: int = 0
    inferred: int = 0
    pending: int = 0  # in the mailbox or in inference right now
    dropped: tuple[tuple[str, int], ...] = ()  # (cause, n), causes sorted
    source_fps: float | None = None  # measured over the last seconds
    infer_p50_ms: float | None = None
    infer_p95_ms: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A picture and the Reading that speaks of it, as one pair with one index. No sink joins them by guess.

    pixels: (height, width, 3) uint8 RGB of frame `reading.frame`, or None when there is none to show.
    seq: counts the views of one run. shown_ns: monotonic, when the loop made it. age_limit_ns: past this age
    (now - reading.captured_ns) a live label must not be on any screen, whatever else happens.
    """

    seq: int
    reading: Reading
    pixels: NDArray[np.uint8] | None
    shown_ns: int
    age_limit_ns: int
    source: str = ""
    rendered: bool = False
    counts: FrameCounts = FrameCounts()


class Sink(Protocol):
    """A consumer of views. Each runs on a thread of its own with a latest-wins slot: `show` may be as slow as it likes."""

    @property
    def name(self) -> str: ...
    def open(self, commands: CommandPort) -> None: ...
    def show(self, view: View) -> None: ...
    def close(self) -> None: ...
