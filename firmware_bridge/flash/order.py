"""A change of trust, signed on the technician's side: one for each device, since it names the device and its nonce."""

from collections.abc import Callable
from pathlib import Path

from edge.bundle.keyfile import read_public_key
from edge.bundle.signing import read_signing_key, sign_text
from edge.bundle.trust import Role
from edge.bundle.trust_change import name_of
from edge.bundle.trust_signed import CHANGE, AddKey, RemoveKey, Revoke, TrustChange, encode, parse_change, words
from edge.cli.output import say
from edge.errors import NotTrusted, SourceUnreachable, UsageError
from firmware_bridge.flash.client import DeviceRefused
from firmware_bridge.flash.line import LineLost
from firmware_bridge.flash.ports import Found
from firmware_bridge.flash.where import Where
from firmware_bridge.wire.own import KeyRole, TrustState

__all__ = ["adding", "give_order", "removing", "revoking"]


Make = Callable[[TrustState], TrustChange]


def adding(key: Path, name: str | None, role: KeyRole) -> Make:
    """Raises InputRefused for what is no public key."""
    raw, called = read_public_key(key).raw.hex(), name or name_of(key)
    return lambda state: AddKey(device=state.serial, nonce=state.nonce, key=raw, name=called, role=Role(role))


def removing(key: str, role: KeyRole, *, even_the_last: bool) -> Make:
    """key: as `_digest_of` takes it."""
    digest = _digest_of(key)
    return lambda state: RemoveKey(device=state.serial, nonce=state.nonce, hash=digest, role=Role(role), even_the_last=even_the_last)


def revoking(what: str, remark: str, *, even_the_last: bool) -> Make:
    """what: as `_digest_of` takes it."""
    digest = _digest_of(what)
    return lambda state: Revoke(device=state.serial, nonce=state.nonce, digest=digest, remark=remark, even_the_last=even_the_last)


def _digest_of(text: str) -> str:
    """64 hex digits as they are; a public key's file gives its hash. Raises UsageError, InputRefused."""
    if len(text) == 64 and set(text.lower()) <= set("0123456789abcdef"):
        return text.lower()
    if not text.endswith((".pub", ".pem")):
        do = "sonoderm device trust list --json has the hashes of keys"
        raise UsageError(f"{text}: neither a SHA-256 of 64 hex digits nor the file of a public key", do=do)
    return read_public_key(Path(text)).hash


def give_order(where: Where, sign_with: Path, make: Make) -> None:
    """Raises UsageError, InputRefused before a device is asked; the error of the only device, or CheckFailed for several."""
    key = read_signing_key(sign_with)

    def give(each: Found) -> None:
        state = each.client.trust()
        if not state.keys:
            do = "give it its first key: sonoderm device init --port PORT --key KEY.pub"
            raise NotTrusted(f"{each.info.serial}: the device trusts no key yet", state="its trust is as it was", do=do)
        change = parse_change(encode(make(state)))  # a name that no device takes is refused before it is signed
        try:
            changed = each.client.change_trust(sign_text(encode(change), key, CHANGE))
        except LineLost as error:
            do = "it restarts after a change, and its answer may be lost with the port: give the order again, it says what is so already"
            raise SourceUnreachable(error.what, do=do) from error
        except DeviceRefused as error:
            raise DeviceRefused(error.rc, f"{each.info.serial}: {error.what}") from error
        say(f"{each.info.serial}: {words(change)}{'' if changed else ': it was so already'}")
        runs = each.info.running
        if isinstance(change, Revoke) and runs is not None and change.digest in (runs.digest, runs.hash):
            say(f"{each.info.serial}: {runs.version}, which runs there, is refused from its next start on")

    where.reach().each(give)
