"""The loss of a source, with the two words that the screen shows for it."""

from edge.errors import SourceUnreachable
from edge.reading import Reason

__all__ = ["SourceLost"]


class SourceLost(SourceUnreachable):
    """A camera or stream that is not there, or went away. reason: one of the NO SIGNAL reasons."""

    def __init__(self, what: str, *, reason: Reason, state: str | None = None, do: str | None = None) -> None:
        super().__init__(what, state=state, do=do)
        self.reason = reason
