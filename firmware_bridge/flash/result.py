"""What came of one device, and the report that proves it: one CSV row a device, appended at once."""

import csv
import io
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from edge.errors import InputRefused, MachineLacks

__all__ = ["COLUMNS", "Outcome", "Report", "Result", "ending"]


class Outcome(StrEnum):
    FLASHED = "flashed"  # booted, passed its check, confirmed
    ALREADY = "already"
    ON_TRIAL = "on trial"  # passed its check; a person confirms (--confirm manual)
    WAITING = "waiting"  # for the end of an examination
    WOULD_FLASH = "would flash"
    RUNS = "runs"  # asked only
    FAILED = "failed"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Digests are of the payload. slot, version, digest: what runs now, as far as is known. at: wall clock, ISO 8601."""

    v: int = 1
    serial: str = ""
    port: str = ""
    outcome: Outcome
    reason: str = ""
    model: str = ""
    old_version: str = ""
    old_digest: str = ""
    version: str = ""
    digest: str = ""
    slot: str = ""
    vendor_id: str = ""
    class_id: str = ""
    profile: str = ""
    operator: str = ""
    at: str = ""
    took_s: float = 0.0
    exit_code: int = 0


def ending(result: Result) -> str:
    """One line that says how it ended."""
    who = result.serial or result.port
    match result.outcome:
        case Outcome.FLASHED:
            return f"{who}: {result.model} {result.version} runs, checked and confirmed ({result.took_s:.0f} s)"
        case Outcome.ALREADY:
            return f"{who}: {result.model} {result.version} runs already"
        case Outcome.ON_TRIAL:
            return f"{who}: {result.version} passed its check and waits for a yes: sonoderm device confirm"
        case Outcome.WAITING:
            return f"{who}: stored; the device takes it after the examination. Ask later: sonoderm device info"
        case Outcome.WOULD_FLASH:
            return f"{who}: would be flashed"
        case _:
            return f"{result.serial}: {result.reason}" if result.serial else result.reason  # which names the port itself


COLUMNS = tuple(field for field in Result.__struct_fields__ if field not in ("v", "exit_code"))


@dataclass(frozen=True, slots=True)
class Report:
    """A CSV file that grows: a log over days. Each row is on the disk before the next device's."""

    path: Path

    def prepare(self) -> None:
        """Before the first byte is flashed. Raises InputRefused for a file of other columns, MachineLacks when it cannot be written."""
        try:
            with self.path.open("a+", newline="") as file:
                file.seek(0)
                first = file.readline()
                if not first:
                    file.write(_line(COLUMNS))
        except OSError as error:
            raise MachineLacks(f"--report {self.path}: {error.strerror}", state="nothing was flashed", do="name another file") from error
        except UnicodeDecodeError as error:
            raise InputRefused(f"--report {self.path}: it is no text", state="nothing was flashed", do="name another file") from error
        if first and first != _line(COLUMNS):
            raise InputRefused(f"--report {self.path}: it has other columns", state="nothing was flashed", do="name another file")

    def add(self, result: Result) -> None:
        """Raises MachineLacks."""
        row = [_harmless(str(getattr(result, column))) for column in COLUMNS]
        try:
            with self.path.open("a", newline="") as file:
                file.write(_line(row))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise MachineLacks(f"--report {self.path}: {error.strerror}", do="the rows are printed too: keep them") from error


def _line(cells: tuple[str, ...] | list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _harmless(cell: str) -> str:
    """A device's words must not become a formula in a spreadsheet."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
