"""Group 64 on the device: who it is, what it holds, rolling back, and its first key."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge.bundle.slots import Record, Slot, SlotId, floor
from firmware_bridge.device.answers import NOT_SUPPORTED, Refused, raw
from firmware_bridge.device.slotport import SlotPort
from firmware_bridge.wire.cbor import Value
from firmware_bridge.wire.console import LINE_CAP_B
from firmware_bridge.wire.own import FIRST_KEY, INFO, ROLLBACK, Confirm, DeviceInfo, Held, Link, RunState, Trial, as_map

__all__ = ["Own", "OwnGroup"]


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
