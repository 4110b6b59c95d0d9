"""Trust folders, shipped models, engines, and what was tuned and proven on this machine."""

from collections.abc import Collection, Iterator
from pathlib import Path

from edge.backends.machine import read_machine
from edge.backends.private import default_places
from edge.backends.proofs import read_proofs
from edge.backends.table import available
from edge.backends.tuning import read_tuning
from edge.bundle.open import open_shipped
from edge.bundle.shipped import read_pins
from edge.bundle.trust import Trust, load_trust
from edge.cli.doctor_finding import Finding, Level
from edge.errors import SonodermError

__all__ = ["find_engines", "find_models", "find_tuning"]


def find_engines(broken: Collection[str] = ()) -> Iterator[Finding]:
    """Which engines could run a model here; the line that installs the others. broken: modules that are installed and do not load."""
    usable = 0
    for each in available():
        engine = each.engine
        if not engine.for_patients:
            continue
        if engine.needs in broken:
            yield Finding(
                "engines", engine.name, Level.BROKEN, f"{each.version} is installed, but does not load (see libraries)", engine.install
            )
        elif each.is_here:
            usable += 1
            yield Finding("engines", engine.name, Level.OK, f"{each.version} ({engine.runs_on})")
        else:
            yield Finding("engines", engine.name, Level.OK, f"not installed ({engine.runs_on})", engine.install)
    if not usable:
        yield Finding(
            "engines", "none", Level.BROKEN, "no engine can be used: no model can run", "pip install --force-reinstall onnxruntime"
        )


def find_models(explicit: Path | None) -> Iterator[Finding]:
    """Who is trusted here, and whether each shipped model still is what was shipped."""
    try:
        trust = load_trust(explicit)
    except SonodermError as error:
        yield Finding("trust", "keys", Level.BROKEN, error.what, error.do)
        return
    yield from _keys(trust)
    pins = read_pins()
    if not pins:
        yield Finding("models", "shipped", Level.BROKEN, "no model is inside this installation", "pip install --force-reinstall sonoderm")
    for pin in pins:
        try:
            bundle = open_shipped(pin, trust)
        except SonodermError as error:
            yield Finding("models", pin.name, Level.BROKEN, error.what, error.do)
            continue
        yield Finding("models", pin.name, Level.OK, f"{pin.version}, {bundle.size_b / 1e6:.1f} MB, verified, {bundle.manifest.licence}")


def find_tuning() -> Iterator[Finding]:
    """What `sonoderm check` wrote for this machine, and whether it can be read."""
    places, machine = default_places(), read_machine()
    tuned, warning = read_tuning(places.cache)
    if warning:
        yield Finding("tuning", "tuning.json", Level.NOTE, warning)
    for entry in tuned:
        says = f"{entry.engine} {entry.engine_version}, {entry.form}, {entry.threads} threads, p95 {entry.p95_ms:.1f} ms, {entry.at}"
        if entry.cpu == machine.key():
            yield Finding("tuning", entry.bundle[:12], Level.OK, says)
    if not tuned and not warning:
        yield Finding("tuning", "tuning.json", Level.OK, "nothing was tuned here yet", "sonoderm check --tune --model MODEL")
    proofs, warning = read_proofs(places.state)
    if warning:
        yield Finding("tuning", "accepted.json", Level.NOTE, warning)
    for proof in proofs:
        says = f"{proof.key.form} on {proof.key.engine} {proof.key.engine_version}: agreement {proof.agreement:.1%}, {proof.at}"
        yield Finding("tuning", f"accepted {proof.key.bundle[:12]}", Level.OK, says)


def _keys(trust: Trust) -> Iterator[Finding]:
    for key in trust.keys:
        yield Finding("trust", key.hash[:12], Level.OK, f"may sign a {key.role}, from {key.path}")
    if not trust.keys:
        yield Finding("trust", "keys", Level.OK, "no key is trusted: only the shipped models run", "sonoderm trust add KEY.pub")
    if trust.revoked:
        yield Finding("trust", "revoked", Level.OK, f"{len(trust.revoked)} keys and digests are refused")
