"""Whatever a client sends that this device must not run: refused with its reason over the wire, and what runs goes on running."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from edge.bundle.image import HEADER_B
from edge.bundle.slotboot import LIFE_NS, start
from edge.bundle.slotfiles import DiskFiles, writing
from edge.bundle.trust import Trust
from firmware_bridge.device.server import Server
from firmware_bridge.device.slotport import ThreadedSlots
from firmware_bridge.device.slots import SlotStore
from tests.builders import BuiltBundle, a_bundle, a_key, key_hash
from tests.firmware_bridge.device_builders import AT, an_own, ask, send, settle

KEY, STRANGER, THIEF = a_key(), a_key(), a_key()
VENDOR, CLASS = UUID(int=1), UUID(int=2)


class Made:
    """Bundles of one model; 8 and 9 are good, 8 runs."""

    def __init__(self, folder: Path) -> None:
        def bundle(counter: int, kind: str = "", **changes: object) -> BuiltBundle:
            given = {"key": KEY, "vendor_id": VENDOR, "class_id": CLASS} | changes
            return a_bundle(folder / f"{counter}{kind}", security_counter=counter, version=f"1.0.{counter}", **given)  # type: ignore[arg-type]

        self.eight, self.nine, self.seven = bundle(8), bundle(9), bundle(7)
        self.strange, self.stolen = bundle(9, "strange", key=STRANGER), bundle(9, "stolen", key=THIEF)
        self.other_board, self.other_vendor = bundle(9, "class", class_id=VENDOR), bundle(9, "vendor", vendor_id=CLASS)
        self.other_model = bundle(9, "model", name="another")
        thief = a_bundle(folder / "thief", key=THIEF).trust.keys
        self.trust = Trust(self.eight.trust.keys + thief, frozenset({key_hash(THIEF)}))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("made"))


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def trailer_b(data: bytes) -> int:
    """Protected and trailing entries: what stands behind the payload."""
    return len(data) - HEADER_B - int.from_bytes(data[12:16], "little")


def forged(made: Made) -> bytes:
    """A stranger's signature under the name of the key that is trusted."""
    return made.strange.data.replace(bytes.fromhex(key_hash(STRANGER)), bytes.fromhex(key_hash(KEY)))


def swapped(made: Made) -> bytes:
    """The payload of one good bundle before the signature of another."""
    nine, eight = made.nine.data, made.eight.data
    return nine[: -trailer_b(nine)] + eight[-trailer_b(eight) :]


OFFERED: dict[str, tuple[Callable[[Made], bytes], str]] = {
    "forged": (forged, "signature"),
    "of a stranger": (lambda made: made.strange.data, "is not trusted here"),
    "of a revoked key": (lambda made: made.stolen.data, "revoked"),
    "unsigned": (lambda made: made.nine.data[: -trailer_b(made.nine.data)], "refused"),
    "truncated": (lambda made: made.nine.data[:-7], "refused"),
    "half": (lambda made: made.nine.data[: len(made.nine.data) // 2], "refused"),
    "no bundle": (lambda made: bytes(3000), "refused"),
    "damaged": (lambda made: flipped(made.nine.data, HEADER_B + 900), "damaged"),
    "swapped": (swapped, "refused"),
    "downgraded": (lambda made: made.seven.data, "below this device's floor 8"),
    "of other hardware": (lambda made: made.other_board.data, "the bundle is for class"),
    "of another vendor": (lambda made: made.other_vendor.data, "the bundle is for vendor"),
    "another model": (lambda made: made.other_model.data, "this device runs p-colour, the bundle is another"),
}


@pytest.mark.parametrize("what", OFFERED)
def test_a_bundle_that_must_not_run_is_refused_with_its_reason_and_the_running_model_is_untouched(
    what: str, made: Made, tmp_path: Path
) -> None:
    offer, why = OFFERED[what]
    data, files = offer(made), DiskFiles(tmp_path)
    store = SlotStore(files, made.trust, lock=lambda: writing(tmp_path))
    store.init(made.eight.manifest.name, str(VENDOR), str(CLASS))
    for _ in "ab":  # confirmed in both slots, so that the floor is 8
        confirm(store, files, made)
    server = Server(ThreadedSlots(store), an_own(), wall=lambda: AT, baud=0, files={}, about="s")
    runs, slot = store.record().active, (tmp_path / store.record().active).read_bytes()

    assert send(server, data)["off"] == len(data)
    settle(server)
    info = ask(server, 0, 64, 0)
    assert why in str(info["install_failure"]), info["install_failure"]
    asked = ask(server, 2, 1, 0, hash=hashlib.sha256(data).digest(), confirm=True)
    assert (asked["rc"], asked["rsn"]) == (5, info["install_failure"])
    assert ask(server, 2, 0, 5) == {}, "and a reset right after, as `smpmgr upgrade` does"
    server.feed(b"", 0)

    assert store.record().pending is None
    assert (store.record().active, (tmp_path / runs).read_bytes()) == (runs, slot)
    assert start(files, made.trust, AT).bundle.manifest.version == "1.0.8"


def confirm(store: SlotStore, files: DiskFiles, made: Made) -> None:
    data = made.eight.data
    store.begin(hashlib.sha256(data).hexdigest(), len(data))
    store.chunk(0, data)
    store.install(AT)
    store.test(AT)
    trial = start(files, made.trust, AT).trial
    assert trial is not None
    trial.check_passed(0)
    assert trial.step(LIFE_NS, AT)


def test_the_good_one_among_them_gets_in(made: Made, tmp_path: Path) -> None:
    files = DiskFiles(tmp_path)
    store = SlotStore(files, made.trust, lock=lambda: writing(tmp_path))
    store.init(made.eight.manifest.name, str(VENDOR), str(CLASS))
    confirm(store, files, made)
    server = Server(ThreadedSlots(store), an_own(), wall=lambda: AT, baud=0, files={}, about="s")
    send(server, made.nine.data)
    settle(server)
    assert ask(server, 0, 64, 0)["install_failure"] is None
    store.test(AT)
    assert start(files, made.trust, AT).bundle.manifest.version == "1.0.9"
