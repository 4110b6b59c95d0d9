"""Why a model may not speak on this machine: the screen says FAULT with this reason, and what to do."""

from edge.errors import BackendFault
from edge.reading import Reason

__all__ = ["ModelFault"]


class ModelFault(BackendFault):
    """reason: FORM_UNPROVEN, GOLDEN_DIFFERS or MODEL_CANNOT_RUN."""

    def __init__(self, reason: Reason, what: str, *, do: str) -> None:
        super().__init__(what, state="no labels", do=do)
        self.reason = reason
