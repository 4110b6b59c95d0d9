"""The files of a slots folder: the small port through which they are written, and the one that writes to a disk."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from edge.bundle.slots import Record
from edge.errors import InputRefused, MachineLacks

__all__ = ["HISTORY", "RECORD", "DiskFiles", "SlotFiles", "load_record", "note", "read_history", "replace_file", "save_record", "writing"]

RECORD, HISTORY = "record.json", "history.jsonl"


class SlotFiles(Protocol):
    """A flat folder. Every method may raise OSError; nothing is durable before its sync."""

    def read(self, name: str) -> bytes | None: ...
    def create(self, name: str) -> None: ...
    def write(self, name: str, at_b: int, data: bytes) -> None: ...
    def append(self, name: str, data: bytes) -> None: ...
    def sync(self, name: str) -> None: ...
    def rename(self, old: str, new: str) -> None: ...
    def remove(self, name: str) -> None: ...
    def sync_folder(self) -> None: ...


class DiskFiles:
    """The real folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str) -> bytes | None:
        """None when there is no such file."""
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def create(self, name: str) -> None:
        """Empty, whatever was there."""
        (self.folder / name).write_bytes(b"")

    def write(self, name: str, at_b: int, data: bytes) -> None:
        with (self.folder / name).open("r+b", buffering=0) as file:
            self._all(file.fileno(), data, at_b)

    def append(self, name: str, data: bytes) -> None:
        with (self.folder / name).open("ab", buffering=0) as file:
            left = memoryview(data)
            while left:
                left = left[os.write(file.fileno(), left) :]

    def sync(self, name: str) -> None:
        with (self.folder / name).open("rb") as file:
            os.fsync(file.fileno())

    def rename(self, old: str, new: str) -> None:
        os.replace(self.folder / old, self.folder / new)

    def remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    def sync_folder(self) -> None:
        handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    @staticmethod
    def _all(handle: int, data: bytes, at_b: int) -> None:
        left = memoryview(data)
        while left:
            done = os.pwrite(handle, left, at_b)
            left, at_b = left[done:], at_b + done


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """The one writer's lock of a slots folder; read the record inside it. Readers need none: the record is replaced whole.

    It lies on the folder itself, so that a disk that is full, or read-only after an error, can be locked too. Raises MachineLacks.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise MachineLacks(f"the slots folder cannot be locked: {error}", do="check its path and its rights") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def replace_file(files: SlotFiles, name: str, data: bytes) -> None:
    """Old or new, never between, and durable on return. Raises MachineLacks (disk full, I/O error): then it may be either."""
    try:
        files.create(f"{name}.new")
        files.write(f"{name}.new", 0, data)
        files.sync(f"{name}.new")
        files.rename(f"{name}.new", name)
        files.sync_folder()
    except OSError as error:
        raise MachineLacks(f"{name} could not be saved: {error}", state="the last confirmed model is kept", do="check the disk") from error


def load_record(files: SlotFiles) -> Record:
    """Raises InputRefused when there is none, or when it is damaged (rescue)."""
    try:
        data = files.read(RECORD)
        if data is None:
            raise InputRefused("this folder holds no slot record", do="run sonoderm device init")
        return msgspec.json.decode(data, type=Record)
    except (msgspec.DecodeError, OSError) as error:
        raise InputRefused(
            f"the slot record cannot be read: {error}", state="rescue: nothing is classified", do="run device init"
        ) from error


def save_record(files: SlotFiles, record: Record) -> None:
    replace_file(files, RECORD, msgspec.json.encode(record))


def note(files: SlotFiles, at: str, text: str) -> None:
    """One line of the history. It starts with a line end too, so that a torn line before it harms only itself."""
    try:
        files.append(HISTORY, b"\n" + msgspec.json.encode({"at": at, "what": text}) + b"\n")
        files.sync(HISTORY)
    except OSError as error:
        raise MachineLacks(f"the history could not be written: {error}", state="the move itself was saved", do="check the disk") from error


class Line(msgspec.Struct, frozen=True):
    at: str
    what: str


def read_history(files: SlotFiles) -> tuple[Line, ...]:
    """Oldest first; lines that were torn are left out."""
    lines: list[Line] = []
    for line in (files.read(HISTORY) or b"").splitlines():
        try:
            lines.append(msgspec.json.decode(line, type=Line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return tuple(lines)
