"""`check --tune`: which engine, form and number of threads is fastest here, measured in turns so that a busy moment hits all alike."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge.backends.session import Place, Session
from edge.backends.table import open_session, version_of
from edge.backends.tuning import Tuned
from edge.bundle.manifest import Pair
from edge.bundle.open import VerifiedBundle
from edge.check.steady import Candidate, best, doubt, timed
from edge.errors import CheckFailed, SonodermError
from edge.model.golden import GoldenFrame, compare_outputs, read_golden
from edge.model.opening import Surroundings

__all__ = ["Candidate", "Tuning", "best", "tune"]

ROUNDS = 25
RUNS_A_TURN = 4
WARM_RUNS = 5
MOST_THREADS = 4


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was measured, nothing written yet. choice: what would be kept. refused: why it must not be, or None."""

    candidates: tuple[Candidate, ...]
    choice: Tuned
    refused: str | None


def thread_counts(cores: int) -> tuple[int, ...]:
    return tuple(n for n in (1, 2, 4) if n <= min(cores, MOST_THREADS))


def tune(
    bundle: VerifiedBundle,
    around: Surroundings,
    now: datetime.datetime,
    clock_ns: Callable[[], int],
    *,
    load: float,
    say: Callable[[str], None],
    on_round: Callable[[int, int], None],
) -> Tuning:
    """Measures every proven pair that this machine can run, and chooses. `edge.backends.tuning.write_tuned` keeps the choice.

    load: running programs, mean of the last minute, before any work of ours. Raises CheckFailed where no pair ran.
    """
    golden = read_golden(bundle)
    installed = [found.engine.name for found in around.engines if found.is_here]
    pairs = [p for name in installed for p in bundle.manifest.pairs if p.engine == name and around.is_proven(p, bundle)]
    place = Place(around.places.cache / "plans", say)
    combinations = [(pair, n) for pair in pairs for n in thread_counts(around.machine.cores if pair.engine != "tensorrt" else 1)]
    opened: list[tuple[Candidate, Session]] = []
    failed: list[Candidate] = []
    try:
        for pair, threads in combinations:
            found = _open(bundle, pair, threads, golden, place)
            if isinstance(found, Candidate):
                failed.append(found)
            else:
                opened.append((Candidate(pair.engine, pair.form, threads), found))
        measured = _measure(opened, golden, bundle, clock_ns, on_round)
    finally:
        for _, session in opened:
            session.close()
    candidates = (*measured, *failed)
    chosen = best(candidates)
    if chosen is None or chosen.p50_ms is None or chosen.p95_ms is None:
        raise CheckFailed(f"{bundle.manifest.name}: no form that is proven here could be measured", do="sonoderm check says why")
    choice = Tuned(
        cpu=around.machine.key(),
        bundle=bundle.digest,
        engine=chosen.engine,
        engine_version=version_of(chosen.engine) or "missing",
        form=chosen.form,
        threads=chosen.threads,
        p50_ms=round(chosen.p50_ms, 3),
        p95_ms=round(chosen.p95_ms, 3),
        at=now.isoformat(timespec="seconds"),
    )
    return Tuning(candidates, choice, doubt(candidates, chosen, load, around.machine.cores))


def _open(bundle: VerifiedBundle, pair: Pair, threads: int, golden: tuple[GoldenFrame, ...], place: Place) -> Session | Candidate:
    """A warm session, or the candidate that says why there is none: speed is no use where golden frames differ."""
    try:
        session = open_session(bundle, pair.form, pair.engine, threads, place)
        drifts = compare_outputs(session, golden, pair)
    except SonodermError as error:
        return Candidate(pair.engine, pair.form, threads, fault=error.what)
    if not all(found.holds for found in drifts):
        session.close()
        return Candidate(pair.engine, pair.form, threads, fault="golden frames differ")
    return session


def _measure(
    opened: list[tuple[Candidate, Session]],
    golden: tuple[GoldenFrame, ...],
    bundle: VerifiedBundle,
    clock_ns: Callable[[], int],
    on_round: Callable[[int, int], None],
) -> tuple[Candidate, ...]:
    spec = bundle.manifest.input
    tensors = [frame.tensor for frame in golden] or [np.zeros((spec.height_px, spec.width_px, 3), np.uint8)]
    took: list[list[int]] = [[] for _ in opened]
    for _, session in opened:
        for at in range(WARM_RUNS):
            session.run(tensors[at % len(tensors)])
    for turn in range(ROUNDS):
        on_round(turn, ROUNDS)
        for times, (_, session) in zip(took, opened, strict=True):
            for at in range(RUNS_A_TURN):
                began = clock_ns()
                session.run(tensors[at % len(tensors)])
                times.append(clock_ns() - began)
    return tuple(timed(c.engine, c.form, c.threads, times) for times, (c, _) in zip(took, opened, strict=True))
