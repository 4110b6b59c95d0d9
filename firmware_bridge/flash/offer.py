"""What is to be flashed, and whether this device will take it: asked before the first byte is sent. Pure."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from edge.bundle.image import PINNED
from edge.bundle.open import VerifiedBundle
from edge.bundle.slotboot import installed_of
from edge.bundle.slots import Installed, Record, Slot, SlotId, install
from edge.errors import MachineLacks, NotTrusted
from firmware_bridge.flash.noise import BASE64
from firmware_bridge.wire.own import DeviceInfo, Held

__all__ = ["Action", "Offer", "Plan", "Speed", "offer_of", "plan"]

SPARE_ROOM_B = 1 << 20  # record, history, upload state


@dataclass(frozen=True, slots=True)
class Offer:
    """A verified bundle as a device sees it. data: the whole file."""

    bundle: Installed
    signer: str
    data: bytes

    @property
    def slot(self) -> Slot:
        """What the device's record will say."""
        return self.bundle.slot

    @property
    def sha256(self) -> bytes:
        return bytes.fromhex(self.slot.image_sha256)


class Action(StrEnum):
    """What is left to do."""

    NOTHING = "nothing"
    WAIT = "wait"  # it is on trial, or asked for
    TEST = "test"  # it waits in the spare slot already
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True)
class Plan:
    """notes: what the technician must know first."""

    action: Action
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Speed:
    """round_s: a short question and its answer. byte_s: one byte more, one way."""

    round_s: float
    byte_s: float

    def upload_s(self, size_b: int, message_b: int, window: int) -> float:
        """About how long an upload takes: round trips overlap by the window, bytes do not."""
        return -(-size_b // message_b) * self.round_s / window + size_b * BASE64 * self.byte_s


def offer_of(bundle: VerifiedBundle, data: bytes) -> Offer:
    """data: the file that was verified. Raises NotTrusted when it is another one (changed on the disk in between)."""
    image = bundle.image
    if hashlib.sha256(data).hexdigest() != image.image_sha256:
        raise NotTrusted("the bundle changed while it was read", state="nothing was sent", do="flash it again")
    return Offer(installed_of(bundle), image.signer, data)


def plan(offer: Offer, info: DeviceInfo) -> Plan:
    """Raises what the device itself would answer, by the same rules, and NotTrusted for a key or MachineLacks for room it lacks."""
    runs_it = info.running is not None and info.running.digest == offer.slot.digest
    if runs_it and info.trial == "none" and info.model == offer.bundle.name:
        return Plan(Action.NOTHING)
    if runs_it and info.trial == "runs":
        return Plan(Action.WAIT)
    install(_record(info), offer.bundle, frozenset(("a", "b")))
    _signer_is_trusted(offer, info)
    notes = _notes(info)
    if info.waiting is not None and info.waiting.hash == offer.slot.mcuboot_sha256:
        return Plan(Action.WAIT if info.trial == "asked" else Action.TEST, notes)
    need_b = len(offer.data) + SPARE_ROOM_B
    if info.room_b < need_b:
        raise MachineLacks(
            f"the disk of the device has {info.room_b >> 20} MB free, the bundle needs {-(-need_b >> 20)} MB",
            state="the running model is untouched",
            do="free some room on the device",
        )
    return Plan(Action.UPLOAD, notes)


def _notes(info: DeviceInfo) -> tuple[str, ...]:
    notes = []
    if info.run is not None and info.run.profile:
        what = f"what profile {info.run.profile} calibrated on the running model"
        notes.append(f"{what} will be void: the screen says uncalibrated until it is made anew")
    if info.run is not None and info.run.examination:
        notes.append("an examination is under way: the new model is taken after it")
    return tuple(notes)


def _signer_is_trusted(offer: Offer, info: DeviceInfo) -> None:
    if offer.signer == PINNED or offer.signer in info.trusts:
        return
    if not info.trusts:
        do = "give it its first key: sonoderm device init --port PORT --key KEY.pub"
        raise NotTrusted("the device trusts no key yet", state="the running model is untouched", do=do)
    raise NotTrusted(
        f"the device does not trust key {offer.signer[:12]}, which signed this bundle",
        state="the running model is untouched",
        do="sign it with a key that the device trusts: sonoderm export sign",
    )


def _record(info: DeviceInfo) -> Record:
    """The device's record as far as it told us; which slot is active follows from what runs and whether it is on trial."""
    held = {h.slot: _slot(h) for h in (info.running, info.waiting) if h is not None}
    kept = info.waiting if info.trial == "runs" else info.running
    active: SlotId = kept.slot if kept is not None else "a"
    return Record(
        name=info.model,
        vendor_id=info.vendor_id,
        class_id=info.class_id,
        active=active,
        a=held.get("a"),
        b=held.get("b"),
        trying=info.trial == "runs",
    )


def _slot(held: Held) -> Slot:
    return Slot(held.version, held.digest, "", held.hash, held.counter, held.confirmed)
