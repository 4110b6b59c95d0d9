"""Who decides which model runs, where that may change during a run: the port of the pipeline to the slots of a device."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from edge.pipeline.events import Event
from edge.pipeline.options import LiveModel
from edge.reading import Reason, State

__all__ = ["Confirm", "ModelKeeper"]


class Confirm(StrEnum):
    """Who confirms a trial that is well: `run` after its life, or a technician's tool."""

    AUTO = "auto"
    MANUAL = "manual"


class ModelKeeper(Protocol):
    """A model that waits (told as ModelNews) is taken when the conductor orders a Swap; then `open` is called again."""

    def open(self, step: Callable[[Reason], None], /) -> LiveModel:
        """On the inference thread, as OpenModel; at the start and after each Swap, the last model closed."""
        ...

    def heed(self, state: State, reason: Reason | None) -> None:
        """The live state, whenever it changes; on the conductor's thread, so it never waits."""
        ...

    def watch(self, tell: Callable[[Event], None], is_over: threading.Event) -> None:
        """On a thread of its own, until the run is over."""
        ...

    def crashed(self, error: BaseException) -> None:
        """The run ends by a fault of our own, perhaps one that this model brought out."""
        ...

    def ended(self) -> None:
        """The run ends for a reason that says nothing against its model."""
        ...
