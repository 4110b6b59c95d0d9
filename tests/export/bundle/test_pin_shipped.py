"""A shipped bundle is signed by a key that is thrown away, and believed by its digest from then on."""

from pathlib import Path

import pytest

from edge.bundle.open import resolve_model
from edge.bundle.pack import build_payload
from edge.bundle.shipped import read_pins
from edge.bundle.trust import Trust
from edge.errors import BundleRefused
from export.bundle.pin import pin
from tests.builders import a_content


def a_payload(version: str = "1.0.0", name: str = "p-colour") -> bytes:
    content = a_content(version=version, name=name)
    return build_payload(content.manifest, content.members)


def test_what_was_pinned_opens_by_name_without_a_key(tmp_path: Path) -> None:
    made = pin(a_payload(), version="1.0.0", security_counter=3, folder=tmp_path)
    bundle = resolve_model("p-colour", Trust(), tmp_path)
    assert (bundle.digest, bundle.image.image_sha256, bundle.image.security_counter) == (made.payload_sha256, made.image_sha256, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p-colour-1.0.0.bundle", "pinned.toml"]


def test_a_new_version_takes_the_place_of_the_old_and_leaves_the_others(tmp_path: Path) -> None:
    pin(a_payload(), version="1.0.0", security_counter=1, folder=tmp_path)
    other = pin(a_payload(name="other"), version="1.0.0", security_counter=1, folder=tmp_path)
    new = pin(a_payload("1.1.0"), version="1.1.0", security_counter=2, folder=tmp_path)
    assert read_pins(tmp_path) == (other, new)
    assert sorted(path.name for path in tmp_path.glob("*.bundle")) == ["other-1.0.0.bundle", "p-colour-1.1.0.bundle"]


def test_a_payload_that_no_reader_takes_is_not_pinned(tmp_path: Path) -> None:
    with pytest.raises(BundleRefused):
        pin(a_payload()[:-1], version="1.0.0", security_counter=1, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
