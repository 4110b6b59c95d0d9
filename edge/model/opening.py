"""From a name, a path or a verified bundle to a model that is warm: trust, choice, engine, proof, golden frames."""

import datetime
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.backends.choose import Asked, Choice, choose
from edge.backends.machine import Machine, read_machine
from edge.backends.private import Places, default_places
from edge.backends.proofs import Proof, ProofKey, proof_of, read_proofs
from edge.backends.session import Place
from edge.backends.table import Availability, available, open_session, version_of
from edge.backends.tuning import Tuned, read_tuning, tuned_for
from edge.bundle.manifest import Manifest, Pair
from edge.bundle.open import VerifiedBundle, resolve_model
from edge.bundle.trust import Trust, load_trust
from edge.model.fault import ModelFault
from edge.model.model import Device, Model
from edge.profile import LoadedProfile, load_profile
from edge.reading import Reason

__all__ = ["OpenOptions", "Surroundings", "look_around", "open_model", "pair_of", "proof_key"]

log = logging.getLogger("sonoderm")


def _log(text: str) -> None:
    log.warning("%s", text)


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """What stands around a model. places: caches and proofs. on_step: told what it is busy with. say: told what a person should know."""

    places: Places | None = None
    machine: Machine | None = None
    profile: LoadedProfile | Path | None = None
    optic: str = ""
    on_step: Callable[[Reason], None] | None = None
    say: Callable[[str], None] = _log
    warm: bool = True


def open_model(
    model: str | Path | VerifiedBundle,
    trust: Trust | Path | str | None = None,
    *,
    engine: str | None = None,
    form: str | None = None,
    threads: int | None = None,
    options: OpenOptions | None = None,
) -> Model:
    """A shipped name (`derm7`), a path, or a verified bundle -> a warm Model.

    trust: a trust folder, or what was loaded from one; by default the search order of the design. engine, form, threads: what is
    left None is taken from tuning.json, else the best that is proven here. Raises NotTrusted, BundleRefused, UsageError,
    MachineLacks (an engine that was asked for is missing) and BackendFault. A model that may not speak here is returned with its
    `fault` set: every look raises it, every reading says FAULT and what to do.
    """
    options = options or OpenOptions()
    step = options.on_step or _ignore
    step(Reason.OPENING_MODEL)
    known = trust if isinstance(trust, Trust) else load_trust(Path(trust) if trust is not None else None)
    bundle = model if isinstance(model, VerifiedBundle) else resolve_model(str(model), known)
    around = look_around(options.places, options.machine, options.say)
    choice = around.choose(bundle, Asked(engine, form, threads))
    pair = pair_of(bundle.manifest, choice.form, choice.engine)

    def say(text: str) -> None:
        step(Reason.BUILDING_ENGINE)
        options.say(text)

    session = open_session(bundle, choice.form, choice.engine, choice.threads, Place(around.places.cache / "plans", say))
    profile = load_profile(options.profile, known) if isinstance(options.profile, Path) else options.profile
    device = Device(profile, options.optic, datetime.datetime.now(datetime.UTC).date())
    opened = Model(bundle, session, pair, device=device)
    try:
        if not around.is_proven(pair, bundle):
            opened.fault = _unproven(bundle, pair)
        if options.warm:
            step(Reason.WARMING_UP)
            opened.warm()
    except BaseException:
        opened.close()
        raise
    return opened


def _ignore(step: Reason) -> None:  # noqa: ARG001 - nobody asked to be told
    return


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was found on this machine before a model is opened: engines, what was tuned, what was proven."""

    machine: Machine
    places: Places
    engines: tuple[Availability, ...]
    tuned: tuple[Tuned, ...]
    proofs: tuple[Proof, ...]

    def is_proven(self, pair: Pair, bundle: VerifiedBundle) -> bool:
        """Passed at export, or accepted on this very machine."""
        return pair.gate == "passed" or proof_of(self.proofs, proof_key(pair, bundle, self.machine)) is not None

    def choose(self, bundle: VerifiedBundle, asked: Asked) -> Choice:
        tuned = tuned_for(self.tuned, self.machine.key(), bundle.digest)
        return choose(bundle.manifest, self.engines, asked, tuned, lambda pair: self.is_proven(pair, bundle))


def look_around(places: Places | None, machine: Machine | None, say: Callable[[str], None]) -> Surroundings:
    """Reads tuning and proofs; what is damaged is ignored, aloud."""
    places = places or default_places()
    tuned, tuning_warning = read_tuning(places.cache)
    proofs, proofs_warning = read_proofs(places.state)
    for warning in (tuning_warning, proofs_warning):
        if warning:
            say(warning)
    return Surroundings(machine or read_machine(), places, available(), tuned, proofs)


def proof_key(pair: Pair, bundle: VerifiedBundle, machine: Machine) -> ProofKey:
    """What an acceptance of this pair on this machine is filed under."""
    version = version_of(pair.engine) or "missing"
    return ProofKey(machine.id, machine.processor(pair.engine), pair.engine, version, bundle.digest, pair.form)


def pair_of(manifest: Manifest, form: str, engine: str) -> Pair:
    """The manifest's pair; for an engine that it does not know, an unproven one with the numbers of the first proven pair."""
    found = manifest.pair(form, engine)
    if found is not None:
        return found
    known = [pair for pair in manifest.pairs if pair.form == form] or list(manifest.pairs)
    best = next((pair for pair in known if pair.gate == "passed"), known[0])
    return msgspec.structs.replace(best, form=form, engine=engine, gate="unrun", golden_outputs=(), tolerance=0.0)


def _unproven(bundle: VerifiedBundle, pair: Pair) -> ModelFault:
    what = f"{bundle.manifest.name}: form {pair.form} was never proven on {pair.engine} on this machine"
    do = f"sonoderm check --model {bundle.path or bundle.manifest.name} --engine {pair.engine} --form {pair.form} --accept"
    return ModelFault(Reason.FORM_UNPROVEN, what, do=do)
