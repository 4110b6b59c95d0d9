"""A device that starts after a cut: opens slots folders from the disk alone, in a process of its own, and says what each would run.

python -m benchmarks.power_cuts_open ROOT TRUST           # ROOT holds the folders; one line each: name, tab, outcome
"""

import sys
from pathlib import Path

from benchmarks.power_cuts_disk import FullDisk
from edge.bundle.slotboot import start
from edge.bundle.slotfiles import DiskFiles, SlotFiles, load_record
from edge.bundle.trust import Trust, load_trust
from edge.errors import InputRefused, MachineLacks

__all__ = ["outcome"]

AT = "2026-01-01T00:00:00Z"


def outcome(files: SlotFiles, trust: Trust) -> str:
    """What runs if the disk has no room left, and what runs if it has; the second start is a real one, and may write."""
    full = _started(FullDisk(files.read), trust)
    return f"{_started(files, trust)} (full disk: {full})"


def _started(files: SlotFiles, trust: Trust) -> str:
    try:
        started = start(files, trust, AT)
    except InputRefused:
        return "no record"
    except MachineLacks as error:
        return error.state.split(":")[0] if error.state else error.what
    version = started.bundle.manifest.version
    return version if started.trial is None else f"{version} on trial, {load_record(files).tries_left} left"


def main(root: Path, trust_folder: Path) -> None:
    trust = load_trust(trust_folder)
    for folder in sorted(root.iterdir()):
        print(folder.name, outcome(DiskFiles(folder), trust), sep="\t")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
