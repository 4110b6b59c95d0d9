"""What a bundle says of its making: the tools' versions and the time."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata

__all__ = ["made_at", "versions_of"]


def versions_of(tools: Sequence[str]) -> tuple[str, ...]:
    """name==version of each that is installed, in this order."""
    found = {dist.name: dist.version for dist in metadata.distributions()}
    return tuple(f"{name}=={found[name]}" for name in tools if name in found)


def made_at() -> str:
    """Now, or SOURCE_DATE_EPOCH: the same inputs then give the same bytes."""
    stated = os.environ.get("SOURCE_DATE_EPOCH")
    when = datetime.fromtimestamp(int(stated), UTC) if stated else datetime.now(UTC)
    return when.isoformat(timespec="seconds")
