"""The one inference thread: takes the newest frame, looks, tells the conductor. It owns the model and the memory of the last scene."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge.errors import SonodermError
from edge.pipeline import events as ev
from edge.pipeline.ledger import Cause, Ledger
from edge.pipeline.mailbox import Mailbox
from edge.pipeline.options import LiveModel
from edge.pipeline.scene import SceneWatch

__all__ = ["Desk", "examine"]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the inference thread gets frames and puts what it found. age_limit_ns: an older frame is not worth a look."""

    mailbox: Mailbox
    ledger: Ledger
    tell: Callable[[ev.Event], None]
    clock_ns: Callable[[], int]
    age_limit_ns: int


def examine(model: LiveModel, desk: Desk) -> None:
    """Runs until the mailbox is closed, or the engine fails (told as ModelFailed). Other errors are our own faults and pass on."""
    mailbox, ledger, tell, clock_ns = desk.mailbox, desk.ledger, desk.tell, desk.clock_ns
    scenes = SceneWatch()
    while (letter := mailbox.take()) is not None:
        frame, began_ns = letter.frame, clock_ns()
        if began_ns - frame.captured_ns > desk.age_limit_ns:
            ledger.drop(Cause.OLD)
            continue
        cut = scenes.is_cut(frame, letter.opening)
        tell(ev.LookBegan(letter.opening, frame, cut))
        try:
            look = model.look(frame)
        except SonodermError as error:
            ledger.drop(Cause.MODEL_FAILED)
            tell(ev.ModelFailed(error, opening=False))
            break
        ledger.infer()
        tell(ev.Looked(letter.opening, frame, look, cut, clock_ns() - began_ns))
