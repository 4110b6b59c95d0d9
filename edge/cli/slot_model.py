"""`run --model slot:DIR`: the keeper of the model, built from what was asked for on the command line."""

import datetime
from pathlib import Path

from edge.bundle.open import SLOT
from edge.bundle.slotfiles import RECORD
from edge.bundle.trust import Trust
from edge.check import Limits
from edge.cli.output import say
from edge.errors import UsageError
from edge.pipeline.keeper import Confirm
from edge.pipeline.slot_run import OpenBundle, SlotRun, Slots

__all__ = ["slot_keeper"]


def slot_keeper(name: str, trust: Trust, confirm: Confirm, age_limit_ms: int, open_bundle: OpenBundle) -> SlotRun:
    """name: slot:DIR. Raises UsageError for a folder that is no slots folder; a folder without a good model is a rescue, which runs."""
    folder = Path(name.removeprefix(SLOT))
    if not folder.is_dir() or not (folder / RECORD).exists():
        raise UsageError(f"{name}: this is no slots folder", do="make it with sonoderm device init")
    slots = Slots(folder, trust, confirm, Limits(age_limit_ms=age_limit_ms))
    return SlotRun(slots, open_bundle, say, lambda: datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))
