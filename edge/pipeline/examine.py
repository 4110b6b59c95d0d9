"""The one inference thread: opens the model, takes the newest frame, looks, tells the conductor; and anew when another model is to run."""

from __future__ import annotations

from itertools import count

from edge.errors import SonodermError
from edge.pipeline import events as ev
from edge.pipeline.desk import Desk
from edge.pipeline.ledger import Cause
from edge.pipeline.options import LiveModel, OpenModel, speaker_of
from edge.pipeline.scene import SceneWatch

__all__ = ["examine", "open_and_examine"]


def open_and_examine(open_model: OpenModel, desk: Desk) -> None:
    """One model after the other, until the mailbox is closed; a model that fails (told as ModelFailed) is not tried again by itself.

    Other errors are our own faults and pass on.
    """
    for number in count(1):
        _one_model(open_model, desk, number)
        if not desk.mailbox.await_call():
            return


def _one_model(open_model: OpenModel, desk: Desk, number: int) -> None:
    desk.unread = Cause.NO_MODEL
    try:
        model = open_model(lambda step: desk.tell(ev.ModelStep(step)))
    except SonodermError as error:
        desk.unread = Cause.MODEL_FAILED
        desk.tell(ev.ModelFailed(error, opening=True, model=number))
        return
    try:
        desk.unread = Cause.REPLACED
        examine(model, desk, number)
    finally:
        model.close()


def examine(model: LiveModel, desk: Desk, number: int = 1) -> None:
    """One look after the other, each at the newest frame. number: of this model, among those of the run."""
    scenes, speaker = SceneWatch(), speaker_of(model)
    desk.tell(ev.ModelOpened(speaker, number))
    while (letter := desk.mailbox.take()) is not None:
        frame, began_ns = letter.frame, desk.clock_ns()
        if began_ns - frame.captured_ns > desk.age_limit_ns:
            desk.ledger.drop(Cause.OLD)
            continue
        cut = scenes.is_cut(frame, letter.opening)
        desk.tell(ev.LookBegan(letter.opening, frame, cut, number))
        try:
            look = model.look(frame)
        except SonodermError as error:
            desk.unread = Cause.MODEL_FAILED
            desk.ledger.drop(Cause.MODEL_FAILED)
            desk.tell(ev.ModelFailed(error, opening=False, model=number))
            return
        desk.ledger.infer()
        if model.identity != speaker.identity:  # corrections of this camera were found, or have expired
            speaker = speaker_of(model)
            desk.tell(ev.ModelOpened(speaker, number))
        desk.tell(ev.Looked(letter.opening, frame, look, cut, desk.clock_ns() - began_ns, number))
