"""Run a bundle on the dev side of a recipe, through the device's own preprocessing and ONNX Runtime, one thread."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge.backends.session import Place
from edge.backends.table import open_session
from edge.bench.accuracy import Case
from edge.bundle.manifest import Pair
from edge.bundle.open import VerifiedBundle
from edge.classify import guards_of, judge, read_bank, still_verdict
from edge.errors import UsageError
from edge.preprocess.prepare import prepare
from export.data.shots import read_shot
from export.data.table import Row
from export.report.facts import Looked, Mistake

__all__ = ["Answers", "look"]

ENGINE = "onnxruntime"


@dataclass(frozen=True, slots=True)
class Answers:
    """looked: one case for each row, in their order. mistakes: rows whose likeliest class is not their label."""

    looked: Looked
    mistakes: tuple[Mistake, ...]


def _pair(bundle: VerifiedBundle) -> Pair:
    pairs = [pair for pair in bundle.manifest.pairs if pair.engine == ENGINE]
    if not pairs:
        raise UsageError(f"{bundle.manifest.name} has no form for {ENGINE}", do="give a bundle that sonoderm export made")
    return next((pair for pair in pairs if pair.gate == "passed"), pairs[0])


def look(bundle: VerifiedBundle, rows: tuple[Row, ...], side: str, advance: Callable[[], None]) -> Answers:
    """advance: called after each picture. Raises InputRefused for a picture that cannot be read, UsageError, BackendFault."""
    manifest, pair = bundle.manifest, _pair(bundle)
    codes, guards = manifest.codes(), guards_of(manifest, pair.decision)
    scope = manifest.scope
    bank = read_bank(bundle.member(scope.bank), scope) if scope is not None and scope.bank is not None else None
    session = open_session(bundle, pair.form, pair.engine, 1, Place(None, lambda _: None))
    cases, mistakes = [], []
    try:
        for row in rows:
            raw = session.run(prepare(read_shot(row.shot), manifest.input).tensor)
            judged = judge(raw, pair.decision, manifest.outputs, scope, bank)
            verdict = still_verdict(judged, guards)
            shown = None if verdict.label is None else codes[verdict.label]
            p = tuple(float(value) for value in judged.probabilities)
            cases.append(Case(codes[row.label], row.group, p, verdict.state, shown))
            said = int(np.argmax(judged.probabilities))
            if said != row.label:
                mistakes.append(Mistake(row.image, codes[row.label], codes[said], p[said], verdict.state.value, row.frame))
            advance()
    finally:
        session.close()
    how = f"{pair.form} on {session.engine} {session.engine_version}, one thread, {session.isa}; stills, without time or quality checks"
    return Answers(Looked(side, how, tuple(cases)), tuple(mistakes))
