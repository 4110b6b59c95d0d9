"""A device profile is believed only as far as its signature goes, applied only where it was measured, and dies on its day."""

import base64
import datetime
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bundle.manifest import Decision
from edge.bundle.trust import Role, Trust, TrustedKey
from edge.errors import InputRefused, NotTrusted
from edge.profile import DIRECTIONS, LoadedProfile, Setting, corrections_for, decision_for, load_profile, read_profile
from edge.profile.read import MAX_PROFILE_B, PROFILE

TODAY = datetime.date(2025, 6, 1)
DIGEST = "ab" * 32
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
HERE = Setting(camera="Microscope 3", optic="10x", width_px=640, height_px=480)
DECISION = Decision(temperature=1.5, bias=(0.0, 0.0, 0.0), set_at=(0.2, 0.2, 0.2), out_of_scope_above=3.0)


def hash_of(key: Ed25519PrivateKey) -> str:
    return hashlib.sha256(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def a_trust(*, role: Role = Role.PROFILE, revoked: frozenset[str] = frozenset()) -> Trust:
    raw = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return Trust(keys=(TrustedKey(hash_of(KEY), role, Path("site.profile.pub"), raw),), revoked=revoked)


def a_profile(**changes: Any) -> dict[str, Any]:
    setting = {"camera": "Microscope 3", "optic": "10x", "width_px": 640, "height_px": 480}
    correction = {"setting": setting, "expires_on": "2025-06-01", "scan_region": [[100, 50], [500, 50], [500, 400], [100, 400]]}
    return {"schema": 1, "name": "clinic-3", "made_at": "2025-05-01T10:00:00Z", "corrections": [correction]} | changes


UNIT = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def with_color(color: dict[str, Any]) -> dict[str, Any]:
    return a_profile(corrections=[a_profile()["corrections"][0] | {"color": color}])


def an_overlay(**numbers: Any) -> dict[str, Any]:
    entry = {"digest": DIGEST, "form": "u8s8", "engine": "onnxruntime", "expires_on": "2026-01-01"} | numbers
    return a_profile(corrections=[], overlay=[entry])


def written(content: dict[str, Any], *, signed: bool = True, key: Ed25519PrivateKey = KEY) -> bytes:
    body = json.dumps(content, indent=1).encode() + b"\n"
    if not signed:
        return body
    signature = base64.b64encode(key.sign(PROFILE.prefix + body))
    return body + b"ed25519 " + hash_of(key).encode() + b" " + signature + b"\n"


def loaded(content: dict[str, Any], *, signed: bool = True) -> LoadedProfile:
    return read_profile(written(content, signed=signed), a_trust(), origin="p")


# reading


def test_a_signed_profile_names_its_signer() -> None:
    found = loaded(a_profile())
    assert found.signer == hash_of(KEY)
    assert found.profile.name == "clinic-3"


def test_an_unsigned_profile_is_read_and_known_as_such() -> None:
    assert loaded(a_profile(), signed=False).signer is None


def test_line_ends_of_a_spreadsheet_or_mail_after_the_signature_do_no_harm() -> None:
    assert read_profile(written(a_profile()).rstrip(b"\n") + b"\r\n\r\n", a_trust(), origin="p").signer == hash_of(KEY)


def test_every_changed_byte_of_a_signed_profile_is_refused_or_unsigned() -> None:
    data = written(a_profile(corrections=[]))
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        try:
            found = read_profile(changed, a_trust(), origin="p")
        except (NotTrusted, InputRefused):
            continue
        assert found.signer is None or changed.rstrip() == data.rstrip(), place


def test_every_truncation_of_a_signed_profile_is_refused_or_unsigned() -> None:
    data = written(a_profile(corrections=[]))
    for length in range(len(data) - 1):
        try:
            assert read_profile(data[:length], a_trust(), origin="p").signer is None, length
        except (NotTrusted, InputRefused):
            continue


@pytest.mark.parametrize(
    ("data", "trust", "words"),
    [
        (written(a_profile()), Trust(), "not trusted here"),
        (written(a_profile()), a_trust(role=Role.BUNDLE), "not a profile"),
        (written(a_profile()), a_trust(revoked=frozenset({hash_of(KEY)})), "revoked"),
        (written(a_profile(), signed=False) + b"ed25519 hello\n", a_trust(), "damaged"),
        (written(a_profile()).replace(b"clinic-3", b"clinic-4"), a_trust(), "does not hold"),
    ],
    ids=["stranger", "bundle key", "revoked key", "damaged line", "changed"],
)
def test_a_signature_that_does_not_hold_is_refused_and_never_taken_for_unsigned(data: bytes, trust: Trust, words: str) -> None:
    with pytest.raises(NotTrusted, match=words):
        read_profile(data, trust, origin="p")


def test_a_revoked_profile_is_refused_whoever_signed_it() -> None:
    digest = loaded(a_profile()).digest
    with pytest.raises(NotTrusted, match="revoked"):
        read_profile(written(a_profile()), a_trust(revoked=frozenset({digest})), origin="p")


def test_a_signature_of_the_same_key_over_the_bare_bytes_is_no_signature_of_a_profile() -> None:
    body = json.dumps(a_profile()).encode() + b"\n"
    line = b"ed25519 " + hash_of(KEY).encode() + b" " + base64.b64encode(KEY.sign(body)) + b"\n"
    with pytest.raises(NotTrusted, match="does not hold"):
        read_profile(body + line, a_trust(), origin="p")


BAD_SETTING = {"camera": "c", "width_px": 0, "height_px": 480}


@pytest.mark.parametrize(
    "content",
    [
        {},
        a_profile(schema=2),
        a_profile(surprise=1),
        a_profile(name="../../etc"),
        a_profile(corrections=[{"setting": BAD_SETTING, "expires_on": "2025-06-01"}]),
        a_profile(corrections=[a_profile()["corrections"][0] | {"expires_on": "soon"}]),
        a_profile(corrections=[a_profile()["corrections"][0] | {"scan_region": [[0, 0], [640, 0], [640, 480]]}]),
        a_profile(corrections=[a_profile()["corrections"][0] | {"scan_region": [[0, 0], [9, 9]]}]),
        with_color({"matrix": [[33, 0, 0], [0, 1, 0], [0, 0, 1]]}),
        with_color({"matrix": [[1, 0, 0], [0, 1, 0]]}),
        with_color({"matrix": UNIT, "power": [1, 1, 0]}),
        with_color({"matrix": UNIT, "black": [0, 0, 1]}),
        with_color({"power": [1, 1, 1]}),
        a_profile(corrections=a_profile()["corrections"] * 2),
        an_overlay(temperature=0),
        an_overlay(set_at=[1.5]),
        an_overlay(digest="zz"),
    ],
)
def test_what_is_no_profile_is_refused_by_name(content: dict[str, Any]) -> None:
    with pytest.raises(InputRefused, match="no device profile"):
        loaded(content)


@pytest.mark.parametrize("data", [b"", b"\n", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 5000, b'{"schema":1e999}'])
def test_foreign_bytes_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(InputRefused):
        read_profile(data, a_trust(), origin="p")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_unnamed(data: bytes) -> None:
    with pytest.raises((InputRefused, NotTrusted)):
        read_profile(data, a_trust(), origin="p")


def test_a_file_too_large_absent_or_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b" " * (MAX_PROFILE_B + 1))
    for path in (tmp_path / "large", tmp_path / "absent", tmp_path):
        with pytest.raises(InputRefused):
            load_profile(path, a_trust())


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_bytes(written(a_profile()))
    assert load_profile(tmp_path / "p.json", a_trust()).signer == hash_of(KEY)


# corrections


def test_corrections_of_this_setting_are_applied_without_a_word() -> None:
    found, notes = corrections_for(loaded(a_profile()), HERE, TODAY)
    assert notes == ()
    assert found is not None
    assert found.region == (100, 50, 401, 351)
    assert found.keep is not None
    assert found.keep.shape == (480, 640, 3)
    assert found.keep[50, 100].tolist() == [255] * 3
    assert found.keep[49, 100].tolist() == [0] * 3


def test_a_text_mask_is_cut_out_of_the_scan_region() -> None:
    correction = a_profile()["corrections"][0] | {"text_masks": [[[200, 100], [220, 100], [220, 120], [200, 120]]]}
    found, _ = corrections_for(loaded(a_profile(corrections=[correction])), HERE, TODAY)
    assert found is not None
    assert found.keep is not None
    assert int(found.keep[110, 210, 0]) == 0
    assert int(found.keep[110, 230, 0]) == 255


def test_a_color_alone_masks_nothing() -> None:
    correction = {key: value for key, value in a_profile()["corrections"][0].items() if key != "scan_region"}
    correction["color"] = {"matrix": UNIT}
    found, _ = corrections_for(loaded(a_profile(corrections=[correction])), HERE, TODAY)
    assert found is not None
    assert found.keep is None
    assert found.color is not None


def test_a_color_matrix_of_before_the_first_release_is_refused_with_what_to_do() -> None:
    correction = a_profile()["corrections"][0] | {"color_matrix": [[1.1, 0, 0, 2], [0, 1, 0, 0], [0, 0, 0.9, -3]]}
    with pytest.raises(InputRefused, match="measure anew with: sonoderm calibrate color"):
        loaded(a_profile(corrections=[correction]))


def test_a_geometry_of_before_the_first_release_goes_on_working() -> None:
    correction = a_profile()["corrections"][0] | {"color_matrix": None}
    found, notes = corrections_for(loaded(a_profile(corrections=[correction])), HERE, TODAY)
    assert notes == ()
    assert found is not None
    assert found.keep is not None
    assert found.color is None


def test_unsigned_corrections_are_ignored_aloud() -> None:
    found, notes = corrections_for(loaded(a_profile(), signed=False), HERE, TODAY)
    assert found is None
    assert "not signed" in notes[0]


@pytest.mark.parametrize("days", [-400, -1, 0, 1, 2, 400])
def test_corrections_die_after_their_last_day(days: int) -> None:
    found, notes = corrections_for(loaded(a_profile()), HERE, TODAY + datetime.timedelta(days=days))
    assert (found is not None) is (days <= 0)
    assert bool(notes) is (days > 0)


@pytest.mark.parametrize("change", [{"camera": "Microscope 4"}, {"optic": "20x"}, {"optic": ""}, {"width_px": 1280}, {"height_px": 481}])
def test_corrections_of_another_setting_are_ignored_aloud(change: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"camera": HERE.camera, "optic": HERE.optic, "width_px": HERE.width_px, "height_px": HERE.height_px} | change
    found, notes = corrections_for(loaded(a_profile()), Setting(**fields), TODAY)
    assert found is None
    assert "no corrections for" in notes[0]


def test_a_profile_without_corrections_has_nothing_to_say() -> None:
    assert corrections_for(loaded(a_profile(corrections=[])), HERE, TODAY) == (None, ())


# decision overlay


def overlaid(
    content: dict[str, Any], *, signed: bool, digest: str = DIGEST, today: datetime.date = TODAY
) -> tuple[Decision, tuple[str, ...]]:
    return decision_for(loaded(content, signed=signed), DECISION, digest, "u8s8", "onnxruntime", today)


def test_a_signed_overlay_sets_every_number() -> None:
    numbers = {"temperature": 0.9, "bias": [0.1, 0, 0], "set_at": [0.4, 0.3, 0.2], "out_of_scope_above": 5.0}
    decision, notes = overlaid(an_overlay(**numbers), signed=True)
    assert decision == Decision(temperature=0.9, bias=(0.1, 0.0, 0.0), set_at=(0.4, 0.3, 0.2), out_of_scope_above=5.0)
    assert notes == ()


@pytest.mark.parametrize(
    ("numbers", "applied"),
    [
        ({"temperature": 1.5}, True),
        ({"temperature": 1.500001}, True),
        ({"temperature": 1.499999}, False),
        ({"out_of_scope_above": 3.0}, True),
        ({"out_of_scope_above": 2.9}, True),
        ({"out_of_scope_above": 3.1}, False),
        ({"set_at": [0.2, 0.1, 0.0]}, True),
        ({"set_at": [0.2, 0.2, 0.21]}, False),
        ({"bias": [0.0, 0.0, 0.0]}, False),
        ({"temperature": 2.0, "out_of_scope_above": 3.1}, False),
    ],
)
def test_an_unsigned_overlay_may_only_make_the_device_more_cautious(numbers: dict[str, Any], applied: bool) -> None:
    decision, notes = overlaid(an_overlay(**numbers), signed=False)
    assert len(notes) == 1
    assert ("not applied" not in notes[0]) is applied
    if not applied:
        assert decision == DECISION


def test_an_unsigned_scope_limit_where_there_was_none_is_more_cautious() -> None:
    profile = loaded(an_overlay(out_of_scope_above=9.0), signed=False)
    open_decision = Decision(bias=DECISION.bias, set_at=DECISION.set_at)
    assert decision_for(profile, open_decision, DIGEST, "u8s8", "onnxruntime", TODAY)[0].out_of_scope_above == 9.0


def test_the_table_of_directions_has_a_row_for_every_number_of_a_decision() -> None:
    assert set(DIRECTIONS) == set(Decision.__struct_fields__)


def test_a_changed_bundle_voids_the_overlay_aloud() -> None:
    decision, notes = overlaid(an_overlay(temperature=2.0), signed=True, digest="cd" * 32)
    assert decision == DECISION
    assert "uncalibrated for this model" in notes[0]


@pytest.mark.parametrize(("days", "applied"), [(-1, True), (0, True), (1, False)])
def test_an_overlay_dies_after_its_last_day(days: int, applied: bool) -> None:
    today = datetime.date(2026, 1, 1) + datetime.timedelta(days=days)
    assert (overlaid(an_overlay(temperature=2.0), signed=True, today=today)[0].temperature == 2.0) is applied


@pytest.mark.parametrize("numbers", [{"set_at": [0.1]}, {"bias": [0.1, 0.1]}])
def test_an_overlay_for_another_number_of_classes_is_not_applied(numbers: dict[str, Any]) -> None:
    decision, notes = overlaid(an_overlay(**numbers), signed=True)
    assert decision == DECISION
    assert "number of classes" in notes[0]


def test_a_profile_without_an_overlay_has_nothing_to_say() -> None:
    assert overlaid(a_profile(), signed=True) == (DECISION, ())


def test_a_key_that_stands_twice_counts_by_its_profile_role() -> None:
    one = a_trust().keys[0]
    trust = Trust(keys=(replace(one, role=Role.BUNDLE), one))
    assert read_profile(written(a_profile()), trust, origin="p").signer == one.hash


def test_a_pipe_is_refused_as_a_profile_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "clinic.profile")
    with pytest.raises(InputRefused, match="a pipe"):
        load_profile(tmp_path / "clinic.profile", a_trust())
