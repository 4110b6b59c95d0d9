"""What this process costs in memory."""

from pathlib import Path

__all__ = ["process_memory_b"]

SMAPS = Path("/proc/self/smaps_rollup")  # Linux 4.14 and later


def process_memory_b(smaps: Path = SMAPS) -> int | None:
    """Proportional set size in bytes (shared pages count by their share); None where the system does not tell."""
    try:
        lines = smaps.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), None)
