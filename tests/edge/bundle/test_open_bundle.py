"""From a file to a model: read once, verified first, parsed after; and each refusal is one line that names the file."""

import hashlib
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from edge.bundle.archive import write_archive
from edge.bundle.image import MAX_BUNDLE_B
from edge.bundle.manifest import Manifest, Member
from edge.bundle.open import VerifiedBundle, open_bundle, resolve_model, verify_bundle
from edge.bundle.pack import build_payload
from edge.bundle.trust import Trust
from edge.errors import BundleRefused, InputRefused, SonodermError, UsageError
from tests.builders import a_bundle, a_content, a_key, a_trust, key_hash, sign_image

KEY = a_key()
TRUST = a_trust(KEY)


def test_a_bundle_gives_back_what_was_put_in(tmp_path: Path) -> None:
    built = a_bundle(tmp_path, model="p-corner", version="2.0.1", security_counter=9)
    bundle = open_bundle(built.path, built.trust)
    content = a_content(model="p-corner", version="2.0.1")
    assert bundle.manifest == built.manifest
    assert {name: bundle.member(name) for name in content.members} == content.members
    assert bundle.signer == key_hash(built.key)
    assert (bundle.size_b, bundle.path, bundle.image.security_counter) == (built.path.stat().st_size, built.path, 9)
    with pytest.raises(KeyError):
        bundle.member("manifest.json/../x")


def test_bytes_that_were_received_open_as_a_file_does(tmp_path: Path) -> None:
    built = a_bundle(tmp_path)
    received = verify_bundle(built.data, built.trust, origin="the upload")
    assert received.digest == open_bundle(built.path, built.trust).digest
    assert received.path is None
    with pytest.raises(BundleRefused, match=r"^the upload: "):
        verify_bundle(built.data[:-1], built.trust, origin="the upload")


def test_the_same_members_make_the_same_payload() -> None:
    content = a_content()
    assert build_payload(content.manifest, content.members) == build_payload(content.manifest, dict(content.members))


def test_nobody_else_makes_a_verified_bundle(tmp_path: Path) -> None:
    built = a_bundle(tmp_path)
    bundle = open_bundle(built.path, built.trust)
    with pytest.raises(TypeError, match="alone"):
        VerifiedBundle(bundle.manifest, bundle.image, None, {}, object())


def test_the_bytes_that_were_verified_are_the_bytes_that_are_used(tmp_path: Path) -> None:
    built = a_bundle(tmp_path)
    bundle = open_bundle(built.path, built.trust)
    before = bundle.member("forms/fp32.onnx")
    built.path.write_bytes(b"swapped after it was opened")
    assert bundle.member("forms/fp32.onnx") == before


def test_nothing_is_parsed_before_the_signature_holds(tmp_path: Path) -> None:
    """A payload that is no zip at all: without a trusted key the refusal speaks of the key, and of nothing inside."""
    with pytest.raises(BundleRefused, match="not trusted here"):
        verify_bundle(sign_image(b"no zip", a_key()), TRUST, origin="x")
    with pytest.raises(BundleRefused, match="payload is malformed"):
        verify_bundle(sign_image(b"no zip", KEY), TRUST, origin="x")


def packed(change: Callable[[dict[str, bytes]], dict[str, bytes]], **fields: Any) -> bytes:
    """A signed image of an archive whose parts were changed after the manifest was written."""
    content = a_content()
    listed = Manifest.__struct_fields__
    assert set(fields) <= set(listed)
    text = build_payload(content.manifest, content.members)
    start = text.index(b"{")
    manifest = text[start : text.index(b"PK\x03\x04", start)]
    if fields:
        manifest = msgspec.json.encode({**msgspec.json.decode(manifest), **fields})
    return sign_image(write_archive(change({"manifest.json": manifest, **content.members})), KEY)


def without(name: str) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    return lambda members: {key: data for key, data in members.items() if key != name}


FAULTS: dict[str, tuple[Callable[[dict[str, bytes]], dict[str, bytes]], dict[str, Any], str]] = {
    "unlisted member": (lambda m: m | {"extra.bin": b"x"}, {}, "lists"),
    "missing member": (without("card.md"), {}, "lists"),
    "another order": (lambda m: {"manifest.json": m["manifest.json"], **dict(reversed(m.items()))}, {}, "order"),
    "manifest not first": (lambda m: dict(reversed(m.items())), {}, "first member"),
    "no manifest": (without("manifest.json"), {}, "first member"),
    "content swapped": (lambda m: m | {"card.md": m["card.md"][:-1] + b"!"}, {}, "SHA-256"),
    "content longer": (lambda m: m | {"card.md": m["card.md"] + b"!"}, {}, "size"),
    "manifest is no JSON": (lambda m: m | {"manifest.json": b"<xml/>"}, {}, "manifest is refused"),
    "another version than the header": (lambda m: m, {"version": "1.0.1"}, "header says version 1.0.0"),
    "modality of another kind": (lambda m: m, {"card": None, "modality": "x-ray"}, "modality"),
    "bound to a device, signed for all": (lambda m: m, {"vendor_id": str(UUID(int=1)), "class_id": str(UUID(int=2))}, "binds it to vendor"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_signature_does_not_make_a_wrong_content_right(fault: str) -> None:
    change, fields, word = FAULTS[fault]
    with pytest.raises(BundleRefused, match=word) as refused:
        verify_bundle(packed(change, **fields), TRUST, origin="x.bundle")
    assert refused.value.line().startswith("x.bundle: refused: ")
    assert refused.value.do


def test_the_unchanged_content_is_taken() -> None:
    assert verify_bundle(packed(lambda m: m), TRUST, origin="x").manifest.name == "p-colour"


def test_a_bundle_may_be_bound_to_a_kind_of_device(tmp_path: Path) -> None:
    vendor, kind = UUID(int=1), UUID(int=2)
    content = a_content(vendor_id=str(vendor), class_id=str(kind))
    data = sign_image(build_payload(content.manifest, content.members), KEY, vendor_id=vendor, class_id=kind)
    bundle = verify_bundle(data, TRUST, origin="x")
    assert (bundle.image.vendor_id, bundle.image.class_id) == (vendor, kind)
    other = sign_image(build_payload(content.manifest, content.members), KEY, vendor_id=vendor, class_id=UUID(int=3))
    with pytest.raises(BundleRefused, match="class"):
        verify_bundle(other, TRUST, origin="x")


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(path))


PLACES: dict[str, tuple[Callable[[Path], object], type[SonodermError], str]] = {
    "folder": (lambda p: p.mkdir(), InputRefused, "a folder"),
    "pipe": (a_pipe, InputRefused, "a pipe"),
    "socket": (a_socket, InputRefused, "a socket"),
    "device": (lambda p: p.symlink_to("/dev/zero"), InputRefused, "a device"),
    "nothing": (lambda p: None, InputRefused, "is not there"),
    "broken link": (lambda p: p.symlink_to("gone"), InputRefused, "broken link"),
    "link to itself": (lambda p: p.symlink_to(p), InputRefused, "symbolic links"),
    "empty file": (lambda p: p.touch(), BundleRefused, "no bundle"),
    "onnx": (lambda p: p.write_bytes(b"\x08\x08\x12\x04test"), BundleRefused, "no bundle"),
    "text": (lambda p: p.write_text("hello"), BundleRefused, "no bundle"),
}


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_bundle_file_is_refused_by_name_and_at_once(place: str, tmp_path: Path) -> None:
    make, kind, word = PLACES[place]
    path = tmp_path / "x.bundle"
    make(path)
    result: list[SonodermError] = []

    def attempt() -> None:
        try:
            open_bundle(path, TRUST)
        except SonodermError as error:
            result.append(error)

    thread = threading.Thread(target=attempt, daemon=True)  # a pipe without a writer could hold the reader for ever
    thread.start()
    thread.join(10)
    assert result, "still waiting, or an error without a name"
    assert type(result[0]) is kind
    assert "x.bundle" in result[0].line()
    assert word in result[0].line()


def test_a_file_over_the_cap_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "huge.bundle"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse: one terabyte
    with pytest.raises(BundleRefused, match=f"larger than {MAX_BUNDLE_B}"):
        open_bundle(path, TRUST)


def test_a_link_to_a_bundle_is_a_bundle(tmp_path: Path) -> None:
    built = a_bundle(tmp_path)
    link = tmp_path / "latest.bundle"
    link.symlink_to(built.path)
    assert open_bundle(link, built.trust).manifest == built.manifest


@pytest.mark.parametrize("name", ["mödel ü.bundle", "a b#c.bundle", "-model.bundle", "%03d.bundle", "x.bin"])
def test_any_file_name_will_do(name: str, tmp_path: Path) -> None:
    built = a_bundle(tmp_path)
    moved = built.path.rename(tmp_path / name)
    assert resolve_model(str(moved), built.trust).manifest == built.manifest


def test_a_bare_name_in_the_current_folder_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = a_bundle(tmp_path)
    built.path.rename(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert resolve_model("mine", built.trust).manifest == built.manifest
    with pytest.raises(InputRefused, match="not there"):
        resolve_model("./other", built.trust)


def test_a_size_that_the_manifest_gets_wrong_is_refused() -> None:
    """The digest alone would hold; a reader that allocates by the size must not be misled."""
    listed = [
        {"name": n, "sha256": hashlib.sha256(d).hexdigest(), "size_b": len(d) + (n == "card.md")} for n, d in a_content().members.items()
    ]
    with pytest.raises(BundleRefused, match=r"card\.md has another size"):
        verify_bundle(packed(lambda m: m, members=listed), TRUST, origin="x")


def test_a_path_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    for name in ("a\0b.bundle", "x" * 5000 + ".bundle", "./"):
        with pytest.raises(InputRefused):
            resolve_model(name, TRUST)


def test_a_name_that_is_no_model_names_the_models(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no model 'derm9'"):
        resolve_model("derm9", Trust(), tmp_path)
    with pytest.raises(UsageError, match="no such slots folder"):
        resolve_model("slot:/var/lib/x", Trust(), tmp_path)


def test_pack_refuses_what_a_reader_would_refuse() -> None:
    content = a_content()
    with pytest.raises(ValueError, match="not listed"):
        build_payload(content.manifest, {"card.md": b""})
    with pytest.raises(ValueError, match=r"manifest\.json"):
        build_payload(content.manifest, {**content.members, "manifest.json": b""})
    with pytest.raises(ValueError, match=r"not allowed|Expected"):
        build_payload(content.manifest, {**content.members, "../x": b""})


def test_members_that_a_manifest_brought_are_replaced() -> None:
    content = a_content()
    stale = msgspec.structs.replace(content.manifest, members=(Member(name="old", sha256="0" * 64, size_b=1),))
    assert build_payload(stale, content.members) == build_payload(content.manifest, content.members)
