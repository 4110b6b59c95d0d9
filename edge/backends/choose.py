"""Which engine, form and number of threads: what was asked for, else what was tuned here, else the best that is proven. Pure.

Order of preference among proven pairs: the table of engines (TensorRT, OpenVINO, ONNX Runtime), and within an engine its list
of schemes; measured in benchmarks/. A pair that is not proven is taken only where nothing else was asked for or is left: then
the device says FAULT, "form never proven on this engine", and what to do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from edge.backends.table import Availability, Engine
from edge.backends.tuning import Tuned
from edge.bundle.manifest import Manifest, Pair
from edge.errors import MachineLacks, UsageError

__all__ = ["DEFAULT_THREADS", "Asked", "Choice", "Why", "choose"]

DEFAULT_THREADS = 1  # a second one costs as much again in power and saves little at 224 px; `check --tune` measures it


class Why(StrEnum):
    ASKED = "asked for"
    TUNED = "tuned on this machine"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller fixed; None is left to us."""

    engine: str | None = None
    form: str | None = None
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    engine: str
    form: str
    threads: int
    why: Why


def choose(
    manifest: Manifest,
    here: tuple[Availability, ...],
    asked: Asked,
    tuned: Tuned | None,
    is_proven: Callable[[Pair], bool],
) -> Choice:
    """here: `table.available()`. tuned: the entry for this processor and bundle. Raises UsageError and MachineLacks."""
    _check_asked(manifest, here, asked)
    versions = {found.engine.name: found.version for found in here if found.is_here}
    fits_asked = (asked.engine in (None, tuned.engine) and asked.form in (None, tuned.form)) if tuned else False
    if tuned and fits_asked and versions.get(tuned.engine) == tuned.engine_version:
        pair = manifest.pair(tuned.form, tuned.engine)
        if pair is not None and is_proven(pair):
            return Choice(tuned.engine, tuned.form, asked.threads or tuned.threads, Why.TUNED)
    threads = asked.threads or DEFAULT_THREADS
    why = Why.ASKED if asked.engine or asked.form else Why.DEFAULT
    candidates = list(_candidates(manifest, here, asked))
    proven = [(engine, form) for engine, form, pair in candidates if pair is not None and is_proven(pair)]
    if proven:
        return Choice(*proven[0], threads, why)
    known = [(engine, form) for engine, form, pair in candidates if pair is not None or asked.engine]
    if known:
        return Choice(*known[0], threads, why)
    raise MachineLacks(*_nothing_runs(manifest, here, asked))


def _check_asked(manifest: Manifest, here: tuple[Availability, ...], asked: Asked) -> None:
    if asked.threads is not None and not 1 <= asked.threads <= 256:
        raise UsageError(f"{asked.threads} threads", do="choose 1 to 256")
    if asked.engine is not None:
        found = next((a for a in here if a.engine.name == asked.engine), None)
        if found is None:
            names = ", ".join(a.engine.name for a in here if a.engine.for_patients)
            raise UsageError(f"there is no engine '{asked.engine}'", do=f"choose one of: {names}")
        if not found.is_here:
            raise MachineLacks(f"the engine '{asked.engine}' is not installed here", do=found.engine.install)
    if asked.form is not None and asked.form not in {form.id for form in manifest.forms}:
        raise UsageError(f"{manifest.name} has no form '{asked.form}'", do=f"choose one of: {', '.join(f.id for f in manifest.forms)}")


def _candidates(manifest: Manifest, here: tuple[Availability, ...], asked: Asked) -> list[tuple[str, str, Pair | None]]:
    """(engine, form, pair), best first. An engine that no pair names counts only where it was asked for by name."""
    engines = [a.engine for a in here if a.is_here and asked.engine in (None, a.engine.name)]
    return [
        (engine.name, form, manifest.pair(form, engine.name))
        for engine in engines
        for form in _forms(manifest, engine)
        if asked.form in (None, form)
    ]


def _forms(manifest: Manifest, engine: Engine) -> list[str]:
    rank = {scheme: at for at, scheme in enumerate(engine.schemes)}
    fitting = [form for form in manifest.forms if form.scheme in rank]
    return [form.id for form in sorted(fitting, key=lambda form: rank[form.scheme])]


def _nothing_runs(manifest: Manifest, here: tuple[Availability, ...], asked: Asked) -> tuple[str]:
    missing = [a.engine for a in here if not a.is_here and any(p.engine == a.engine.name for p in manifest.pairs)]
    what = f"nothing on this machine can run {manifest.name}"
    if asked.form or asked.engine:
        what = f"nothing on this machine can run {manifest.name} as form {asked.form or 'any'} on {asked.engine or 'any engine'}"
    if missing:
        what += f" (it is made for {', '.join(f'{e.name}: {e.install}' for e in missing)})"
    return (what,)
