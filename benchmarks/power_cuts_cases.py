"""The folders that cuts of the power may leave, each with what may run then: one cut, a failing disk, two cuts in a row."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from benchmarks.power_cuts_disk import Fault, Files, SimulatedDisk
from benchmarks.power_cuts_open import outcome
from benchmarks.power_cuts_plays import AGAIN, Kit, Play, init
from edge.bundle.slotboot import Rescue
from edge.bundle.slotfiles import RECORD
from edge.errors import SonodermError
from firmware_bridge.device.slots import CHECKPOINT_B
from tests.builders import a_bundle, a_key

__all__ = ["Case", "Known", "Rehearsal", "a_kit", "cases_of", "distinct", "faulty_cases_of", "second_cases_of"]

T = TypeVar("T")


class Known(Generic[T]):
    """What is known of a folder, found by its content. Each content gets a number once, so that a key is small and quick."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._values: dict[tuple[tuple[str, int], ...], T] = {}

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[T]:
        return iter(self._values.values())

    def get(self, files: Files) -> T | None:
        return self._values.get(self._key(files))

    def put(self, files: Files, value: T) -> None:
        self._values[self._key(files)] = value

    def _key(self, files: Files) -> tuple[tuple[str, int], ...]:
        return tuple((name, self._numbers.setdefault(data, len(self._numbers))) for name, data in files.items())


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A folder that a cut may leave, and what may run then."""

    files: Files
    allowed: frozenset[str]
    where: str


def a_kit(folder: Path, *counters: int) -> tuple[Kit, Path]:
    """Small signed bundles, counter 10 longer than one checkpoint of an upload; and the trust folder that believes them."""
    key, bundles = a_key(), {}
    for counter in counters:
        members = {"padding.bin": bytes(range(256)) * (CHECKPOINT_B // 200)} if counter == 10 else {}
        built = a_bundle(folder / str(counter), key=key, security_counter=counter, version=f"1.0.{counter}", members=members)
        bundles[counter] = built.data
    return Kit(built.manifest.name, built.trust, bundles), built.trust_dir


class Rehearsal:
    """What a start gives while the power stays on, and where each play begins; each worked out once."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self._known = Known[str]()
        self._stages: dict[str, Files] = {}

    def stage(self, play: Play) -> Files:
        if play.name not in self._stages:
            disk = SimulatedDisk()
            for act in play.before:
                act(disk, self.kit)
            self._stages[play.name] = disk.view()
        return self._stages[play.name]

    def runs(self, disk: SimulatedDisk) -> str:
        files = disk.view()
        if (runs := self._known.get(files)) is None:
            runs = outcome(SimulatedDisk(files), self.kit.trust)
            self._known.put(files, runs)
        return runs


def cases_of(play: Play, rehearsal: Rehearsal, *, syncs: bool = True) -> Iterator[Case]:
    """One cut, at each operation of the play. syncs: False for a disk that ignores them, on which bad cases must be found."""
    disk = SimulatedDisk(rehearsal.stage(play), syncs=syncs)
    runs = frozenset([rehearsal.runs(disk)])
    for act in play.acts:
        with _cuts(disk) as found:
            act.do(disk, rehearsal.kit)
        yield from (Case(files, runs | {act.runs}, f"{play.name}: {act.name}") for files in found)
        runs = frozenset([act.runs])
        yield from (Case(files, runs, f"{play.name}: after {act.name}") for files in disk.states())


def _faulty_cases_of(play: Play, rehearsal: Rehearsal, fault: Fault) -> Iterator[Case]:
    """An act that the disk refuses is not acknowledged; it is done once more, as people do, and then given up.

    What runs after it may have spent a start of the trial more than the play says; it is of one of the play's two versions all the same.
    """
    disk = SimulatedDisk(rehearsal.stage(play), fault=fault)
    runs = frozenset([rehearsal.runs(disk)])
    for act in play.acts:
        versions = {_version(r) for r in (*runs, act.runs)}
        if "start" in act.name:
            versions.add(_fallback(act.runs))  # a try that the fault has cost may have been the last
        is_acknowledged = False
        for _ in range(2):
            with _cuts(disk) as found:
                try:
                    act.do(disk, rehearsal.kit)
                    is_acknowledged = True
                except SonodermError:
                    pass  # it says what to do; here it is done again
            after = frozenset(r for r in [rehearsal.runs(disk)] if _version(r) in versions)
            where = f"{play.name}, {fault.kind} at {fault.at}: {act.name}"
            runs |= after | {act.runs}
            yield from (Case(files, runs, where) for files in found)
            if is_acknowledged:
                break
        if not is_acknowledged:
            return
        runs = after
        yield from (Case(files, runs, f"{where}, acknowledged") for files in disk.states())


def _fallback(runs: str) -> str:
    """What is confirmed: it runs when nothing can be saved."""
    return runs.split("full disk: ")[1].rstrip(")")


def _version(runs: str) -> str:
    return runs.split(maxsplit=1)[0]


@contextmanager
def _cuts(disk: SimulatedDisk) -> Iterator[list[Files]]:
    """Every folder that a cut after any operation within may leave."""
    found: list[Files] = []
    disk.on_change = lambda: found.extend(disk.states())
    try:
        yield found
    finally:
        disk.on_change = lambda: None


def faulty_cases_of(play: Play, rehearsal: Rehearsal) -> Iterator[Case]:
    """The same with each kind of fault at each operation."""
    counting = SimulatedDisk(rehearsal.stage(play))
    for act in play.acts:
        act.do(counting, rehearsal.kit)
    for kind in ("sync fails", "disk full once", "disk full"):
        for at in range(counting.operations):
            yield from _faulty_cases_of(play, rehearsal, Fault(kind, at))


def second_cases_of(first: Case, rehearsal: Rehearsal) -> Iterator[Case]:
    """After a cut: the device starts, is flashed anew to the end, and loses its power once more at each operation of that."""
    disk = SimulatedDisk(first.files)
    runs = frozenset([rehearsal.runs(disk)])
    is_bound = disk.read(RECORD) is not None
    for act in AGAIN if is_bound else (init, *AGAIN):
        with _cuts(disk) as found, suppress(Rescue):
            act(disk, rehearsal.kit)
        after = frozenset([rehearsal.runs(disk)])
        yield from (Case(files, runs | after, f"{first.where}; then {act.__name__}") for files in found)
        runs = after
        yield from (Case(files, runs, f"{first.where}; then after {act.__name__}") for files in disk.states())


def distinct(cases: Iterator[Case]) -> Iterator[Case]:
    seen = Known[bool]()
    for case in cases:
        if not seen.get(case.files):
            seen.put(case.files, True)
            yield case
