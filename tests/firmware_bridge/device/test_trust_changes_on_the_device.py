"""Changes of trust on the device: done whole or not at all wherever the power goes, and never twice."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks.power_cuts_disk import Fault, SimulatedDisk
from edge.bundle.signing import read_signing_key, sign_text
from edge.bundle.trust import Role, Trust, load_trust
from edge.bundle.trust_signed import CHANGE, AddKey, RemoveKey, Revoke, TrustChange, encode
from edge.errors import InputRefused, MachineLacks, NotTrusted, UsageError
from firmware_bridge.device.trusting import NONCE, TrustStore, trust_store
from firmware_bridge.wire.own import TrustState
from tests.builders import a_key, a_trust_folder, key_hash

OWNER, SECOND, NEXT = a_key(), a_key(), a_key()
Make = Callable[[TrustState], TrustChange]


def add(state: TrustState, key: Ed25519PrivateKey = NEXT, role: Role = Role.BUNDLE, name: str = "next") -> AddKey:
    raw = key.public_key().public_bytes_raw().hex()
    return AddKey(device=state.serial, nonce=state.nonce, key=raw, name=name, role=role)


def remove(state: TrustState, digest: str = key_hash(SECOND)) -> RemoveKey:
    return RemoveKey(device=state.serial, nonce=state.nonce, hash=digest, role=Role.BUNDLE, even_the_last=False)


def revoke(state: TrustState) -> Revoke:
    return Revoke(device=state.serial, nonce=state.nonce, digest=key_hash(SECOND), remark="lost", even_the_last=False)


def signed(change: TrustChange, folder: Path) -> bytes:
    path = folder / "owner.pem"
    path.write_bytes(OWNER.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return sign_text(encode(change), read_signing_key(path), CHANGE)


def no_note(text: str) -> None:
    assert text


class Bench:
    """A device's trust folder on a real disk."""

    def __init__(self, folder: Path) -> None:
        self.tmp, self.folder, self.history = folder, a_trust_folder(folder / "trust", OWNER, SECOND), list[str]()
        self.store = trust_store(self.folder, "bench-1", self.history.append)

    def give(self, change: TrustChange) -> bool:
        return self.store.change(signed(change, self.tmp))

    def hashes(self) -> set[str]:
        trust = load_trust(self.folder)
        return {key.hash for key in trust.keys} - trust.revoked


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_key_comes_goes_and_is_revoked_by_order_of_a_trusted_one(bench: Bench) -> None:
    assert bench.give(add(bench.store.state()))
    assert bench.hashes() == {key_hash(key) for key in (OWNER, SECOND, NEXT)}
    assert bench.give(remove(bench.store.state()))
    assert bench.hashes() == {key_hash(OWNER), key_hash(NEXT)}
    (bench.folder / "revoked.txt").write_bytes(b"# no end of line" + b" " * 9)
    assert bench.give(revoke(bench.store.state()))
    assert key_hash(SECOND) in load_trust(bench.folder).revoked
    assert bench.history == [
        f"trust: key {key_hash(NEXT)[:12]} (next) may sign a bundle, by order of key {key_hash(OWNER)[:12]}",
        f"trust: key {key_hash(SECOND)[:12]} may no longer sign a bundle, by order of key {key_hash(OWNER)[:12]}",
        f"trust: {key_hash(SECOND)[:12]} is revoked (lost), by order of key {key_hash(OWNER)[:12]}",
    ]
    told = bench.store.state()
    assert {(key.hash, key.role, key.revoked) for key in told.keys} == {(h, "bundle", False) for h in bench.hashes()}
    assert told.revoked == 1


def test_a_change_is_never_played_twice(bench: Bench) -> None:
    old = signed(add(bench.store.state()), bench.tmp)
    assert bench.store.change(old)
    assert not bench.store.change(old), "its reply was lost: nothing changes"
    assert bench.give(remove(bench.store.state(), key_hash(NEXT)))
    with pytest.raises(NotTrusted, match="was played before"):
        bench.store.change(old)
    assert key_hash(NEXT) not in bench.hashes()


def test_a_device_that_was_wiped_and_set_up_again_takes_no_old_change(bench: Bench) -> None:
    old = signed(add(bench.store.state()), bench.tmp)
    for path in bench.folder.iterdir():
        path.unlink()
    a_trust_folder(bench.folder, OWNER)
    with pytest.raises(NotTrusted, match="an earlier state of this device"):
        trust_store(bench.folder, "bench-1", no_note).change(old)


def test_only_what_can_be_done_is_begun(bench: Bench) -> None:
    before = bench.store.state()
    with pytest.raises(UsageError, match="another key of the name"):
        bench.give(add(before, name=key_hash(SECOND)[:8]))
    with pytest.raises(InputRefused):
        bench.give(msgspec.structs.replace(add(before), name="../owner"))
    assert bench.store.state() == before
    assert bench.history == []


def test_a_key_that_stands_in_another_folder_is_not_taken_for_the_file_of_that_name_here(bench: Bench, tmp_path: Path) -> None:
    file = f"{key_hash(SECOND)[:8]}.bundle.pub"
    elsewhere = a_trust_folder(tmp_path / "elsewhere", SECOND)
    (bench.folder / file).write_bytes((bench.folder / f"{key_hash(OWNER)[:8]}.bundle.pub").read_bytes())

    def both() -> Trust:
        here, there = load_trust(bench.folder), load_trust(elsewhere)
        return Trust(here.keys + there.keys, here.revoked)

    store = TrustStore(bench.store.files, both, "bench-1", no_note)
    with pytest.raises(UsageError, match="which no cable changes"):
        store.change(signed(remove(store.state()), tmp_path))
    assert (bench.folder / file).exists()


CHANGES: list[Make] = [add, remove, revoke]


def on_a_disk(files: Mapping[str, bytes], scratch: Path) -> Trust:
    """What a fresh process believes; a folder that cannot be understood is an error."""
    scratch.mkdir(exist_ok=True)
    for path in scratch.iterdir():
        path.unlink()
    for name, data in files.items():
        (scratch / name).write_bytes(data)
    return load_trust(scratch)


def as_set(trust: Trust) -> tuple[frozenset[tuple[str, Role]], frozenset[str]]:
    return frozenset((key.hash, key.role) for key in trust.keys), trust.revoked


def a_store(disk: SimulatedDisk, scratch: Path) -> TrustStore:
    return TrustStore(disk, lambda: on_a_disk(disk.view(), scratch), "bench-1", no_note)


def a_device(bench: Bench, fault: Fault | None = None) -> SimulatedDisk:
    nonce = trust_store(bench.folder, "bench-1", no_note).state().nonce
    (bench.folder / "revoked.txt").write_text("a" * 64 + " an old one\n")
    files = {path.name: path.read_bytes() for path in bench.folder.iterdir()}
    assert files[NONCE].decode().strip() == nonce
    return SimulatedDisk(files, fault=fault)


@pytest.mark.parametrize("make", CHANGES)
def test_a_cut_anywhere_leaves_trust_as_it_was_or_as_it_was_ordered_and_the_order_void_once_done(
    make: Make, bench: Bench, tmp_path: Path
) -> None:
    disk = a_device(bench)
    store = a_store(disk, tmp_path / "now")
    data = signed(make(store.state()), tmp_path)
    before = as_set(store.load())
    seen: list[Mapping[str, bytes]] = []
    disk.on_change = lambda: seen.extend(state for state in disk.states() if state not in seen)
    assert store.change(data)
    after = as_set(store.load())
    disk.on_change = lambda: None
    assert before != after
    assert [as_set(on_a_disk(state, tmp_path / "cut")) for state in disk.states()] == [after], "what was answered is durable"
    assert len(seen) >= 7
    for state in seen:
        left = as_set(on_a_disk(state, tmp_path / "cut"))
        assert left in (before, after)
        again = a_store(SimulatedDisk(state), tmp_path / "again")
        if left == after:
            assert not again.change(data), "the request again: done"
            assert again.state().nonce != store_nonce(bench), "and void from then on"
        assert again.change(signed(make(again.state()), tmp_path)) is (left == before), "a new order goes on from anywhere"
        assert as_set(again.load()) == after


def store_nonce(bench: Bench) -> str:
    return (bench.folder / NONCE).read_text().strip()


@pytest.mark.parametrize("make", CHANGES)
@pytest.mark.parametrize("kind", ["sync fails", "disk full once", "disk full"])
def test_a_disk_that_refuses_ends_in_an_error_and_never_in_a_folder_that_cannot_be_read(
    make: Make, kind: str, bench: Bench, tmp_path: Path
) -> None:
    orders, data = ends_of(make, bench, tmp_path)
    at = failed = 0
    while True:
        disk = a_device(bench, Fault(kind, at))
        store = a_store(disk, tmp_path / "now")
        try:
            assert store.change(data)
        except (MachineLacks, OSError):
            failed += 1
            assert {as_set(on_a_disk(state, tmp_path / "cut")) for state in disk.states()} <= orders
        else:
            if disk.operations <= at:
                break
        at += 1
    assert failed >= 2


def ends_of(make: Make, bench: Bench, tmp_path: Path) -> tuple[set[object], bytes]:
    """Trust before and after the change on a disk that takes all, and the change."""
    store = a_store(a_device(bench), tmp_path / "after")
    data, before = signed(make(store.state()), tmp_path), as_set(store.load())
    assert store.change(data)
    return {before, as_set(store.load())}, data
