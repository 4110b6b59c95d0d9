"""Bundles in the wheel: trusted by digest, named by one file, and refused when either was changed."""

import hashlib
from pathlib import Path

import pytest

from edge.bundle.image import PINNED
from edge.bundle.open import open_bundle, open_shipped, resolve_model
from edge.bundle.shipped import MODELS, PINNED_FILE, Pin, read_pins, write_pins
from edge.bundle.trust import Trust, load_trust
from edge.errors import BundleRefused, MachineLacks, UsageError
from tests.builders import BuiltBundle, a_bundle, key_hash

PINS = read_pins()
NONE_YET = [pytest.param(None, marks=pytest.mark.skip(reason="no bundle is shipped in edge/models yet"))]


def a_pin(built: BuiltBundle) -> Pin:
    digest = hashlib.sha256(built.data).hexdigest()
    payload = open_bundle(built.path, built.trust).digest
    return Pin(name=built.manifest.name, file=built.path.name, version=built.manifest.version, payload_sha256=payload, image_sha256=digest)


@pytest.fixture
def shelf(tmp_path: Path) -> tuple[Path, BuiltBundle]:
    """A models folder with one pinned bundle, whose key nobody trusts."""
    built = a_bundle(tmp_path / "models")
    (tmp_path / "models" / PINNED_FILE).write_bytes(write_pins((a_pin(built),)))
    return tmp_path / "models", built


@pytest.mark.parametrize("pin", PINS or NONE_YET, ids=lambda pin: pin.name if pin else "none")
def test_every_shipped_bundle_is_the_one_that_was_pinned(pin: Pin) -> None:
    bundle = open_shipped(pin, load_trust(None))
    assert (bundle.manifest.name, bundle.manifest.version, bundle.digest) == (pin.name, pin.version, pin.payload_sha256)
    assert bundle.image.image_sha256 == pin.image_sha256
    assert pin.file == f"{pin.name}-{pin.version}.bundle"
    assert bundle.signer == PINNED
    assert bundle.size_b <= 10_000_000
    assert (MODELS / f"{pin.name}.LICENSE.md").is_file()


def test_every_bundle_file_in_the_wheel_is_pinned() -> None:
    assert sorted(path.name for path in MODELS.glob("*.bundle")) == sorted(pin.file for pin in PINS)


def test_a_pinned_bundle_opens_by_name_without_any_key(shelf: tuple[Path, BuiltBundle]) -> None:
    folder, built = shelf
    bundle = resolve_model("p-colour", Trust(), folder)
    assert (bundle.manifest, bundle.signer) == (built.manifest, PINNED)


def test_a_pinned_bundle_may_lie_anywhere(shelf: tuple[Path, BuiltBundle], tmp_path: Path) -> None:
    folder, built = shelf
    trust = Trust(pinned=frozenset(pin.image_sha256 for pin in read_pins(folder)))
    assert resolve_model(str(built.path.rename(tmp_path / "moved.bin")), trust).signer == PINNED


def test_a_changed_byte_of_a_shipped_bundle_is_refused_even_with_a_good_signature(shelf: tuple[Path, BuiltBundle], tmp_path: Path) -> None:
    folder, built = shelf
    other = a_bundle(tmp_path / "other", key=built.key, security_counter=2)
    built.path.write_bytes(other.data)
    with pytest.raises(BundleRefused, match="not the file that was shipped"):
        resolve_model("p-colour", built.trust, folder)


def test_a_changed_digest_in_the_pins_is_refused(shelf: tuple[Path, BuiltBundle]) -> None:
    folder, _ = shelf
    text = (folder / PINNED_FILE).read_text()
    pin = read_pins(folder)[0]
    (folder / PINNED_FILE).write_text(text.replace(pin.image_sha256, pin.image_sha256[::-1]))
    with pytest.raises(BundleRefused, match="not the file that was shipped"):
        resolve_model("p-colour", Trust(), folder)


def test_a_shipped_bundle_that_is_gone_is_said_by_name(shelf: tuple[Path, BuiltBundle]) -> None:
    folder, built = shelf
    built.path.unlink()
    with pytest.raises(BundleRefused, match="shipped model p-colour"):
        resolve_model("p-colour", Trust(), folder)


@pytest.mark.parametrize("what", ["key", "payload", "file"])
def test_revoked_outweighs_a_pin(what: str, shelf: tuple[Path, BuiltBundle]) -> None:
    folder, built = shelf
    pin = read_pins(folder)[0]
    digest = {"key": key_hash(built.key), "payload": pin.payload_sha256, "file": pin.image_sha256}[what]
    with pytest.raises(BundleRefused, match="revoked"):
        resolve_model("p-colour", Trust(revoked=frozenset([digest])), folder)


def test_a_name_near_to_a_shipped_one_is_offered(shelf: tuple[Path, BuiltBundle]) -> None:
    with pytest.raises(UsageError) as refused:
        resolve_model("p-color", Trust(), shelf[0])
    assert refused.value.do == "did you mean p-colour?"


def test_write_then_read_gives_the_same_pins(shelf: tuple[Path, BuiltBundle], tmp_path: Path) -> None:
    pin = a_pin(shelf[1])
    pins = tuple(Pin(name=name, file=pin.file, version=pin.version, payload_sha256="0" * 64, image_sha256="1" * 64) for name in "ba")
    (tmp_path / PINNED_FILE).write_bytes(write_pins(pins))
    assert read_pins(tmp_path) == tuple(sorted(pins, key=lambda p: p.name))


@pytest.mark.parametrize(
    "text",
    [
        "[derm7]\n",
        "not toml",
        "[derm7]\nfile = '../x.bundle'\nversion = '1.0.0'\npayload_sha256 = ''\nimage_sha256 = ''\n",
        "['a b']\n",
        "\xff",
    ],
)
def test_damaged_pins_are_an_error_not_an_empty_list(text: str, tmp_path: Path) -> None:
    (tmp_path / PINNED_FILE).write_text(text, encoding="latin-1")
    with pytest.raises(MachineLacks, match=r"pinned\.toml is damaged"):
        read_pins(tmp_path)


def test_a_folder_without_pins_ships_nothing(tmp_path: Path) -> None:
    assert read_pins(tmp_path) == ()
