"""Ways in which a simulated device goes wrong, so that a technician can rehearse them."""

import errno
import os
from enum import StrEnum
from pathlib import Path

from edge.bundle.slotfiles import DiskFiles
from edge.errors import UsageError
from firmware_bridge.device.slots import STAGING

__all__ = ["Fault", "FullDisk", "parse_faults"]


class Fault(StrEnum):
    UNPLUG = "unplug"  # in mid-upload, for good
    REPLUG = "replug"  # in mid-upload, and back two seconds later under another name
    HARDWARE = "hardware"  # it is of another class
    DISK_FULL = "disk-full"  # in mid-upload
    SLOW = "slow"  # the new model is too slow on it: its check fails
    BUSY = "busy"  # another program holds the port
    EXAMINATION = "examination"  # under way for three seconds when a model is to be changed


def parse_faults(texts: list[str], count: int) -> dict[int, Fault]:
    """ "3=unplug" -> {3: Fault.UNPLUG}; devices are numbered from 1. Raises UsageError."""
    faults = {}
    for text in texts:
        number, _, kind = text.partition("=")
        if not number.isdecimal() or not 1 <= int(number) <= count or kind not in tuple(Fault):
            raise UsageError(f"--fault {text}: not understood", do=f"NUMBER=KIND, number 1 to {count}, kind one of: {', '.join(Fault)}")
        faults[int(number)] = Fault(kind)
    return faults


class FullDisk(DiskFiles):
    """A folder whose staging file can hold only so much."""

    def __init__(self, folder: Path, room_b: int) -> None:
        super().__init__(folder)
        self._room_b = room_b

    def write(self, name: str, at_b: int, data: bytes) -> None:
        if name == STAGING and at_b + len(data) > self._room_b:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(name, at_b, data)
