"""The faults that can be ordered, what the screen must say to each, and by when; and the switch that the capture process obeys.

The switch is a small file mapped into both processes. The capture process reads the order before each picture, and writes the
capture time of its newest good picture, so that the time to the banner is counted from that picture and not from a click.
"""

import mmap
import os
import struct
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from edge.reading import Reading, State

__all__ = ["FAULTS", "Fault", "FaultKind", "Switch", "find_fault", "is_answered"]


class FaultKind(StrEnum):
    NONE = "none"
    UNPLUG = "unplug"
    FREEZE = "freeze"
    BLACK = "black"
    HANG = "hang"
    CRASH = "crash"
    SLOW_SINK = "slow-sink"
    WRONG_ORGAN = "wrong-organ"


@dataclass(frozen=True, slots=True)
class Fault:
    """limit_ms: from the last good picture (slow sink: from the order) to the screen that says so."""

    kind: FaultKind
    button: str
    what: str
    expected: str
    limit_ms: int


FAULTS = (
    Fault(FaultKind.UNPLUG, "Unplug", "the driver reports that its device is gone", "NO SIGNAL", 250),
    Fault(FaultKind.FREEZE, "Freeze picture", "the same picture again and again, with success", "NO SIGNAL", 250),
    Fault(FaultKind.BLACK, "Black", "pictures without any light", "NO SIGNAL", 250),
    Fault(FaultKind.HANG, "Hang", "the driver's read never returns; its process is replaced", "NO SIGNAL", 250),
    Fault(FaultKind.CRASH, "Crash", "a segmentation fault in the driver's process", "NO SIGNAL", 250),
    Fault(
        FaultKind.SLOW_SINK,
        "Slow sink",
        "another screen never returns from drawing; this one must not care",
        "a note, and the label stays",
        1000,
    ),
    Fault(
        FaultKind.WRONG_ORGAN,
        "Wrong organ",
        "the probe moves to another part of the body: a model made for both finds a new label, any other says OUT OF SCOPE",
        "the old label is gone",
        250,
    ),
)


def find_fault(name: str) -> Fault | None:
    return next((fault for fault in FAULTS if fault.kind.value == name), None)


def is_answered(fault: Fault, reading: Reading, label_before: str | None) -> bool:
    """True for a reading that says what this fault demands. label_before: what stood when it was ordered."""
    if fault.kind is FaultKind.SLOW_SINK:
        return reading.model is not None and any("slow" in note for note in reading.model.notes)
    if fault.kind is FaultKind.WRONG_ORGAN:
        return reading.state is not State.READY or reading.label != label_before
    return reading.state is State.NO_SIGNAL


_KINDS = {kind.value: kind for kind in FaultKind}
_LAYOUT = struct.Struct("<16sq")  # the order's word, capture time of the newest good picture (monotonic ns)


class Switch:
    """Both ends of it: the demo orders, the capture process obeys. One writer for each half, no lock needed."""

    def __init__(self, path: Path) -> None:
        """Opens the file, made by `create`. Raises OSError, and ValueError for a file that is no switch."""
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            if os.fstat(fd).st_size != _LAYOUT.size:
                raise ValueError(f"{path} is no fault switch")
            self._map = mmap.mmap(fd, _LAYOUT.size)
        finally:
            os.close(fd)

    @classmethod
    def create(cls, path: Path) -> Self:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.write(fd, bytes(_LAYOUT.size))
        os.close(fd)
        return cls(path)

    @property
    def ordered(self) -> FaultKind:
        word = bytes(self._map[:16]).rstrip(b"\0").decode("ascii", "replace")
        return _KINDS.get(word, FaultKind.NONE)

    def order(self, kind: FaultKind) -> None:
        self._map[:16] = kind.value.encode("ascii").ljust(16, b"\0")

    @property
    def good_ns(self) -> int:
        """Capture time of the newest good picture; 0 before there was one."""
        return int(_LAYOUT.unpack(self._map[:])[1])

    def tell_good(self, captured_ns: int) -> None:
        self._map[16:24] = struct.pack("<q", captured_ns)

    def close(self) -> None:
        self._map.close()
