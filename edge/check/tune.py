"""`check --tune`: which engine, form and number of threads is fastest here, measured in turns so that a busy moment hits all alike."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge.backends.session import Place, Session
from edge.backends.table import open_session, version_of
from edge.backends.tuning import Tuned, write_tuned
from edge.bundle.manifest import Pair
from edge.bundle.open import VerifiedBundle
from edge.errors import CheckFailed, SonodermError
from edge.model.golden import GoldenFrame, compare_outputs, read_golden
from edge.model.opening import Surroundings

__all__ = ["Candidate", "best", "tune"]

ROUNDS = 25
RUNS_A_TURN = 4
WARM_RUNS = 5
MOST_THREADS = 4
WORTH = 0.85  # another thread costs power and the page's share of a core: it must save 15 %


@dataclass(frozen=True, slots=True)
class Candidate:
    """One combination and what it measured, inference alone; `fault` where it could not be measured."""

    engine: str
    form: str
    threads: int
    p50_ms: float | None = None
    p95_ms: float | None = None
    fault: str | None = None


def thread_counts(cores: int) -> tuple[int, ...]:
    return tuple(n for n in (1, 2, 4) if n <= min(cores, MOST_THREADS))


def best(candidates: tuple[Candidate, ...]) -> Candidate | None:
    """The lowest median; more threads only where they save 15 %. None where nothing could be measured. Pure."""
    measured = [c for c in candidates if c.p50_ms is not None]
    chosen: Candidate | None = None
    for threads in sorted({c.threads for c in measured}):
        fastest = min((c for c in measured if c.threads == threads), key=lambda c: c.p50_ms or 0.0)
        if chosen is None or (fastest.p50_ms or 0.0) < WORTH * (chosen.p50_ms or 0.0):
            chosen = fastest
    return chosen


def tune(
    bundle: VerifiedBundle,
    around: Surroundings,
    now: datetime.datetime,
    clock_ns: Callable[[], int],
    *,
    say: Callable[[str], None],
    on_round: Callable[[int, int], None],
) -> tuple[Tuned, tuple[Candidate, ...]]:
    """Measures every proven pair that this machine can run and writes the choice to tuning.json. Raises CheckFailed where none ran."""
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
    entry = Tuned(
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
    write_tuned(around.places.cache, entry)
    return entry, candidates


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
    measured = []
    for times, (candidate, _) in zip(took, opened, strict=True):
        p50, p95 = np.percentile(np.asarray(times, np.float64) / 1e6, [50, 95])
        measured.append(Candidate(candidate.engine, candidate.form, candidate.threads, float(p50), float(p95)))
    return tuple(measured)
