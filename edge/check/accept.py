"""`check --accept`: the record that a form was proven on this very machine. Nothing else makes an unrun pair speak."""

import datetime

from edge.backends.proofs import Proof, write_proof
from edge.check.report import CheckReport
from edge.errors import CheckFailed
from edge.model import Model
from edge.model.opening import Surroundings, proof_key

__all__ = ["accept"]


def accept(model: Model, report: CheckReport, around: Surroundings, now: datetime.datetime) -> Proof:
    """Writes and returns the proof. Raises CheckFailed where the report proves nothing, MachineLacks where it cannot be written."""
    if not report.proven or report.agreement is None or report.reference is None:
        why = (
            "; ".join(f"{line.name}: {line.value}" for line in report.lines[:3] if not line.ok)
            or "there is no other proven form to compare with"
        )
        raise CheckFailed(
            f"{model.manifest.name}, form {model.pair.form} on {model.pair.engine}: not accepted ({why})", do="use a form that is proven"
        )
    proof = Proof(
        key=proof_key(model.pair, model.bundle, around.machine),
        golden=report.golden,
        pictures=report.pictures,
        decided=report.decided,
        agreement=report.agreement,
        reference=report.reference,
        at=now.isoformat(timespec="seconds"),
    )
    write_proof(around.places.state, proof)
    return proof
