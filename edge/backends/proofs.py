"""What was proven on this machine: a form whose gate is `unrun` may speak only after `sonoderm check --accept` on this very board."""

from pathlib import Path
from typing import Annotated

import msgspec

from edge.backends.private import is_private, write_private

__all__ = ["Proof", "ProofKey", "proof_of", "read_proofs", "write_proof"]

FILE = "accepted.json"
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class ProofKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a proof holds for. machine: id of this installation. processor: CPU or GPU that ran it."""

    machine: str
    processor: str
    engine: str
    engine_version: str
    bundle: str
    form: str


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """golden: golden frames that passed. pictures: compared with the reference; decided: of them, with a clear winner. at: ISO 8601."""

    key: ProofKey
    golden: int
    pictures: int
    decided: int
    agreement: Share
    reference: str
    at: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    proofs: tuple[Proof, ...] = ()
    v: int = 1


def read_proofs(folder: Path) -> tuple[tuple[Proof, ...], str | None]:
    """(proofs, warning). A file that is damaged, or that others may write to, proves nothing."""
    path = folder / FILE
    if not path.exists():
        return (), None
    if not is_private(path):
        return (), f"{path}: others may write to it, so it proves nothing; run sonoderm check --accept again"
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.DecodeError) as error:
        return (), f"{path} cannot be read ({error}), so it proves nothing; run sonoderm check --accept again"
    return found.proofs, None


def proof_of(proofs: tuple[Proof, ...], key: ProofKey) -> Proof | None:
    return next((proof for proof in proofs if proof.key == key), None)


def write_proof(folder: Path, proof: Proof) -> None:
    """Adds it, in place of an older one of the same key. Raises MachineLacks."""
    kept, _ = read_proofs(folder)
    proofs = (*(old for old in kept if old.key != proof.key), proof)
    write_private(folder / FILE, msgspec.json.format(msgspec.json.encode(_File(proofs))))
