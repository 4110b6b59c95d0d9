"""`device init` on the device and over the cable, and `device serve` as a process on a pty."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from typer.testing import Result

from edge.bundle.slotfiles import DiskFiles, load_record
from edge.bundle.slotrun import RunState, write_run
from edge.bundle.slots import Record
from edge.bundle.trust import load_trust
from edge.errors import NotTrusted, UsageError
from firmware_bridge.device.board import board_serial
from firmware_bridge.device.runview import run_of
from tests.builders import BuiltBundle, a_bundle, a_key, key_hash
from tests.firmware_bridge.benches import device, error_of, flash_at, rows, wait_for
from tests.firmware_bridge.served import a_cable, served, served_for_ever

pytest.importorskip("serial")

ONE_S = 1_000_000_000


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuiltBundle:
    return a_bundle(tmp_path_factory.mktemp("made"))


@pytest.fixture
def pair() -> Iterator[tuple[str, str]]:
    with a_cable() as ends:
        yield ends


def test_the_first_key_comes_over_the_cable_and_the_second_does_not(tmp_path: Path, built: BuiltBundle, pair: tuple[str, str]) -> None:
    near = pair[0]
    slots, trust = tmp_path / "slots", tmp_path / "trust"
    trust.mkdir()
    key = next(built.trust_dir.glob("*.pub"))
    assert device("init", "--slots", str(slots), "--model", built.manifest.name, "--trust", str(trust)).exit_code == 0
    with served(pair, slots, trust) as first:
        refused = error_of(flash_at(near, built))
        assert "trusts no key yet" in refused.what
        private, public, _ = a_pair(tmp_path, "early")
        ordered = error_of(device("trust", "add", str(public), "--sign-with", str(private), "--port", near))
        assert "trusts no key yet" in ordered.what
        assert "device init" in (ordered.do or "")
        given = device("init", "--port", near, "--key", str(key))
        assert given.exit_code == 0, given.output
        assert first.wait(20) == 0  # its service starts it again, with the key
    with served(pair, slots, trust):
        again = error_of(device("init", "--port", near, "--key", str(key)))
        assert "trusts a key already" in again.what
        (info,) = rows(device("info", "--port", near, "--json"))
        assert (info["serial"], info["running"], info["run"]) == ("bench-1", None, None)


def a_pair(folder: Path, name: str, key: Ed25519PrivateKey | None = None) -> tuple[Path, Path, str]:
    """Private and public file of a key, and its hash."""
    key = key or a_key()
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public, key_hash(key)


def test_trust_changes_over_the_cable_by_order_of_a_trusted_key_and_of_no_other(tmp_path: Path, pair: tuple[str, str]) -> None:
    near, slots, trust = pair[0], tmp_path / "slots", tmp_path / "trust"
    new_key = a_key()
    (owner, owner_pub, owner_hash), (second, second_pub, second_hash) = a_pair(tmp_path, "first"), a_pair(tmp_path, "second", new_key)
    bundle = a_bundle(tmp_path / "made", key=new_key)
    words = ("--slots", str(slots), "--model", bundle.manifest.name, "--trust", str(trust), "--key", str(owner_pub))
    assert device("init", *words).exit_code == 0

    def trusting(*words: str) -> Result:
        wait_for(lambda: device("info", "--port", near).exit_code == 0, 60)  # its service starts it again after each change
        return device("trust", *words, "--port", near)

    def record() -> Record:
        return load_record(DiskFiles(slots))

    with served_for_ever(pair, slots, trust):
        before = record()
        for stranger, words in (
            (second, ("add", str(second_pub))),
            (second, ("revoke", str(owner_pub), "--even-the-last")),
            (owner, ("remove", owner_hash)),
            (owner, ("revoke", str(owner_pub))),
            (owner, ("add", str(second_pub), "--name", "a/b")),
        ):
            refused = error_of(trusting(*words, "--sign-with", str(stranger)))
            assert any(why in refused.line() for why in ("is not trusted here", "no key would be left", "cannot be read"))
        assert "does not trust key" in error_of(flash_at(near, bundle)).what
        assert record() == before
        added = trusting("add", str(second_pub), "--sign-with", str(owner))
        assert added.exit_code == 0, added.output
        assert rows(trusting("list", "--json"))[0]["revoked"] == 0
        with_it = flash_at(near, bundle, "--dry-run")
        assert [row["outcome"] for row in rows(with_it)] == ["would flash"], with_it.output
        lost = trusting("revoke", str(owner_pub), "--remark", "lost in a taxi", "--sign-with", str(second))
        assert lost.exit_code == 0, lost.output
        assert "which is revoked" in error_of(trusting("remove", second_hash, "--sign-with", str(owner))).what
        assert "revoked" in trusting("list").output
        assert "lost in a taxi" in device("log", "--port", near).output
    assert {key.hash for key in load_trust(trust).keys} - load_trust(trust).revoked == {second_hash}


def test_a_slots_folder_is_bound_once(tmp_path: Path, built: BuiltBundle) -> None:
    key = str(next(built.trust_dir.glob("*.pub")))
    words = ("init", "--slots", str(tmp_path / "slots"), "--trust", str(tmp_path / "trust"), "--key", key)
    made = device(*words, "--model", "derm7")
    assert made.exit_code == 0, made.output
    assert isinstance(error_of(device(*words, "--model", "other")), UsageError)
    assert isinstance(error_of(device(*words, "--model", "derm7")), NotTrusted)  # the key: the folder itself may be asked for again


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("init",), "say where"),
        (("init", "--slots", "x"), "--slots needs --model"),
        (("init", "--port", "x"), "--key is missing"),
        (("serve", "--port", "x", "--slots", "/nowhere"), "no such folder"),
        (("init", "--slots", "x", "--model", "m", "--vendor", "acme"), "it is no UUID"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(words: tuple[str, ...], what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    error = error_of(device(*words))
    assert isinstance(error, UsageError)
    assert what in error.what


@pytest.mark.parametrize(("option", "word"), [("--link", "smoke"), ("--confirm", "never")])
def test_a_word_that_is_no_choice_is_refused_with_the_choices(option: str, word: str) -> None:
    refused = device("simulate", "1", option, word)
    assert refused.exit_code == 2
    assert f"'{word}' is not one of" in refused.stderr


def a_run(**changes: object) -> RunState:
    state = RunState(
        pid=1, digest="a", version="1", trial=None, waiting=False, in_examination=False, trouble=None, heartbeat_ns=9 * ONE_S, at=""
    )
    return msgspec.structs.replace(state, **changes)


def test_what_run_says_of_itself_reaches_the_technician_while_it_lives(tmp_path: Path) -> None:
    assert run_of(tmp_path, 9 * ONE_S) is None
    write_run(tmp_path, a_run(in_examination=True, trial="waiting for the tool", profile="clinic-1"))
    alive = run_of(tmp_path, 10 * ONE_S)
    assert alive is not None
    assert (alive.examination, alive.checked, alive.awaits_yes, alive.profile) == (True, True, True, "clinic-1")
    assert run_of(tmp_path, 60 * ONE_S) is None
    assert run_of(tmp_path, 8 * ONE_S) is None  # a heartbeat of an earlier boot


def test_a_board_is_known_by_its_own_number_and_never_by_the_machine_id(tmp_path: Path) -> None:
    (tmp_path / "tree").write_bytes(b"1421622012345\0")
    (tmp_path / "id").write_text("0123456789abcdef0123456789abcdef\n")
    assert board_serial(tmp_path / "tree", tmp_path / "id") == "1421622012345"
    made = board_serial(tmp_path / "none", tmp_path / "id")
    assert made not in "0123456789abcdef0123456789abcdef"
    assert made == board_serial(tmp_path / "none", tmp_path / "id")
