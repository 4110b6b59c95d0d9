"""A server put together over a slots folder: the same for `device serve` and for each simulated device."""

import datetime
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.bundle.slotfiles import DiskFiles, note, writing
from edge.bundle.trust import Role, Trust, load_trust, trust_folders
from edge.bundle.trust_change import add_key
from edge.bundle.trust_signed import KEPT
from edge.errors import MachineLacks, NotTrusted
from firmware_bridge.device.own import Own
from firmware_bridge.device.server import Server
from firmware_bridge.device.slotport import ThreadedSlots
from firmware_bridge.device.slots import SlotStore
from firmware_bridge.device.trusting import trust_store
from firmware_bridge.wire.own import Confirm, Link, RunState

__all__ = ["Setup", "add_first_key", "assemble", "wall_clock"]


@dataclass(frozen=True, slots=True)
class Setup:
    """files: the slots folder. trust_dir: None is the machine's own trust. baud: of a UART."""

    files: DiskFiles
    trust_dir: Path | None
    serial: str
    link: Link = "usb"
    baud: int = 115_200
    confirm: Confirm = "auto"


def wall_clock() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def assemble(setup: Setup, run: Callable[[], RunState | None]) -> Server:
    """run: what `run` says of itself, None when none is alive. Raises InputRefused (no slot record), NotTrusted (a bad trust folder)."""
    folder = setup.files.folder
    trust = load_trust(setup.trust_dir)
    store = SlotStore(setup.files, trust, lock=lambda: writing(folder))
    name = store.record().name

    def log() -> bytes:
        return b"".join(msgspec.json.encode(line) + b"\n" for line in store.history())

    def note_first(text: str) -> None:
        try:
            note(setup.files, wall_clock(), text)
        except MachineLacks as error:
            raise MachineLacks(error.what, state=KEPT, do=error.do) from error

    own = Own(
        serial=setup.serial,
        link=setup.link,
        confirm=setup.confirm,
        trusts=_bundle_keys(trust),
        room_b=lambda: _free_b(folder),
        run=run,
        add_first_key=lambda pem: add_first_key(pem, setup.trust_dir),
        trust=trust_store(setup.trust_dir, setup.serial, note_first),
    )
    return Server(
        ThreadedSlots(store),
        own,
        wall=wall_clock,
        baud=setup.baud,
        files={"/history": log},
        about=f"sonoderm {name} {setup.serial}",
    )


def add_first_key(pem: bytes, trust_dir: Path | None) -> None:
    """Only while no key is trusted at all. Raises NotTrusted afterwards, InputRefused for what is no public key."""
    if load_trust(trust_dir).keys:
        do = "have the change signed by a key that it trusts"
        raise NotTrusted("this device trusts a key already", state="its trust is as it was", do=do)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "owner.bundle.pub"
        source.write_bytes(pem)
        add_key(source, trust_folders(trust_dir, os.environ).for_adding, Role.BUNDLE, frozenset())


def _bundle_keys(trust: Trust) -> tuple[str, ...]:
    return tuple(key.hash for key in trust.keys if key.role is Role.BUNDLE and key.hash not in trust.revoked)


def _free_b(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize
