"""`sonoderm trust`: a key comes whole or not at all, a private one never, and what it prints is what counts."""

import json
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from edge.bundle.open import open_bundle
from edge.bundle.trust import load_trust
from edge.cli.main import main
from edge.errors import BundleRefused
from tests.builders import BuiltBundle, a_bundle, a_key, a_trust_folder, key_hash

Capture = pytest.CaptureFixture[str]


def sonoderm(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["trust", *map(str, words)])
    return int(ended.value.code or 0)


@pytest.fixture
def built(tmp_path: Path) -> BuiltBundle:
    return a_bundle(tmp_path / "b")


@pytest.fixture
def pub(built: BuiltBundle, tmp_path: Path) -> Path:
    path = tmp_path / "owner.pub"
    path.write_bytes(built.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


def own_folder() -> Path:
    return Path(os.environ["XDG_CONFIG_HOME"]) / "sonoderm" / "trust"


def test_one_line_makes_own_work_trusted_and_one_line_ends_it(built: BuiltBundle, pub: Path, capsys: Capture) -> None:
    assert sonoderm("add", pub) == 0
    assert key_hash(built.key) in capsys.readouterr().out
    assert open_bundle(built.path, load_trust(None)).signer == key_hash(built.key)
    assert sonoderm("remove", "owner") == 0
    with pytest.raises(BundleRefused):
        open_bundle(built.path, load_trust(None))


def test_the_file_is_named_after_its_role_readable_by_all_and_written_by_one(pub: Path) -> None:
    sonoderm("add", pub, "--role", "profile")
    path = own_folder() / "owner.profile.pub"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [file.name for file in own_folder().iterdir()] == [path.name]


def test_only_the_key_is_copied_not_what_stands_around_it(pub: Path) -> None:
    pub.write_bytes(b"From: nobody\n" + pub.read_bytes() + b"\nP.S.\n")
    assert sonoderm("add", pub) == 0
    assert (own_folder() / "owner.bundle.pub").read_bytes().startswith(b"-----BEGIN PUBLIC KEY-----\n")


def test_a_private_key_is_refused_loudly_and_not_copied(built: BuiltBundle, tmp_path: Path, capsys: Capture) -> None:
    for name in ("owner.pem", "owner.pub"):
        path = tmp_path / name
        path.write_bytes(built.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        assert sonoderm("add", path) == 3
        assert "PRIVATE" in capsys.readouterr().err
    assert not own_folder().exists()


def test_adding_twice_changes_nothing(pub: Path, capsys: Capture) -> None:
    sonoderm("add", pub)
    assert sonoderm("add", pub) == 0
    assert "already" in capsys.readouterr().out
    assert len(list(own_folder().iterdir())) == 1


def test_another_key_of_the_same_name_is_not_overwritten(pub: Path, capsys: Capture) -> None:
    sonoderm("add", pub)
    before = (own_folder() / "owner.bundle.pub").read_bytes()
    pub.write_bytes(a_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert sonoderm("add", pub) == 2
    assert "another key of that name" in capsys.readouterr().err
    assert (own_folder() / "owner.bundle.pub").read_bytes() == before
    assert len(list(own_folder().iterdir())) == 1


def test_a_revoked_key_is_not_added(built: BuiltBundle, pub: Path, capsys: Capture) -> None:
    own_folder().mkdir(parents=True)
    (own_folder() / "revoked.txt").write_text(key_hash(built.key))
    assert sonoderm("add", pub) == 5
    assert "revoked" in capsys.readouterr().err


def test_a_folder_that_anyone_may_write_to_takes_no_key(pub: Path, tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    assert sonoderm("add", pub, "--trust", folder) == 5
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["gone.pub", "folder.pub"])
def test_what_is_no_file_is_refused(name: str, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "folder.pub").mkdir()
    assert sonoderm("add", tmp_path / name) == 3
    assert name in capsys.readouterr().err


def test_a_trust_folder_that_is_a_file_is_a_mistake_in_the_call(pub: Path, tmp_path: Path) -> None:
    assert sonoderm("add", pub, "--trust", pub) == 2


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here, where nobody may make a folder")
def test_a_place_that_takes_no_file_is_an_error_of_this_machine(pub: Path, capsys: Capture) -> None:
    assert sonoderm("add", pub, "--trust", "/proc/sonoderm") == 6
    assert "nothing was added" in capsys.readouterr().err


def test_a_key_is_removed_by_the_beginning_of_its_hash(built: BuiltBundle, pub: Path, capsys: Capture) -> None:
    sonoderm("add", pub)
    assert sonoderm("remove", key_hash(built.key)[:7]) == 2
    assert sonoderm("remove", key_hash(built.key)[:8]) == 0
    assert list(own_folder().iterdir()) == []
    assert "no longer trusted" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["../owner", "", "nobody", "/etc/passwd", ".", "revoked.txt"])
def test_remove_touches_nothing_but_keys_of_the_folder(name: str, pub: Path) -> None:
    sonoderm("add", pub)
    (own_folder() / "revoked.txt").touch()
    assert sonoderm("remove", name) == 2
    assert pub.exists()
    assert len(list(own_folder().iterdir())) == 2


def test_a_damaged_key_can_be_removed_by_its_file_name(tmp_path: Path) -> None:
    folder = a_trust_folder(tmp_path / "t", a_key())
    (folder / "odd.pub").write_text("nonsense")
    assert sonoderm("list", "--trust", folder) == 5
    assert sonoderm("remove", "odd.pub", "--trust", folder) == 0
    assert sonoderm("list", "--trust", folder) == 0


def test_list_says_what_counts_and_what_is_wrong(tmp_path: Path, capsys: Capture) -> None:
    folder = a_trust_folder(tmp_path / "t", a_key())
    (folder / "revoked.txt").write_text("ab" * 32)
    assert sonoderm("list", "--trust", folder, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert [key["counts"] for key in report["keys"]] == [True]
    assert report["revoked"] == ["ab" * 32]
    (folder / "odd.pub").write_text("nonsense")
    assert sonoderm("list", "--trust", folder, "--json") == 5
    report = json.loads(capsys.readouterr().out)
    assert "odd.pub" in report["troubles"][0]
    assert [key["counts"] for key in report["keys"]] == [False]


def test_list_is_plain_text_where_there_is_no_terminal(tmp_path: Path, capsys: Capture) -> None:
    folder = a_trust_folder(tmp_path / "t", a_key())
    sonoderm("list", "--trust", folder)
    out = capsys.readouterr().out
    assert out.isascii()
    assert out.splitlines()[0].split() == ["KEY", "MAY", "SIGN", "HASH", "COUNTS"]


def test_without_keys_list_says_so(capsys: Capture) -> None:
    assert sonoderm("list") == 0
    assert "no key is trusted" in capsys.readouterr().out


@pytest.mark.parametrize("command", [("list",), ("remove", "owner")])
def test_a_named_folder_that_is_none_is_refused_by_list_and_remove(
    command: tuple[str, ...], tmp_path: Path, pub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for named, why in ((pub, "is no folder"), (tmp_path / "gone", "is not there"), (tmp_path / ("x" * 300), "cannot be opened")):
        assert sonoderm(*command, "--trust", named) == 2
        assert why in capsys.readouterr().err
