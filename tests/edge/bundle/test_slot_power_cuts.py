"""A bounded part of `python -m benchmarks.power_cuts`, and proof that the sweep finds what it looks for."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.power_cuts import Sweep
from benchmarks.power_cuts_cases import Rehearsal, a_kit, cases_of, faulty_cases_of, second_cases_of
from benchmarks.power_cuts_disk import Fault, SimulatedDisk
from benchmarks.power_cuts_plays import PLAYS, RESUMED, Play
from edge.bundle.slotfiles import DiskFiles, SlotFiles

DATA = st.binary(min_size=1, max_size=9)
NAMES = st.sampled_from(["a", "staging", "record.json"])


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rehearsal, Path]:
    made, trust = a_kit(tmp_path_factory.mktemp("kit"), 7, 8, 9, 10)
    return Rehearsal(made), trust


def play_named(name: str) -> Play:
    return next(play for play in PLAYS if play.name == name)


def test_a_cut_anywhere_starts_the_last_confirmed_or_the_acknowledged_model(kit: tuple[Rehearsal, Path]) -> None:
    sweep = Sweep(kit[1])
    for play in (*PLAYS, RESUMED):
        sweep.feed(cases_of(play, kit[0]))
    sweep.feed(faulty_cases_of(play_named("roll back, confirm"), kit[0]))
    for first in islice(cases_of(play_named("flash, confirm"), kit[0]), 0, None, 15):
        sweep.feed(second_cases_of(first, kit[0]))
    sweep.open_waiting()
    assert sweep.bad == []
    assert sweep.states >= 1000
    assert "1.0.7 (full disk: 1.0.7)" in sweep.ran, "a sweep in which nothing ever runs proves nothing"


def test_the_sweep_finds_a_disk_that_ignores_every_sync(kit: tuple[Rehearsal, Path]) -> None:
    sweep = Sweep(kit[1])
    play = play_named("roll back, confirm")
    sweep.feed(cases_of(replace(play, acts=play.acts[:1]), kit[0], syncs=False))
    sweep.open_waiting()
    assert any("after rollback" in found for found in sweep.bad), "acknowledged, and lost"


def test_what_is_not_synced_may_be_there_torn_or_gone_and_what_is_synced_is_there() -> None:
    disk = SimulatedDisk({"a": b"old!"})
    disk.write("a", 0, b"new!")
    assert {state["a"] for state in disk.states()} == {b"old!", b"new!", b"new!"[:2] + b"d!", bytes(4)}
    disk.sync("a")
    assert [state["a"] for state in disk.states()] == [b"new!"]
    disk.rename("a", "b")
    assert list(disk.states()) == [{"a": b"new!"}, {"b": b"new!"}]
    disk.sync_folder()
    assert list(disk.states()) == [{"b": b"new!"}]


def test_after_a_failed_sync_a_later_one_makes_nothing_certain() -> None:
    disk = SimulatedDisk({"a": b"old!"}, fault=Fault("sync fails", 1))
    disk.write("a", 0, b"new!")
    with pytest.raises(OSError, match="Input/output"):
        disk.sync("a")
    disk.sync("a")
    assert {state["a"] for state in disk.states()} == {b"old!", b"new!"}


def test_a_full_disk_takes_what_fits() -> None:
    disk = SimulatedDisk({"a": b""}, fault=Fault("disk full", 0))
    with pytest.raises(OSError, match="No space"):
        disk.write("a", 0, b"new!")
    assert disk.read("a") == b"ne"
    with pytest.raises(OSError, match="No space"):
        disk.create("b")


Step = Callable[[SlotFiles], object]
STEPS = st.one_of(
    st.builds(lambda name: lambda files: files.create(name), NAMES),
    st.builds(
        lambda name, at, data: lambda files: files.write(name, at, data), NAMES, st.integers(0, 9), st.binary(min_size=1, max_size=9)
    ),
    st.builds(lambda name, data: lambda files: files.append(name, data), NAMES, st.binary(min_size=1, max_size=9)),
    st.builds(lambda old, new: lambda files: files.rename(old, new), NAMES, NAMES),
    st.builds(lambda name: lambda files: files.remove(name), NAMES),
)


@given(st.lists(STEPS, max_size=12))
@settings(max_examples=60, deadline=None)
def test_with_the_power_on_the_simulated_disk_is_the_real_one(tmp_path_factory: pytest.TempPathFactory, steps: Sequence[Step]) -> None:
    folder = tmp_path_factory.mktemp("disk")
    real, simulated = DiskFiles(folder), SimulatedDisk()
    for step in steps:
        assert _error_of(step, real) == _error_of(step, simulated)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == dict(simulated.view())


def _error_of(step: Step, files: SlotFiles) -> type[Exception] | None:
    try:
        step(files)
    except FileNotFoundError as error:
        return type(error)
    return None
