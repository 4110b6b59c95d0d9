"""The payload: a zip in one canonical form, so that the same members always make the same bytes.

Stored, ordered, dated 1980-01-01, mode 0644, no comments, no extra fields: byte for byte what Python's zipfile writes for
`ZipInfo(name, (1980, 1, 1, 0, 0, 0))` with `create_system = 3` and `external_attr = 0o644 << 16`. The reader accepts this form
alone: it walks the local headers from byte 0, and the rest of the payload must then be the directory that the writer would
have written. Compression, encryption, zip64, duplicates, gaps, trailing bytes and a second directory have no place to hide.
"""

import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["MANIFEST", "ArchiveFault", "Entry", "read_archive", "write_archive"]

MANIFEST: Final = "manifest.json"  # the first member
MAX_MEMBERS: Final = 1000  # far below the zip format's own limit of 65,535
MAX_NAME: Final = 120

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_VERSION_MADE_BY = 3 << 8 | 20  # Unix, zip 2.0
_VERSION_NEEDED = 20
_DATE = 0x0021  # 1980-01-01 in DOS form
_MODE = 0o644 << 16
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")


class ArchiveFault(ValueError):
    """The payload is not in the canonical form; the text says where it leaves it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One member: its bytes are payload[start_b : start_b + size_b]."""

    name: str
    start_b: int
    size_b: int
    crc32: int


def _is_name(name: str) -> bool:
    return len(name) <= MAX_NAME and _NAME.fullmatch(name) is not None


def _local(entry: Entry) -> bytes:
    name = entry.name.encode("ascii")
    sizes = (entry.crc32, entry.size_b, entry.size_b, len(name), 0)
    return _LOCAL.pack(b"PK\x03\x04", _VERSION_NEEDED, 0, 0, 0, _DATE, *sizes) + name


def _directory(entries: tuple[Entry, ...], at_b: int) -> bytes:
    rows = []
    for entry in entries:
        name = entry.name.encode("ascii")
        head_b = entry.start_b - _LOCAL.size - len(name)
        sizes = (entry.crc32, entry.size_b, entry.size_b, len(name), 0, 0, 0, 0)
        rows.append(_CENTRAL.pack(b"PK\x01\x02", _VERSION_MADE_BY, _VERSION_NEEDED, 0, 0, 0, _DATE, *sizes, _MODE, head_b) + name)
    table = b"".join(rows)
    return table + _END.pack(b"PK\x05\x06", 0, 0, len(entries), len(entries), len(table), at_b, 0)


def write_archive(members: Mapping[str, bytes]) -> bytes:
    """Members in the order of the mapping -> the canonical payload. Raises ArchiveFault for a name that no reader would take."""
    parts: list[bytes] = []
    entries: list[Entry] = []
    at_b = 0
    if not 1 <= len(members) <= MAX_MEMBERS:
        raise ArchiveFault(f"{len(members)} members: 1 to {MAX_MEMBERS} are possible")
    for name, data in members.items():
        if not _is_name(name):
            raise ArchiveFault(f"member name {name!r} is not allowed")
        entry = Entry(name, at_b + _LOCAL.size + len(name), len(data), zlib.crc32(data))
        parts += [_local(entry), data]
        at_b = entry.start_b + entry.size_b
        entries.append(entry)
    return b"".join([*parts, _directory(tuple(entries), at_b)])


def read_archive(payload: bytes) -> tuple[Entry, ...]:
    """The canonical payload -> its entries, in order. Raises ArchiveFault, and nothing else, for any other bytes."""
    entries: list[Entry] = []
    names: set[str] = set()
    at_b = 0
    while payload[at_b : at_b + 4] == b"PK\x03\x04":
        if len(entries) == MAX_MEMBERS:
            raise ArchiveFault(f"more than {MAX_MEMBERS} members")
        entry = _entry(payload, at_b)
        if entry.name in names:
            raise ArchiveFault(f"member {entry.name} stands twice")
        names.add(entry.name)
        entries.append(entry)
        at_b = entry.start_b + entry.size_b
    if not entries:
        raise ArchiveFault("the payload is not a zip")
    if payload[at_b:] != _directory(tuple(entries), at_b):
        raise ArchiveFault(f"the directory after the last member (byte {at_b}) is not the one of these members")
    return tuple(entries)


def _entry(payload: bytes, at_b: int) -> Entry:
    head = payload[at_b : at_b + _LOCAL.size]
    if len(head) < _LOCAL.size:
        raise ArchiveFault(f"the member at byte {at_b} is cut off")
    _, _, flags, method, _, _, crc32, _, size_b, name_b, _ = _LOCAL.unpack(head)
    raw = payload[at_b + _LOCAL.size : at_b + _LOCAL.size + name_b]
    name = raw.decode("ascii", "replace")
    if not _is_name(name):
        raise ArchiveFault(f"the member at byte {at_b} has a name that is not allowed: {name[:MAX_NAME]!r}")
    if flags & 1:
        raise ArchiveFault(f"member {name} is encrypted")
    if method != 0:
        raise ArchiveFault(f"member {name} is compressed; members are stored as they are")
    entry = Entry(name, at_b + _LOCAL.size + name_b, size_b, crc32)
    if payload[at_b : entry.start_b] != _local(entry):
        raise ArchiveFault(f"the header of member {name} is not in the canonical form")
    data = memoryview(payload)[entry.start_b : entry.start_b + size_b]
    if len(data) != size_b:
        raise ArchiveFault(f"member {name} is cut off")
    if zlib.crc32(data) != crc32:
        raise ArchiveFault(f"member {name} differs from its CRC-32")
    return entry
