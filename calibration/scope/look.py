"""Pictures through the engine that will run: the only place of this package where a model is asked."""

from collections.abc import Callable, Iterable

import numpy as np

from calibration.scope.measures import Answers, Yardstick
from calibration.scope.sets import Shown
from edge.classify import guards_of, read_bank, still_verdict
from edge.model import Model
from edge.preprocess.prepare import prepare
from edge.quality import assess_still
from edge.reading import State

__all__ = ["look", "yardstick_of"]


def yardstick_of(model: Model) -> Yardstick:
    """With the bank of the bundle, where it has one."""
    scope = model.manifest.scope
    if scope is None or scope.bank is None:
        return Yardstick(None, 1)
    return Yardstick(read_bank(model.bundle.member(scope.bank), scope), scope.k)


def look(model: Model, pictures: Iterable[Shown], advance: Callable[[], None]) -> Answers:
    """Every picture as a still, as `classify` looks at it; asked about whatever its quality. advance: called after each."""
    guards = guards_of(model.manifest, model.decision)
    gate, embedding, distances, groups, poor, labelled = [], [], [], [], [], []
    for shown in pictures:
        prepared = prepare(shown.pixels, model.manifest.input)
        raw = model.session.run(prepared.tensor)
        judgement = model.judge(raw)
        is_poor = assess_still(prepared.small, prepared.field) is not None
        gate.append(np.nan if raw.gate is None else raw.gate)
        embedding.append(np.zeros(0, np.float32) if raw.embedding is None else raw.embedding)
        distances.append(np.nan if judgement.scope_distance is None else judgement.scope_distance)
        groups.append(shown.group)
        poor.append(is_poor)
        labelled.append(not is_poor and still_verdict(judgement, guards).state is State.READY)
        advance()
    return Answers(
        np.array(gate, np.float64),
        np.array(embedding, np.float32).reshape(len(groups), len(embedding[0]) if embedding else 0),
        np.array(distances, np.float64),
        tuple(groups),
        np.array(poor, np.bool_),
        np.array(labelled, np.bool_),
    )
