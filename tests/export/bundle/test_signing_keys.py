"""A signing key is made once, never overwritten, and readable by its owner alone."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from calibration.profile.signing import read_signing_key
from edge.bundle.keyfile import read_public_key
from edge.errors import UsageError
from export.bundle.keys import keygen


def test_a_pair_fits_together_and_the_private_half_is_private(tmp_path: Path) -> None:
    pair = keygen(tmp_path / "owner.pem")
    assert stat.S_IMODE(pair.private.stat().st_mode) == 0o600
    assert stat.S_IMODE(pair.public.stat().st_mode) == 0o644
    assert read_signing_key(pair.private).hash == read_public_key(pair.public).hash == pair.hash
    assert sorted(path.name for path in tmp_path.iterdir()) == ["owner.pem", "owner.pub"]


def test_imgtool_reads_both_halves_and_we_read_its_own(tmp_path: Path) -> None:
    def imgtool(*words: object) -> bytes:
        return subprocess.run([sys.executable, "-m", "imgtool.main", *map(str, words)], capture_output=True, timeout=60, check=True).stdout

    pair = keygen(tmp_path / "owner.pem")
    assert imgtool("getpub", "-k", pair.private, "--encoding", "pem").strip() == pair.public.read_bytes().strip()
    imgtool("keygen", "-k", tmp_path / "theirs.pem", "-t", "ed25519")
    (tmp_path / "theirs.pub").write_bytes(imgtool("getpub", "-k", tmp_path / "theirs.pem", "--encoding", "pem"))
    assert read_public_key(tmp_path / "theirs.pub").hash == read_signing_key(tmp_path / "theirs.pem").hash


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


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_key_without_a_name_is_wrong_usage(path: str) -> None:
    with pytest.raises(UsageError, match="needs a name") as refused:
        keygen(Path(path))
    assert refused.value.exit_code == 2
