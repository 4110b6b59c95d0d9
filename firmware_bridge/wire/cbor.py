"""The part of CBOR that SMP needs, hardened: depth and item caps, no tags, no duplicate keys, text keys only.

Indefinite lengths are accepted, since Zephyr-made peers send them. An own decoder: a general one would accept tags, shared
references and deep nesting first and leave the refusal to us.
"""

import struct
from collections.abc import Mapping
from typing import Final, TypeAlias

__all__ = ["CborRefused", "Value", "decode", "encode"]

Value: TypeAlias = "int | float | bool | str | bytes | list[Value] | dict[str, Value] | None"
_DEPTH: Final = 8
_ITEMS: Final = 4096
_BREAK: Final = object()


class CborRefused(ValueError):
    """Bytes that are not the CBOR we read; the text says why."""


def decode(data: bytes) -> dict[str, Value]:
    """One map that fills data. Raises CborRefused."""
    reader = _Reader(data)
    value = reader.item(0)
    if not isinstance(value, dict):
        raise CborRefused("the payload is not a map")
    if reader.at != len(data):
        raise CborRefused("bytes follow the map")
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.items = data, 0, 0

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise CborRefused("the payload is cut off")
        self.at += size
        return self.data[self.at - size : self.at]

    def item(self, depth: int) -> Value:
        value = self.item_or_break(depth)
        if value is _BREAK:
            raise CborRefused("a break where a value must stand")
        return value  # type: ignore[return-value]

    def item_or_break(self, depth: int) -> object:
        self.items += 1
        if depth > _DEPTH or self.items > _ITEMS:
            raise CborRefused("nested too deep or too many items")
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if first == 0xFF:
            return _BREAK
        if major == 7:
            return self._simple(info)
        if major == 6:
            raise CborRefused("tags are not read")
        if info == 31:
            if major in (0, 1):
                raise CborRefused("an integer without a length")
            count = None
        else:
            count = self._argument(info)
        if major in (0, 1):
            return (count or 0) if major == 0 else -1 - (count or 0)
        if major in (2, 3):
            return self._text(self._string(major, count), major)
        return self._list(count, depth) if major == 4 else self._map(count, depth)

    def _argument(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise CborRefused("a reserved length")
        return int.from_bytes(self.take(1 << (info - 24)), "big")

    def _simple(self, info: int) -> Value:
        if info in (20, 21):
            return info == 21
        if info in (22, 23):
            return None
        if info in (25, 26, 27):
            size, code = {25: (2, "!e"), 26: (4, "!f"), 27: (8, "!d")}[info]
            return float(struct.unpack(code, self.take(size))[0])
        raise CborRefused("a simple value that is not read")

    def _string(self, major: int, count: int | None) -> bytes:
        if count is not None:
            return self.take(count)
        parts = []
        while (first := self.take(1)[0]) != 0xFF:
            self.items += 1
            if first >> 5 != major or first & 31 == 31 or self.items > _ITEMS:
                raise CborRefused("a piece of another kind in a string")
            parts.append(self.take(self._argument(first & 31)))
        return b"".join(parts)

    @staticmethod
    def _text(raw: bytes, major: int) -> str | bytes:
        if major == 2:
            return raw
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise CborRefused("text that is not UTF-8") from None

    def _list(self, count: int | None, depth: int) -> list[Value]:
        values: list[Value] = []
        while count is None or len(values) < count:
            value = self.item_or_break(depth + 1)
            if value is _BREAK:
                if count is None:
                    break
                raise CborRefused("a break in a list of known length")
            values.append(value)  # type: ignore[arg-type]
        return values

    def _map(self, count: int | None, depth: int) -> dict[str, Value]:
        pairs: dict[str, Value] = {}
        while count is None or len(pairs) < count:
            key = self.item_or_break(depth + 1)
            if key is _BREAK and count is None:
                break
            if not isinstance(key, str) or key in pairs:
                raise CborRefused("a key that is no text, or stands twice")
            pairs[key] = self.item(depth + 1)
        return pairs


def encode(value: object) -> bytes:
    """Definite lengths, shortest heads. Raises TypeError for what SMP has no use for."""
    match value:
        case bool():
            return b"\xf5" if value else b"\xf4"
        case None:
            return b"\xf6"
        case int():
            return _head(0, value) if value >= 0 else _head(1, -1 - value)
        case float():
            return b"\xfb" + struct.pack("!d", value)
        case bytes():
            return _head(2, len(value)) + value
        case str():
            raw = value.encode()
            return _head(3, len(raw)) + raw
        case list() | tuple():
            return _head(4, len(value)) + b"".join(map(encode, value))
        case Mapping():
            return _head(5, len(value)) + b"".join(encode(k) + encode(v) for k, v in value.items())
        case _:
            raise TypeError(f"{type(value).__name__} has no place in an SMP reply")


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([major << 5 | info]) + number.to_bytes(size, "big")
    raise TypeError("an integer of more than 64 bits")
