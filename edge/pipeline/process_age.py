"""When did this process begin? For the time to the first label, as its user feels it."""

from __future__ import annotations

import os
import time
from pathlib import Path

__all__ = ["process_began_ns"]


def process_began_ns(stat: Path = Path("/proc/self/stat")) -> int | None:
    """Monotonic ns, to 10 ms (Linux's clock tick); None where the system does not tell.

    Field 22 of proc(5) is the start in ticks since boot, suspend included; CLOCK_MONOTONIC leaves suspend out, so that the age is taken
    by the boot clock and subtracted from the monotonic one.
    """
    try:
        fields = stat.read_text().rpartition(")")[2].split()
        started_s = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - started_s
    except (OSError, ValueError, IndexError, AttributeError):
        return None
    return time.monotonic_ns() - int(max(0.0, age_s) * 1e9)
