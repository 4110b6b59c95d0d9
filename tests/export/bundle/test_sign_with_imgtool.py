"""imgtool is the oracle: it writes what we read, it agrees on what is good, and we refuse all that it refuses."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from imgtool.image import Image, VerifyResult
from imgtool.keys import load as load_key

from calibration.profile.signing import read_signing_key
from edge.bundle.image import verify_image
from edge.bundle.open import verify_bundle
from edge.bundle.pack import build_payload
from edge.bundle.trust import Trust
from edge.errors import BundleRefused, InputRefused, UsageError
from export.bundle.keys import KeyPair, keygen
from export.bundle.sign import resign, sign, write_bundle
from tests.builders import a_bundle, a_content, a_trust, sign_image

TRAILING_B = 144


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    return keygen(tmp_path_factory.mktemp("keys") / "owner.pem")


@pytest.fixture(scope="module")
def key(pair: KeyPair) -> Ed25519PrivateKey:
    return read_signing_key(pair.private).private


@pytest.fixture(scope="module")
def payload() -> bytes:
    content = a_content()
    return build_payload(content.manifest, content.members)


@pytest.fixture(scope="module")
def signed(payload: bytes, pair: KeyPair) -> bytes:
    return sign(payload, pair.private, version="1.0.0", security_counter=7)


def imgtool(*words: object) -> int:
    return subprocess.run([sys.executable, "-m", "imgtool.main", *map(str, words)], capture_output=True, timeout=60, check=False).returncode


def imgtool_takes(data: bytes, public: Path, room: Path) -> bool:
    """`imgtool verify -k`, in this process. It was not written for foreign bytes: whatever it raises is a refusal."""
    path = room / "image.bin"
    path.write_bytes(data)
    try:
        result: object = Image.verify(str(path), load_key(str(public)))[0]
    except Exception:  # noqa: BLE001 - the oracle's own ways to fail are many
        return False
    return result is VerifyResult.OK


def we_take(data: bytes, trust: Trust) -> bool:
    try:
        verify_image(data, trust)
    except BundleRefused:
        return False
    return True


def test_our_builder_and_imgtool_write_the_same_bytes(payload: bytes, signed: bytes, key: Ed25519PrivateKey) -> None:
    assert signed == sign_image(payload, key, security_counter=7)


def test_the_command_line_of_imgtool_agrees_on_a_good_and_a_damaged_image(signed: bytes, pair: KeyPair, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(signed)
    bad.write_bytes(signed[:100] + bytes([signed[100] ^ 1]) + signed[101:])
    assert imgtool("verify", "-k", pair.public, good) == 0
    assert imgtool("verify", "-k", pair.public, bad) == 1


def damaged(data: bytes) -> Iterator[bytes]:
    """Seeded: single bytes everywhere (dense outside the payload), truncations, swapped and doubled pieces."""
    draw = np.random.default_rng(3)
    dense = [*range(32), *range(len(data) - TRAILING_B - 12, len(data)), *map(int, draw.integers(32, len(data), 150))]
    for at in dense:
        yield data[:at] + bytes([data[at] ^ int(draw.integers(1, 256))]) + data[at + 1 :]
    for n in draw.integers(0, len(data), 60):
        yield data[: int(n)]
    for a, b in draw.integers(0, len(data), (40, 2)):
        yield data[: int(a)] + data[int(b) :]
        yield data[: int(a)] + data[int(min(a, b)) :]


def test_seeded_damage_is_refused_also_where_imgtool_is_laxer(signed: bytes, pair: KeyPair, key: Ed25519PrivateKey, tmp_path: Path) -> None:
    trust = a_trust(key)
    assert imgtool_takes(signed, pair.public, tmp_path)
    assert we_take(signed, trust)
    changed = [data for data in damaged(signed) if data != signed]
    assert [len(data) for data in changed if we_take(data, trust)] == []
    assert any(imgtool_takes(data, pair.public, tmp_path) for data in changed[:200])  # it does not look at the key hash


def test_of_damage_to_what_is_signed_imgtool_and_we_say_the_same(
    signed: bytes, pair: KeyPair, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    """Header, payload, protected area, hash and signature; imgtool does not look at the key hash or at what follows."""
    trust = a_trust(key)
    after = len(signed) - TRAILING_B
    draw = np.random.default_rng(4)
    positions = [*range(32), *range(after - 12, after), *range(after + 8, after + 40), *range(len(signed) - 64, len(signed))]
    for at in [*positions, *map(int, draw.integers(32, after, 100))]:
        data = signed[:at] + bytes([signed[at] ^ int(draw.integers(1, 256))]) + signed[at + 1 :]
        assert imgtool_takes(data, pair.public, tmp_path) is False, at
        assert we_take(data, trust) is False, at


def test_imgtool_and_we_refuse_another_key(signed: bytes, tmp_path: Path) -> None:
    other = keygen(tmp_path / "other.pem")
    assert not imgtool_takes(signed, other.public, tmp_path)
    assert not we_take(signed, a_trust(read_signing_key(other.private).private))


def test_an_image_that_imgtool_signed_with_a_large_header_is_taken(
    payload: bytes, pair: KeyPair, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    """The line of a technician who signs without us."""
    (tmp_path / "in").write_bytes(payload)
    words = ["--version", "1.0.0", "--header-size", "0x200", "--pad-header", "--slot-size", "0x1000000", "--align", "8"]
    assert imgtool("sign", "--key", pair.private, *words, "--security-counter", "7", tmp_path / "in", tmp_path / "out") == 0
    assert verify_bundle((tmp_path / "out").read_bytes(), a_trust(key), origin="x").manifest.name == "p-colour"


@pytest.mark.parametrize("words", [["--pure"], ["--sha", "512"], ["--public-key-format", "full"], ["--custom-tlv", "0xA0", "x"], ["--pad"]])
def test_other_kinds_of_mcuboot_image_are_refused(
    words: list[str], payload: bytes, pair: KeyPair, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    (tmp_path / "in").write_bytes(payload)
    plain = ["--version", "1.0.0", "--header-size", "32", "--pad-header", "--slot-size", "0x100000", "--security-counter", "7"]
    assert imgtool("sign", "--key", pair.private, *plain, *words, tmp_path / "in", tmp_path / "out") == 0
    assert not we_take((tmp_path / "out").read_bytes(), a_trust(key))


def test_a_bundle_may_be_bound_to_a_kind_of_device(payload: bytes, pair: KeyPair, key: Ed25519PrivateKey) -> None:
    vendor, kind = UUID(int=1), UUID(int=2)
    data = sign(payload, pair.private, version="1.0.0", security_counter=0, vendor_id=vendor, class_id=kind)
    image = verify_image(data, a_trust(key))
    assert (image.vendor_id, image.class_id, image.security_counter) == (vendor, kind, 0)
    assert data == sign_image(payload, key, security_counter=0, vendor_id=vendor, class_id=kind)


def test_signing_anew_leaves_the_payload_untouched(pair: KeyPair, key: Ed25519PrivateKey, tmp_path: Path) -> None:
    built = a_bundle(tmp_path, security_counter=5, version="2.3.4")
    before = verify_bundle(built.data, built.trust, origin="x")
    after = verify_bundle(resign(before, pair.private), a_trust(key), origin="x")
    assert after.image.payload == before.image.payload
    assert (after.digest, after.image.version, after.image.security_counter) == (before.digest, "2.3.4", 5)
    assert after.signer == pair.hash != before.signer
    assert verify_bundle(resign(before, pair.private, security_counter=9), a_trust(key), origin="x").image.security_counter == 9


def test_a_bundle_is_written_whole_under_its_name(signed: bytes, tmp_path: Path) -> None:
    path = write_bundle(signed, tmp_path, name="p-colour", version="1.0.0")
    assert path.name == "p-colour-1.0.0.bundle"
    assert path.read_bytes() == signed
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("version", "counter", "kind"),
    [("1.0", 1, None), ("1.0.0+1", 1, None), ("256.0.0", 1, None), ("1.0.0", -1, None), ("1.0.0", 2**32, None), ("1.0.0", 1, UUID(int=2))],
)
def test_numbers_that_no_header_can_hold_are_refused(version: str, counter: int, kind: UUID | None, payload: bytes, pair: KeyPair) -> None:
    with pytest.raises(UsageError):
        sign(payload, pair.private, version=version, security_counter=counter, class_id=kind)


def test_what_no_reader_would_take_is_not_signed(payload: bytes, pair: KeyPair) -> None:
    for bad, version in ((b"no zip", "1.0.0"), (payload[:-1], "1.0.0"), (payload, "1.0.1")):
        with pytest.raises(BundleRefused):
            sign(bad, pair.private, version=version, security_counter=1)


def test_a_public_key_cannot_sign(payload: bytes, pair: KeyPair) -> None:
    with pytest.raises(InputRefused, match="public key"):
        sign(payload, pair.public, version="1.0.0", security_counter=1)
