"""A signing key is made once, never overwritten, and readable by its owner alone."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from edge.bundle.keyfile import read_public_key
from edge.errors import InputRefused, UsageError
from export.bundle.keys import keygen, read_private_key


def test_a_pair_fits_together_and_the_private_half_is_private(tmp_path: Path) -> None:
    pair = keygen(tmp_path / "owner.pem")
    assert stat.S_IMODE(pair.private.stat().st_mode) == 0o600
    assert stat.S_IMODE(pair.public.stat().st_mode) == 0o644
    assert read_private_key(pair.private)[1].hash == read_public_key(pair.public).hash == pair.hash
    assert sorted(path.name for path in tmp_path.iterdir()) == ["owner.pem", "owner.pub"]


def test_imgtool_reads_both_halves_and_we_read_its_own(tmp_path: Path) -> None:
    def imgtool(*words: object) -> bytes:
        return subprocess.run([sys.executable, "-m", "imgtool.main", *map(str, words)], capture_output=True, timeout=60, check=True).stdout

    pair = keygen(tmp_path / "owner.pem")
    assert imgtool("getpub", "-k", pair.private, "--encoding", "pem").strip() == pair.public.read_bytes().strip()
    imgtool("keygen", "-k", tmp_path / "theirs.pem", "-t", "ed25519")
    (tmp_path / "theirs.pub").write_bytes(imgtool("getpub", "-k", tmp_path / "theirs.pem", "--encoding", "pem"))
    assert read_public_key(tmp_path / "theirs.pub").hash == read_private_key(tmp_path / "theirs.pem")[1].hash


@pytest.mark.parametrize("there", ["owner.pem", "owner.pub"])
def test_a_key_is_never_overwritten(there: str, tmp_path: Path) -> None:
    (tmp_path / there).write_text("precious")
    with pytest.raises(UsageError, match="never overwritten"):
        keygen(tmp_path / "owner.pem")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["precious"]


def test_names_that_would_mislead_or_lead_nowhere_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="public key"):
        keygen(tmp_path / "owner.pub")
    with pytest.raises(UsageError, match="no folder"):
        keygen(tmp_path / "gone" / "owner.pem")


def test_keys_that_cannot_sign_are_said_by_name(tmp_path: Path) -> None:
    path = tmp_path / "odd.pem"
    secret = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pass"))
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    cut = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    for content, word in (
        (secret, "passphrase"),
        (curve, "another kind"),
        (cut, "damaged"),
        (b"", "no private key"),
        (b"\xff", "no private"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputRefused, match=word) as refused:
            read_private_key(path)
        assert "odd.pem" in refused.value.what


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_key_without_a_name_is_wrong_usage(path: str) -> None:
    with pytest.raises(UsageError, match="needs a name") as refused:
        keygen(Path(path))
    assert refused.value.exit_code == 2
