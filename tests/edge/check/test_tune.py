"""Tuning measures what is proven, prefers fewer threads, and writes what the next start follows."""

import datetime
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

import edge
from edge.backends.machine import read_machine
from edge.backends.private import Places
from edge.backends.tuning import write_tuned
from edge.bundle.open import open_bundle
from edge.check import Candidate, tune
from edge.check.steady import UNSTEADY, doubt, timed
from edge.check.tune import best, thread_counts
from edge.errors import CheckFailed
from edge.model import OpenOptions
from edge.model.opening import Surroundings, look_around
from tests.builders import a_bundle

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
BOTH = ("onnxruntime", "openvino")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "cache", tmp_path / "state")


def around(places: Places) -> Surroundings:
    return look_around(places, None, print)


def a_clock() -> Iterator[int]:
    """Each reading is one millisecond after the last: every run takes the same time."""
    return itertools.count(0, 1_000_000)


def test_every_proven_pair_is_measured_and_the_choice_is_followed(tmp_path: Path, places: Places) -> None:
    built = a_bundle(tmp_path, engines=BOTH)
    clock = a_clock()
    rounds: list[tuple[int, int]] = []
    tuning = tune(
        open_bundle(built.path, built.trust),
        around(places),
        NOW,
        lambda: next(clock),
        load=0.0,
        say=print,
        on_round=lambda done, total: rounds.append((done, total)),
    )
    threads = thread_counts(read_machine().cores)
    assert {(c.engine, c.threads) for c in tuning.candidates} == set(itertools.product(BOTH, threads))
    assert all(c.p50_ms == pytest.approx(1.0) for c in tuning.candidates)
    assert tuning.refused is None
    assert tuning.choice.threads == 1, "equal speed: the fewest threads"
    assert rounds[-1][0] == rounds[-1][1] - 1
    assert not (places.cache / "tuning.json").exists(), "to measure is not to keep"
    write_tuned(places.cache, tuning.choice)
    model = edge.open_model(built.path, built.trust, options=OpenOptions(places=places))
    assert (model.identity.engine, model.session.threads) == (tuning.choice.engine, 1)


def test_what_is_not_proven_is_not_measured(tmp_path: Path, places: Places) -> None:
    built = a_bundle(tmp_path, engines=BOTH, unrun=("openvino",))
    clock = a_clock()
    tuning = tune(
        open_bundle(built.path, built.trust),
        around(places),
        NOW,
        lambda: next(clock),
        load=0.0,
        say=print,
        on_round=lambda _done, _total: None,
    )
    assert {c.engine for c in tuning.candidates} == {"onnxruntime"}


def test_a_form_whose_golden_frames_differ_is_never_chosen(tmp_path: Path, places: Places) -> None:
    pair = a_bundle(tmp_path / "a").manifest.pairs[0]
    moved = msgspec.structs.replace(pair, golden_outputs=tuple(tuple(v + 1.0 for v in row) for row in pair.golden_outputs))
    built = a_bundle(tmp_path / "b", engines=(), pairs=(moved,))
    with pytest.raises(CheckFailed):
        tune(open_bundle(built.path, built.trust), around(places), NOW, lambda: 0, load=0.0, say=print, on_round=lambda _done, _total: None)
    assert not (places.cache / "tuning.json").exists()


def test_a_choice_made_beside_another_program_is_refused(tmp_path: Path, places: Places) -> None:
    """Every tenth run waits for the other program; and a load that was there before is enough."""
    built = a_bundle(tmp_path)
    now = 0
    ticks = itertools.count()

    def interrupted() -> int:
        nonlocal now
        now += 5_000_000 if next(ticks) % 11 in (1, 3) else 1_000_000
        return now

    def tuned(clock_ns: Callable[[], int], load: float) -> str | None:
        return tune(
            open_bundle(built.path, built.trust), around(places), NOW, clock_ns, load=load, say=print, on_round=lambda _done, _total: None
        ).refused

    clock = a_clock()
    assert tuned(lambda: next(clock), 0.0) is None
    assert "not steady" in (tuned(interrupted, 0.0) or "")
    assert "busy" in (tuned(lambda: next(clock), read_machine().cores * 1.0) or "")


QUIET = [5_000_000] * 90 + [5_200_000] * 10
NOISY = [5_000_000] * 60 + [9_000_000] * 40
SLOW_NOISY = [9_000_000] * 60 + [30_000_000] * 40
HIDDEN = [2_000_000] * 40 + [9_000_000] * 60  # would be the fastest, had nobody disturbed it


@pytest.mark.parametrize(
    ("chosen_ns", "rival_ns", "believed"),
    [(QUIET, QUIET, True), (NOISY, QUIET, False), (QUIET, SLOW_NOISY, True), (QUIET, HIDDEN, False)],
    ids=["both steady", "the chosen one varies", "a rival that cannot win varies", "a rival that could have won varies"],
)
def test_only_what_could_win_must_be_steady(chosen_ns: list[int], rival_ns: list[int], believed: bool) -> None:
    chosen, rival = timed("a", "u8s8", 1, chosen_ns), timed("b", "u8s8", 2, rival_ns)
    assert (doubt((chosen, rival), chosen, 0.0, 2) is None) == believed


@pytest.mark.parametrize(("load", "cores", "believed"), [(0.9, 2, True), (1.0, 2, True), (1.1, 2, False), (1.1, 8, True)])
def test_half_of_the_cores_may_be_at_work(load: float, cores: int, believed: bool) -> None:
    chosen = timed("a", "u8s8", 1, QUIET)
    assert (doubt((chosen,), chosen, load, cores) is None) == believed


def test_the_limit_of_steadiness_itself_is_still_steady() -> None:
    chosen = timed("a", "u8s8", 1, [1_000_000] * 50 + [round(UNSTEADY * 1_000_000)] * 50)
    assert chosen.spread == pytest.approx(UNSTEADY)
    assert doubt((chosen,), chosen, 0.0, 1) is None


def c(engine: str, threads: int, p50_ms: float | None) -> Candidate:
    return Candidate(engine, "u8s8", threads, p50_ms, p50_ms)


@pytest.mark.parametrize(
    ("candidates", "chosen"),
    [
        ((c("a", 1, 5.0), c("b", 1, 4.0)), ("b", 1)),
        ((c("a", 1, 5.0), c("a", 2, 4.5)), ("a", 1)),
        ((c("a", 1, 5.0), c("a", 2, 3.0)), ("a", 2)),
        ((c("a", 1, 5.0), c("b", 2, 4.0), c("b", 4, 3.9)), ("b", 2)),
        ((c("a", 1, None), c("b", 2, 9.0)), ("b", 2)),
    ],
    ids=["faster", "another thread for a tenth", "another thread for two fifths", "four threads for nothing", "one could not run"],
)
def test_the_fastest_wins_and_threads_must_be_worth_it(candidates: tuple[Candidate, ...], chosen: tuple[str, int]) -> None:
    found = best(candidates)
    assert found is not None
    assert (found.engine, found.threads) == chosen


def test_nothing_measured_is_nothing_chosen() -> None:
    assert best((c("a", 1, None),)) is None
    assert best(()) is None


@pytest.mark.parametrize(("cores", "counts"), [(1, (1,)), (2, (1, 2)), (3, (1, 2)), (6, (1, 2, 4)), (64, (1, 2, 4))])
def test_threads_never_outnumber_cores(cores: int, counts: tuple[int, ...]) -> None:
    assert thread_counts(cores) == counts
