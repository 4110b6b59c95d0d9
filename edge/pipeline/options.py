"""What a live run is asked for, as one frozen value; and the model, as far as the pipeline knows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from edge.aggregate import Policy
from edge.bundle.manifest import Decision, Manifest
from edge.classify import Judgement, guards_of
from edge.frame import Frame
from edge.reading import ModelIdentity, Reason

__all__ = ["LiveLook", "LiveModel", "LiveOptions", "OpenModel", "Speaker", "speaker_of"]

AGE_LIMIT_NS = 500_000_000


@dataclass(frozen=True, slots=True)
class Speaker:
    """What the conductor needs of a model to speak: who it is, its labels (code, name), and its policy over time."""

    identity: ModelIdentity
    labels: tuple[tuple[str, str], ...]
    policy: Policy


class LiveLook(Protocol):
    """One picture, looked at. quality: why it is poor, or None; judgement: None exactly when it is poor."""

    @property
    def quality(self) -> Reason | None: ...
    @property
    def judgement(self) -> Judgement | None: ...


class LiveModel(Protocol):
    """As `edge.model.Model`: looks at one frame at a time, on one thread. `look` raises BackendFault when it may not or cannot run."""

    @property
    def identity(self) -> ModelIdentity: ...
    @property
    def manifest(self) -> Manifest: ...
    @property
    def decision(self) -> Decision: ...
    def look(self, frame: Frame) -> LiveLook: ...
    def close(self) -> None: ...


def speaker_of(model: LiveModel) -> Speaker:
    """What there is to know of a model at this moment; its identity may get notes with the first frame."""
    decision = model.decision
    labels = tuple((label.code, label.name) for label in model.manifest.labels)
    guards = guards_of(model.manifest, decision)
    policy = Policy(model.manifest.aggregation, decision.set_at, decision.out_of_scope_above, guards, decision.settled_temperature)
    return Speaker(model.identity, labels, policy)


OpenModel = Callable[[Callable[[Reason], None]], LiveModel]  # given a port for its steps (building the engine, warming up)


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """age_limit_ns: past this age of its newest picture no live label is on any screen. exit_on_loss: a lost source ends the run.

    started_ns: monotonic, when the process began (for the time to the first label); None: when the run began. wait_for_model: the
    source is opened when the model is there, so that no picture of a file is played to nobody; a camera is opened at once.
    """

    age_limit_ns: int = AGE_LIMIT_NS
    exit_on_loss: bool = False
    started_ns: int | None = None
    seconds: float | None = None
    wait_for_model: bool = False
