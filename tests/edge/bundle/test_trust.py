"""Whose models this device believes: which folders count, what may stand in them, and that nothing is skipped in silence."""

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from edge.bundle.open import open_bundle
from edge.bundle.trust import SYSTEM, Role, load_trust, trust_folders
from edge.errors import BundleRefused, MachineLacks, NotTrusted, SonodermError, UsageError
from tests.builders import a_bundle, a_key, a_trust_folder, key_hash


@pytest.fixture
def own(a_machine_of_its_own: Path) -> Path:
    """The user's own trust folder, not made yet."""
    return Path(os.environ["XDG_CONFIG_HOME"]) / "sonoderm" / "trust"


def private_pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_named_folder_stands_alone_and_the_option_outweighs_the_environment() -> None:
    home = {"HOME": "/home/a"}
    own = Path("/home/a/.config/sonoderm/trust")
    assert trust_folders(None, home).for_keys == (SYSTEM, own)
    assert trust_folders(None, home | {"SONODERM_TRUST": "/env"}).for_keys == (Path("/env"),)
    assert trust_folders(Path("/opt"), home | {"SONODERM_TRUST": "/env"}).for_keys == (Path("/opt"),)


def test_revocations_count_from_every_folder() -> None:
    folders = trust_folders(Path("/opt"), {"HOME": "/home/a", "SONODERM_TRUST": "/env"})
    assert folders.for_revoked == (Path("/opt"), Path("/env"), SYSTEM, Path("/home/a/.config/sonoderm/trust"))


def test_a_new_key_goes_where_it_counts() -> None:
    home = {"HOME": "/home/a"}
    assert trust_folders(None, home).for_adding == Path("/home/a/.config/sonoderm/trust")
    assert trust_folders(None, home | {"SONODERM_TRUST": "/env"}).for_adding == Path("/env")


@pytest.mark.parametrize("xdg", ["", "relative/path"])
def test_the_config_folder_follows_the_xdg_specification(xdg: str) -> None:
    assert trust_folders(None, {"HOME": "/h", "XDG_CONFIG_HOME": xdg}).for_adding == Path("/h/.config/sonoderm/trust")
    assert trust_folders(None, {"HOME": "/h", "XDG_CONFIG_HOME": "/x"}).for_adding == Path("/x/sonoderm/trust")


def test_without_any_folder_nobody_is_trusted() -> None:
    assert load_trust(None).keys == ()


def test_the_role_is_in_the_name_of_the_file(tmp_path: Path) -> None:
    bundle, profile, plain = a_key(), a_key(), a_key()
    a_trust_folder(tmp_path, bundle)
    a_trust_folder(tmp_path, profile, role=Role.PROFILE)
    a_trust_folder(tmp_path / "x", plain)
    next((tmp_path / "x").glob("*.pub")).rename(tmp_path / "plain.pub")
    roles = {key.hash: key.role for key in load_trust(tmp_path).keys}
    assert roles == {key_hash(bundle): Role.BUNDLE, key_hash(profile): Role.PROFILE, key_hash(plain): Role.BUNDLE}


def test_files_that_are_no_keys_by_name_are_left_alone(tmp_path: Path) -> None:
    a_trust_folder(tmp_path, a_key())
    (tmp_path / "README.txt").write_text("who is who")
    (tmp_path / ".x.pub.abc.part").write_text("half a key, of an add that was killed")
    assert len(load_trust(tmp_path).keys) == 1


def test_a_bundle_opens_with_the_folder_that_its_owner_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: Path) -> None:
    built = a_bundle(tmp_path / "b")
    assert open_bundle(built.path, load_trust(built.trust_dir)).signer == key_hash(built.key)
    monkeypatch.setenv("SONODERM_TRUST", str(built.trust_dir))
    assert open_bundle(built.path, load_trust(None)).signer == key_hash(built.key)
    monkeypatch.delenv("SONODERM_TRUST")
    with pytest.raises(BundleRefused):
        open_bundle(built.path, load_trust(None))
    a_trust_folder(own, built.key)
    assert open_bundle(built.path, load_trust(None)).signer == key_hash(built.key)


def test_what_is_revoked_in_ones_own_folder_stays_revoked_with_a_named_one(tmp_path: Path, own: Path) -> None:
    built = a_bundle(tmp_path / "b")
    own.mkdir(parents=True)
    (own / "revoked.txt").write_text(f"# lost laptop\n{key_hash(built.key).upper()}  key of the lost laptop\r\n\n")
    with pytest.raises(BundleRefused, match="revoked"):
        open_bundle(built.path, load_trust(built.trust_dir))


@pytest.mark.parametrize("text", ["12ab", "zz" * 32, "0" * 63, "0" * 65, "key 0000"])
def test_a_line_of_revoked_txt_that_cannot_be_understood_is_an_error(text: str, tmp_path: Path) -> None:
    a_trust_folder(tmp_path, a_key())
    (tmp_path / "revoked.txt").write_text(f"# one\n{text}\n")
    with pytest.raises(NotTrusted, match=r"revoked\.txt, line 2") as refused:
        load_trust(tmp_path)
    assert refused.value.exit_code == 5


def test_revoked_txt_with_a_byte_order_mark_counts(tmp_path: Path) -> None:
    a_trust_folder(tmp_path, a_key())
    (tmp_path / "revoked.txt").write_text("0" * 64 + "\n", encoding="utf-8-sig")
    assert load_trust(tmp_path).revoked == {"0" * 64}


def test_a_folder_that_anyone_may_write_to_is_refused(tmp_path: Path) -> None:
    folder = a_trust_folder(tmp_path / "trust", a_key())
    folder.chmod(0o777)
    with pytest.raises(NotTrusted, match="anyone"):
        load_trust(folder)
    folder.chmod(0o1777)
    with pytest.raises(NotTrusted, match="anyone"):
        load_trust(folder)
    folder.chmod(0o775)
    assert len(load_trust(folder).keys) == 1


@pytest.mark.parametrize("name", ["key", "revoked.txt"])
def test_a_file_that_anyone_may_write_to_is_refused(name: str, tmp_path: Path) -> None:
    a_trust_folder(tmp_path, a_key())
    path = next(tmp_path.glob("*.pub")) if name == "key" else tmp_path / name
    path.touch()
    path.chmod(0o666)
    with pytest.raises(NotTrusted, match=path.name):
        load_trust(tmp_path)


def other_kind() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def two_keys() -> bytes:
    return b"".join(a_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for _ in range(2))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (private_pem(a_key()), "PRIVATE"),
        (b"", "not one key"),
        (b"hello", "not one key"),
        (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me@here", "OpenSSH"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no public key"),
        (other_kind(), "another kind"),
        (two_keys(), "not one key"),
        (b"x" * 100_000, "not one key"),
        (bytes(range(256)), "not one key"),
    ],
)
def test_a_file_that_is_no_public_key_is_said_by_name(content: bytes, word: str, tmp_path: Path) -> None:
    a_trust_folder(tmp_path, a_key())
    (tmp_path / "odd.pub").write_bytes(content)
    with pytest.raises(NotTrusted, match=word) as refused:
        load_trust(tmp_path)
    assert "odd.pub" in refused.value.what
    assert refused.value.do is not None


def test_a_key_that_is_a_folder_a_pipe_or_a_broken_link_is_said_by_name(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "odd.pub").mkdir()
    (tmp_path / "b").mkdir()
    os.mkfifo(tmp_path / "b" / "odd.pub")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "odd.pub").symlink_to("gone")
    for name in "abc":
        with pytest.raises(NotTrusted, match=r"odd\.pub"):
            load_trust(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("what", ["folder", "key", "revoked"])
def test_what_may_not_be_read_is_an_error_of_this_machine(what: str, tmp_path: Path) -> None:
    folder = a_trust_folder(tmp_path / "trust", a_key())
    (folder / "revoked.txt").touch()
    path = {"folder": folder, "key": next(folder.glob("*.pub")), "revoked": folder / "revoked.txt"}[what]
    path.chmod(0)
    try:
        with pytest.raises(MachineLacks, match=path.name):
            load_trust(folder)
    finally:
        path.chmod(0o755)


def test_revocations_that_cannot_be_read_are_an_error_not_an_empty_list(tmp_path: Path) -> None:
    for name, make in (("folder", Path.mkdir), ("link", lambda path: path.symlink_to("gone"))):
        folder = a_trust_folder(tmp_path / name, a_key())
        make(folder / "revoked.txt")
        with pytest.raises(SonodermError, match=r"revoked\.txt"):
            load_trust(folder)


def test_a_named_folder_that_is_not_there_is_a_mistake_in_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="not there"):
        load_trust(tmp_path / "gone")
    monkeypatch.setenv("SONODERM_TRUST", str(tmp_path / "gone"))
    with pytest.raises(UsageError, match="not there"):
        load_trust(None)


def test_the_first_folder_that_holds_a_key_decides(tmp_path: Path) -> None:
    key = a_key()
    a_trust_folder(tmp_path, key)
    pem = next(tmp_path.glob("*.pub")).read_bytes()
    (tmp_path / "again.pub").write_bytes(b"# a remark before the key\n" + pem)
    keys = load_trust(tmp_path).keys
    assert [k.hash for k in keys] == [key_hash(key)]
