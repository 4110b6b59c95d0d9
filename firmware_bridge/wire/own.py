"""SMP group 64, ours: what the standard groups have no words for. docs/smp.md lists it.

0 read: `DeviceInfo`. 1 write: roll back. 2 write {"key": PEM}: the first key of a device that trusts none.
3 read: `TrustState`. 3 write {"change": bytes}: a signed change of trust (edge/bundle/trust_signed.py).
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from firmware_bridge.wire.cbor import Value
from firmware_bridge.wire.console import STANDARD_LINE_B

__all__ = [
    "FIRST_KEY",
    "GROUP",
    "INFO",
    "ROLLBACK",
    "TRUST",
    "Confirm",
    "DeviceInfo",
    "Held",
    "KeyRole",
    "KnownKey",
    "Link",
    "RunState",
    "Trial",
    "TrustState",
    "as_map",
    "from_map",
    "trust_from_map",
]

GROUP: Final = 64
INFO, ROLLBACK, FIRST_KEY, TRUST = 0, 1, 2, 3

Link = Literal["usb", "uart"]
Confirm = Literal["auto", "manual"]
Trial = Literal["none", "asked", "runs"]
KeyRole = Literal["bundle", "profile"]


class Held(msgspec.Struct, frozen=True):
    """One slot. digest: of the payload (the model); hash: what SMP calls the image's hash. Both lower-case hex."""

    slot: Literal["a", "b"]
    version: str
    digest: str
    hash: str
    counter: int
    confirmed: bool


class RunState(msgspec.Struct, frozen=True):
    """What `run` says of itself. examination: no model is swapped now. checked: the model on trial passed its check.

    awaits_yes: and a person confirms it. profile: name of the device profile in use. trouble: one line for people.
    """

    examination: bool = False
    checked: bool = False
    awaits_yes: bool = False
    profile: str | None = None
    trouble: str | None = None


class DeviceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """line_b: the longest line of a message that it takes. running, waiting: None is an empty slot.

    trial "runs": `running` is the one on trial, `waiting` the one a revert returns to.

    floor: lowest security counter that is taken. room_b: free on the disk of the slots. trusts: hashes of keys that may sign bundles.
    installing: the last upload is being verified; install_failure: why it was not taken. run: None when no `run` is alive.
    """

    v: int = 1
    serial: str
    model: str
    link: Link
    confirm: Confirm
    line_b: int = STANDARD_LINE_B
    vendor_id: str | None = None
    class_id: str | None = None
    running: Held | None = None
    waiting: Held | None = None
    trial: Trial = "none"
    tries_left: int = 0
    last_revert: str | None = None
    floor: int = 0
    room_b: int = 0
    trusts: tuple[str, ...] = ()
    installing: bool = False
    install_failure: str | None = None
    run: RunState | None = None


class KnownKey(msgspec.Struct, frozen=True):
    """hash: hex. name: of its file on the device. revoked: it counts no more."""

    hash: str
    role: KeyRole
    name: str
    revoked: bool


class TrustState(msgspec.Struct, frozen=True, kw_only=True):
    """nonce: what the next change of trust must name, 32 hex digits. keys: the first 200. revoked: how many digests are."""

    v: int = 1
    serial: str
    nonce: str
    keys: tuple[KnownKey, ...] = ()
    revoked: int = 0


def as_map(info: DeviceInfo | TrustState) -> dict[str, object]:
    made: dict[str, object] = msgspec.to_builtins(info)
    return made


def from_map(body: Mapping[str, Value]) -> DeviceInfo:
    """Keys that we do not know are left alone: a newer device may say more. Raises msgspec.ValidationError."""
    return msgspec.convert(dict(body), DeviceInfo)


def trust_from_map(body: Mapping[str, Value]) -> TrustState:
    """As `from_map`."""
    return msgspec.convert(dict(body), TrustState)
