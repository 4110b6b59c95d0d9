"""Every place where the power can go while a device is flashed, tried, confirmed, reverted or rolled back; what starts afterwards?

Each play of `power_cuts_plays` runs on a disk that keeps no more than POSIX promises (`power_cuts_disk`). After each operation every
folder that a cut may leave is written down and opened by a fresh process from the disk alone (`power_cuts_open`; a process opens many
folders, one after the other). It must run the last confirmed model or the one whose flash was acknowledged, and nothing else.

python -m benchmarks.power_cuts                 # all of it: one cut, failing syncs, full disks, and two cuts in a row
python -m benchmarks.power_cuts --quick         # one cut and the failing disks alone
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.power_cuts_cases import Case, Known, Rehearsal, a_kit, cases_of, distinct, faulty_cases_of, second_cases_of
from benchmarks.power_cuts_plays import PLAYS, RESUMED, Play

__all__ = ["Sweep"]

ROOT = Path(__file__).resolve().parents[1]
MEMORY = Path("/dev/shm")  # what a cut left is only read now, and the power stays on: memory is good enough
BATCH = 500  # folders for one fresh process


@dataclass
class Sweep:
    """Opens each distinct folder once, and compares what it runs with every case that led to it."""

    trust_folder: Path
    cases: int = 0
    bad: list[str] = field(default_factory=list)
    ran: Counter[str] = field(default_factory=Counter)
    _known: Known[str] = field(default_factory=Known)
    _waiting: Known[list[Case]] = field(default_factory=Known)

    @property
    def states(self) -> int:
        return len(self._known)

    def feed(self, cases: Iterator[Case]) -> None:
        for case in cases:
            self.cases += 1
            if (runs := self._known.get(case.files)) is not None:
                self._judge(case, runs)
            elif (waiting := self._waiting.get(case.files)) is not None:
                waiting.append(case)
            else:
                self._waiting.put(case.files, [case])
                if len(self._waiting) >= BATCH:
                    self.open_waiting()

    def open_waiting(self) -> None:
        """In one fresh process, each folder from the disk alone."""
        groups = list(self._waiting)
        self._waiting = Known()
        with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as root:
            for number, cases in enumerate(groups):
                folder = Path(root, f"{number:06}")
                folder.mkdir()
                for name, data in cases[0].files.items():
                    (folder / name).write_bytes(data)
            command = [sys.executable, "-m", "benchmarks.power_cuts_open", root, str(self.trust_folder)]
            lines = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.splitlines()
        for cases, line in zip(groups, lines, strict=True):
            runs = line.split("\t")[1]
            self._known.put(cases[0].files, runs)
            self.ran[runs] += 1
            for case in cases:
                self._judge(case, runs)

    def _judge(self, case: Case, runs: str) -> None:
        if runs not in case.allowed:
            self.bad.append(f"{case.where}: runs {runs}, allowed: {'; '.join(sorted(case.allowed))}")


@dataclass(frozen=True, slots=True)
class _Row:
    what: str
    cases: int
    states: int
    bad: int


def _sweep(sweep: Sweep, rehearsal: Rehearsal, plays: Sequence[Play], *, twice: bool) -> Iterator[_Row]:
    def row(what: str, before: tuple[int, int, int]) -> _Row:
        sweep.open_waiting()
        return _Row(what, sweep.cases - before[0], sweep.states - before[1], len(sweep.bad) - before[2])

    for play in plays:
        before = (sweep.cases, sweep.states, len(sweep.bad))
        sweep.feed(cases_of(play, rehearsal))
        yield row(f"one cut: {play.name}", before)
    for play in plays:
        before = (sweep.cases, sweep.states, len(sweep.bad))
        sweep.feed(faulty_cases_of(play, rehearsal))
        yield row(f"failing disk, then a cut: {play.name}", before)
    for play in plays if twice else ():
        before = (sweep.cases, sweep.states, len(sweep.bad))
        for first in distinct(cases_of(play, rehearsal)):
            sweep.feed(second_cases_of(first, rehearsal))
        yield row(f"two cuts: {play.name}", before)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="without two cuts in a row")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        kit, trust_folder = a_kit(Path(folder), 7, 8, 9, 10)
        sweep = Sweep(trust_folder)
        rows = []
        for row in _sweep(sweep, Rehearsal(kit), (*PLAYS, RESUMED), twice=not options.quick):
            rows.append(row)
            if not options.json:
                print(f"{row.states:8} states {row.cases:9} cases {row.bad:5} bad  {row.what}", flush=True)
    result = {
        "states": sweep.states,
        "cases": sweep.cases,
        "bad": len(sweep.bad),
        "took_s": round(time.monotonic() - began, 1),
        "ran": dict(sweep.ran.most_common()),
        "rows": [{"what": r.what, "states": r.states, "cases": r.cases, "bad": r.bad} for r in rows],
        "first_bad": sweep.bad[:20],
    }
    if options.json:
        print(json.dumps(result))
    else:
        print(f"{sweep.states} distinct states of {sweep.cases} cases, {len(sweep.bad)} bad, {result['took_s']} s")
        for runs, count in sweep.ran.most_common():
            print(f"{count:8} start with {runs}")
        print(*sweep.bad[:20], sep="\n")
    return 1 if sweep.bad else 0


if __name__ == "__main__":
    sys.exit(main())
