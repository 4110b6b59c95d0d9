"""The one error form that every client shows, and readers of request fields."""

from collections.abc import Mapping
from typing import Final

from firmware_bridge.wire.cbor import Value

__all__ = ["BAD_STATE", "BUSY", "INVALID", "NOT_SUPPORTED", "NO_ENTRY", "UNKNOWN", "Refused", "number", "raw", "text"]

UNKNOWN: Final = 1
INVALID: Final = 3
NO_ENTRY: Final = 5
BAD_STATE: Final = 6
NOT_SUPPORTED: Final = 8
BUSY: Final = 10


class Refused(Exception):
    """Answered as {"rc": rc, "rsn": reason}: the only form whose text reaches the user in every client."""

    def __init__(self, rc: int, reason: str) -> None:
        super().__init__(reason)
        self.rc, self.reason = rc, reason


def number(request: Mapping[str, Value], key: str, default: int | None = None) -> int:
    value = request.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise Refused(INVALID, f"'{key}' must be a number")
    return value


def text(request: Mapping[str, Value], key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str):
        raise Refused(INVALID, f"'{key}' must be text")
    return value


def raw(request: Mapping[str, Value], key: str) -> bytes:
    value = request.get(key)
    if not isinstance(value, bytes):
        raise Refused(INVALID, f"'{key}' must be bytes")
    return value
