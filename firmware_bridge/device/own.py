"""Group 64 on the device: who it is, what it holds, rolling back, its first key, and changes of trust."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from edge.bundle.slots import Record, Slot, SlotId, floor
from firmware_bridge.device.answers import BUSY, NOT_SUPPORTED, Refused, raw
from firmware_bridge.device.slotport import SlotPort
from firmware_bridge.wire.cbor import Value
from firmware_bridge.wire.console import LINE_CAP_B
from firmware_bridge.wire.own import FIRST_KEY, INFO, ROLLBACK, TRUST, Confirm, DeviceInfo, Held, Link, RunState, Trial, TrustState, as_map

__all__ = ["Own", "OwnGroup", "TrustPort"]


class TrustPort(Protocol):
    """change: False when it was so already. Both may raise SonodermError, OSError."""

    def state(self) -> TrustState: ...
    def change(self, data: bytes) -> bool: ...


@dataclass(frozen=True, slots=True)
class Own:
    """What the rim knows of this device. room_b: free bytes. run: None when no `run` is alive.

    add_first_key: believes the PEM given; raises NotTrusted when a key is trusted already, InputRefused when it is no key.
    """

    serial: str
    link: Link
    confirm: Confirm
    trusts: tuple[str, ...]
    room_b: Callable[[], int]
    run: Callable[[], RunState | None]
    add_first_key: Callable[[bytes], None]
    trust: TrustPort


class OwnGroup:
    def __init__(self, slots: SlotPort, own: Own) -> None:
        self._slots, self._own = slots, own
        self.restart_due = False  # the keys are read at start

    def answer(self, write: bool, command: int, request: Mapping[str, Value], at: str) -> dict[str, object]:
        if (command, write) == (INFO, False):
            return as_map(self.info())
        if (command, write) == (ROLLBACK, True):
            self._slots.rollback(at)
            return {}
        if (command, write) == (FIRST_KEY, True):
            self._own.add_first_key(raw(request, "key"))
            self.restart_due = True
            return {}
        if (command, write) == (TRUST, False):
            return as_map(self._own.trust.state())
        if (command, write) == (TRUST, True):
            if self._slots.installation().running:  # a restart would lose what was asked for meanwhile
                raise Refused(BUSY, "the last upload is being verified: try again in a few seconds")
            changed = self._own.trust.change(raw(request, "change"))
            self.restart_due = True
            return {"changed": changed}
        raise Refused(NOT_SUPPORTED, f"group 64 command {command} is not supported on this device")

    def info(self) -> DeviceInfo:
        own, record, installation = self._own, self._slots.record(), self._slots.installation()
        running, waiting = _held(record, record.active), _held(record, record.spare)
        if record.trying:
            running, waiting = waiting, running
        trial: Trial = "runs" if record.trying else "asked" if record.pending else "none"
        return DeviceInfo(
            serial=own.serial,
            model=record.name,
            link=own.link,
            confirm=own.confirm,
            line_b=LINE_CAP_B,
            vendor_id=record.vendor_id,
            class_id=record.class_id,
            running=running,
            waiting=waiting,
            trial=trial,
            tries_left=record.tries_left,
            last_revert=record.last_revert,
            floor=floor(record, frozenset(("a", "b"))),
            room_b=own.room_b(),
            trusts=own.trusts,
            installing=installation.running,
            install_failure=installation.failure,
            run=own.run(),
        )


def _held(record: Record, which: SlotId) -> Held | None:
    slot: Slot | None = record.slot(which)
    return None if slot is None else Held(which, slot.version, slot.digest, slot.mcuboot_sha256, slot.counter, slot.confirmed)
