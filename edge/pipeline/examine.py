"""The one inference thread: opens the model, takes the newest frame, looks, tells the conductor."""

from __future__ import annotations

from edge.errors import SonodermError
from edge.pipeline import events as ev
from edge.pipeline.desk import Desk
from edge.pipeline.ledger import Cause
from edge.pipeline.options import LiveModel, OpenModel, speaker_of
from edge.pipeline.scene import SceneWatch

__all__ = ["examine", "open_and_examine"]


def open_and_examine(open_model: OpenModel, desk: Desk) -> None:
    """Runs until the mailbox is closed, or the model fails (told as ModelFailed). Other errors are our own faults and pass on."""
    try:
        model = open_model(lambda step: desk.tell(ev.ModelStep(step)))
    except SonodermError as error:
        desk.unread = Cause.MODEL_FAILED
        desk.tell(ev.ModelFailed(error, opening=True))
        return
    try:
        desk.unread = Cause.REPLACED
        examine(model, desk)
    finally:
        model.close()


def examine(model: LiveModel, desk: Desk) -> None:
    """One look after the other, each at the newest frame."""
    scenes, speaker = SceneWatch(), speaker_of(model)
    desk.tell(ev.ModelOpened(speaker))
    while (letter := desk.mailbox.take()) is not None:
        frame, began_ns = letter.frame, desk.clock_ns()
        if began_ns - frame.captured_ns > desk.age_limit_ns:
            desk.ledger.drop(Cause.OLD)
            continue
        cut = scenes.is_cut(frame, letter.opening)
        desk.tell(ev.LookBegan(letter.opening, frame, cut))
        try:
            look = model.look(frame)
        except SonodermError as error:
            desk.unread = Cause.MODEL_FAILED
            desk.ledger.drop(Cause.MODEL_FAILED)
            desk.tell(ev.ModelFailed(error, opening=False))
            return
        desk.ledger.infer()
        if model.identity != speaker.identity:  # corrections of this camera were found, or have expired
            speaker = speaker_of(model)
            desk.tell(ev.ModelOpened(speaker))
        desk.tell(ev.Looked(letter.opening, frame, look, cut, desk.clock_ns() - began_ns))
