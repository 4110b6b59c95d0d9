"""A change of trust that comes over a cable: one key or digest, for one device, and who vouches for it. Pure.

    {"do":"add","schema":1,"device":"bench-1","nonce":"<32 hex>","key":"<64 hex>","name":"clinic","role":"bundle"}
    ed25519 <hash of the signing key> <signature>

One line of JSON in its one form (`encode`), and the signature line of `edge.bundle.signedtext` by a key of role `bundle`. The nonce is the
device's own: drawn at random, told to whoever asks, and replaced before a change takes effect, so that no change is ever played twice.
"""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.bundle.keyfile import PublicKey
from edge.bundle.signedtext import Kind, signer_of, split_text
from edge.bundle.trust import Role, Trust
from edge.errors import InputRefused, NotTrusted

__all__ = [
    "CHANGE",
    "KEPT",
    "MAX_CHANGE_B",
    "AddKey",
    "RemoveKey",
    "Revoke",
    "SignedChange",
    "TrustChange",
    "encode",
    "is_done",
    "judge",
    "parse_change",
    "read_change",
    "words",
]

MAX_CHANGE_B: Final = 4096
KEPT: Final = "its trust is as it was, the running model is untouched"
CHANGE: Final = Kind(
    "change of trust", Role.BUNDLE, b"sonoderm-trust-v1\n", "have it signed by a key that this device trusts: sonoderm device trust list"
)

Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Line = Annotated[str, msgspec.Meta(pattern=r"\A[ -~]{0,100}\Z")]


class _Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="do"):
    """device: its serial number. even_the_last: also when no key is left that can sign the next change."""

    schema: Literal[1] = 1
    device: Line
    nonce: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]


class AddKey(_Change, frozen=True, kw_only=True, tag="add"):
    """key: its 32 bytes, hex. name: of its file, without role and suffix."""

    key: Digest
    name: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]{1,60}\Z")]
    role: Role

    @property
    def public(self) -> PublicKey:
        return PublicKey.of(Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key)))


class RemoveKey(_Change, frozen=True, kw_only=True, tag="remove"):
    """hash: of the key. It may be added again."""

    hash: Digest
    role: Role
    even_the_last: bool


class Revoke(_Change, frozen=True, kw_only=True, tag="revoke"):
    """digest: of a key, a payload, a file or an image. It stays revoked. remark: for people."""

    digest: Digest
    remark: Line
    even_the_last: bool


TrustChange = AddKey | RemoveKey | Revoke


@dataclass(frozen=True, slots=True)
class SignedChange:
    """signer: hash of the key that vouches for it."""

    change: TrustChange
    signer: str


def encode(change: TrustChange) -> bytes:
    """The one form of a change, without a signature."""
    return msgspec.json.encode(change) + b"\n"


def read_change(data: bytes, trust: Trust) -> SignedChange:
    """The signature is checked before the JSON is parsed. Raises NotTrusted, InputRefused; the text says why."""
    what = f"this {CHANGE.what}"
    if len(data) > MAX_CHANGE_B:
        raise InputRefused(f"{what} has {len(data)} bytes, {MAX_CHANGE_B} are read", state=KEPT, do="make it anew")
    body, line = split_text(data)
    if line is None:
        raise NotTrusted(f"{what} is not signed, or cut off", state=KEPT, do=CHANGE.stranger)
    try:
        signer = signer_of(line, body, trust, CHANGE, origin=what)
    except NotTrusted as error:
        raise NotTrusted(error.what, state=KEPT, do=error.do) from error.__cause__
    return SignedChange(parse_change(body), signer)


def parse_change(body: bytes) -> TrustChange:
    """What `encode` gave. Raises InputRefused for anything else."""
    try:
        change: TrustChange = msgspec.json.decode(body, type=TrustChange)
        is_canonical = encode(change) == body
    except (ValueError, RecursionError) as error:
        raise InputRefused(f"this {CHANGE.what} cannot be read: {error}", state=KEPT, do="make it with: sonoderm device trust") from error
    if not is_canonical:
        raise InputRefused(f"this {CHANGE.what} is not in its one form", state=KEPT, do="make it with: sonoderm device trust")
    return change


def judge(change: TrustChange, trust: Trust, *, device: str, nonce: str) -> bool:
    """True: it is to be done. False: it is so already, for a request may be repeated. Raises NotTrusted."""
    if change.device != device:
        raise NotTrusted(f"this change of trust is for device {change.device}, this is {device}", state=KEPT, do="make one for this device")
    if isinstance(change, AddKey) and change.public.hash in trust.revoked:
        raise NotTrusted(f"key {change.public.hash[:12]} is revoked here, and stays so", state=KEPT, do="add another key")
    if is_done(change, trust):
        return False
    if change.nonce != nonce:
        what = "this change of trust was made for an earlier state of this device, or was played before"
        raise NotTrusted(what, state=KEPT, do="make it anew")
    if not isinstance(change, AddKey) and not change.even_the_last and not _signers_after(change, trust):
        what = "no key would be left that can sign the next change of trust"
        raise NotTrusted(what, state=KEPT, do="add the next key first, or say so: --even-the-last")
    return True


def is_done(change: TrustChange, trust: Trust) -> bool:
    match change:
        case AddKey():
            return any((key.hash, key.role) == (change.public.hash, change.role) for key in trust.keys)
        case RemoveKey():
            return not any((key.hash, key.role) == (change.hash, change.role) for key in trust.keys)
        case Revoke():
            return change.digest in trust.revoked


def _signers_after(change: RemoveKey | Revoke, trust: Trust) -> set[str]:
    gone = change.hash if isinstance(change, RemoveKey) else change.digest
    before = {key.hash for key in trust.keys if key.role is CHANGE.role} - trust.revoked
    return before if isinstance(change, RemoveKey) and change.role is not CHANGE.role else before - {gone}


def words(change: TrustChange) -> str:
    """For the device's history and the technician."""
    match change:
        case AddKey():
            return f"key {change.public.hash[:12]} ({change.name}) may sign a {change.role}"
        case RemoveKey():
            return f"key {change.hash[:12]} may no longer sign a {change.role}"
        case Revoke():
            return f"{change.digest[:12]} is revoked{f' ({change.remark})' if change.remark else ''}"
