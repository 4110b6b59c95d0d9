"""One thing that `sonoderm doctor` looked at."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "Level"]


class Level(StrEnum):
    """ok: as it should be. note: works, with less than there could be. broken: something that is needed does not work."""

    OK = "ok"
    NOTE = "note"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """topic: the heading it stands under. says: what is there. do: the one line that helps, where something can be done."""

    topic: str
    name: str
    level: Level
    says: str
    do: str | None = None
