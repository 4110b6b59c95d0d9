"""The rules of the container, one by one: each refusal has its own words, and a signature makes none of them good."""

import hashlib
import struct
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bundle.image import MAX_BUNDLE_B, PINNED, verify_image
from edge.bundle.trust import Role, Trust
from edge.errors import BundleRefused
from tests.builders import a_key, a_trust, key_hash, sign_image

KEY = a_key()
TRUST = a_trust(KEY)
PAYLOAD = b"payload of any kind"
VENDOR, CLASS = UUID(int=11), UUID(int=12)


def refusal(data: bytes, trust: Trust = TRUST) -> str:
    with pytest.raises(BundleRefused) as refused:
        verify_image(data, trust)
    assert refused.value.exit_code == 5
    assert refused.value.do
    assert "\n" not in refused.value.line()
    return refused.value.what


def signed_by_hand(signed: bytes, kinds: tuple[int, ...] = (0x10, 0x01, 0x24)) -> bytes:
    """header + payload + protected area, as they are -> an image whose hash and signature are right, with these entries."""
    digest = hashlib.sha256(signed).digest()
    values = {0x10: digest, 0x01: bytes.fromhex(key_hash(KEY)), 0x24: KEY.sign(digest), 0x02: bytes(44), 0x25: b"\1"}
    area = b"".join(struct.pack("<BBH", kind, 0, len(values[kind])) + values[kind] for kind in kinds)
    return signed + struct.pack("<HH", 0x6907, len(area) + 4) + area


def head(
    *, load: int = 0, header_b: int = 32, protected_b: int = 12, payload_b: int = len(PAYLOAD), flags: int = 0, build: int = 0, pad: int = 0
) -> bytes:
    return struct.pack("<IIHHIIBBHII", 0x96F3B83D, load, header_b, protected_b, payload_b, flags, 1, 0, 0, build, pad)


def protected(*entries: tuple[int, bytes]) -> bytes:
    area = b"".join(struct.pack("<HH", kind, len(value)) + value for kind, value in entries)
    return struct.pack("<HH", 0x6908, len(area) + 4) + area


COUNTER = (0x50, struct.pack("<I", 7))


def test_what_was_signed_is_what_comes_out() -> None:
    data = sign_image(PAYLOAD, KEY, version="1.20.300", security_counter=7, vendor_id=VENDOR, class_id=CLASS)
    image = verify_image(data, TRUST)
    assert (image.payload, image.version, image.security_counter) == (PAYLOAD, "1.20.300", 7)
    assert (image.vendor_id, image.class_id) == (VENDOR, CLASS)
    assert image.payload_sha256 == hashlib.sha256(PAYLOAD).hexdigest()
    assert image.image_sha256 == hashlib.sha256(data).hexdigest()
    assert (image.signer, image.size_b) == (key_hash(KEY), len(data))


@pytest.mark.parametrize("header_b", [32, 36, 512, 4096])
def test_a_header_may_be_padded_for_microcontrollers(header_b: int) -> None:
    assert verify_image(sign_image(PAYLOAD, KEY, header_b=header_b), TRUST).payload == PAYLOAD


def test_padding_of_a_header_hides_nothing() -> None:
    padded = head(header_b=64).ljust(63, b"\0") + b"\1" + PAYLOAD + protected(COUNTER)
    assert "malformed" in refusal(signed_by_hand(padded))


def test_a_longer_header_is_refused() -> None:
    assert "malformed" in refusal(sign_image(PAYLOAD, KEY, header_b=4100))


@pytest.mark.parametrize("what", [{"load": 4}, {"flags": 0x10}, {"flags": 0x4}, {"build": 1}, {"pad": 1}])
def test_a_header_that_asks_for_more_is_refused(what: dict[str, int]) -> None:
    assert "cannot have" in refusal(signed_by_hand(head(**what) + PAYLOAD + protected(COUNTER)))


@pytest.mark.parametrize(
    "entries",
    [
        (),
        (COUNTER, COUNTER),
        ((0x74, bytes(16)), COUNTER),
        (COUNTER, (0x75, bytes(16))),
        (COUNTER, (0x75, bytes(16)), (0x74, bytes(16))),
        (COUNTER, (0x74, bytes(15))),
        ((0x50, bytes(8)),),
        (COUNTER, (0xA0, b"custom")),
        (COUNTER, (0x40, bytes(12))),
        ((0x0150, bytes(4)),),
    ],
    ids=[
        "none",
        "doubled",
        "reordered",
        "class alone",
        "ids reordered",
        "short id",
        "long counter",
        "unknown",
        "dependency",
        "padding byte",
    ],
)
def test_a_protected_area_of_another_shape_is_refused(entries: tuple[tuple[int, bytes], ...]) -> None:
    area = protected(*entries)
    refusal(signed_by_hand(head(protected_b=len(area)) + PAYLOAD + area))


def test_an_image_without_a_security_counter_is_refused() -> None:
    assert "protected area" in refusal(signed_by_hand(head(protected_b=0) + PAYLOAD))


@pytest.mark.parametrize(
    "kinds",
    [
        (0x10,),
        (0x10, 0x01),
        (0x10, 0x24),
        (0x01, 0x10, 0x24),
        (0x10, 0x24, 0x01),
        (0x10, 0x01, 0x24, 0x24),
        (0x10, 0x10, 0x01, 0x24),
        (0x10, 0x02, 0x24),
        (0x10, 0x25, 0x01, 0x24),
        (),
    ],
    ids=[
        "unsigned",
        "no signature",
        "no key hash",
        "reordered",
        "signature first",
        "two signatures",
        "two hashes",
        "whole key",
        "pure",
        "empty",
    ],
)
def test_a_trailing_area_of_another_shape_is_refused(kinds: tuple[int, ...]) -> None:
    assert "trailing area" in refusal(signed_by_hand(head() + PAYLOAD + protected(COUNTER), kinds))


def test_two_trailing_areas_are_refused() -> None:
    data = sign_image(PAYLOAD, KEY)
    assert "bytes were added" in refusal(data + data[-144:])


def test_an_area_that_claims_less_than_it_has_is_refused() -> None:
    data = bytearray(sign_image(PAYLOAD, KEY))
    data[-142:-140] = struct.pack("<H", 140)
    assert "bytes were added" in refusal(bytes(data))


@pytest.mark.parametrize("length", [0, 63, 65, 66, 65535])
def test_a_last_entry_that_claims_another_length_than_the_area_leaves_is_refused(length: int) -> None:
    """The signature covers neither these two bytes nor what they could hide."""
    data = bytearray(sign_image(PAYLOAD, KEY))
    data[-66:-64] = struct.pack("<H", length)
    assert "trailing area" in refusal(bytes(data))


def test_a_wrong_hash_is_called_damage() -> None:
    data = bytearray(sign_image(PAYLOAD, KEY))
    data[40] ^= 1
    assert "damaged" in refusal(bytes(data))


def test_a_key_that_nobody_trusts_is_named() -> None:
    other = a_key()
    assert key_hash(other)[:12] in refusal(sign_image(PAYLOAD, other))
    assert "not trusted here" in refusal(sign_image(PAYLOAD, KEY), Trust())


def test_a_signature_by_another_key_under_a_trusted_name_is_refused() -> None:
    data, foreign = bytearray(sign_image(PAYLOAD, KEY)), sign_image(PAYLOAD, a_key())
    data[-64:] = foreign[-64:]
    assert "signature" in refusal(bytes(data))


def test_a_key_for_profiles_signs_no_bundle() -> None:
    assert "profiles only" in refusal(sign_image(PAYLOAD, KEY), a_trust(KEY, role=Role.PROFILE))


def test_a_key_may_have_both_roles() -> None:
    both = Trust(a_trust(KEY, role=Role.PROFILE).keys + TRUST.keys)
    assert verify_image(sign_image(PAYLOAD, KEY), both).signer == key_hash(KEY)


def test_a_pinned_file_needs_no_key() -> None:
    data = sign_image(PAYLOAD, a_key())
    assert verify_image(data, a_trust(pinned=(hashlib.sha256(data).hexdigest(),))).signer == PINNED


def test_a_pin_is_for_the_whole_file_not_for_the_payload() -> None:
    """Else anyone could give a shipped payload a higher security counter, and shut out what comes after it."""
    assert "not trusted" in refusal(sign_image(PAYLOAD, a_key()), a_trust(pinned=(hashlib.sha256(PAYLOAD).hexdigest(),)))


@pytest.mark.parametrize("what", ["key", "payload", "file", "image"])
@pytest.mark.parametrize("by_pin", [False, True])
def test_revoked_outweighs_everything(what: str, by_pin: bool) -> None:
    data = sign_image(PAYLOAD, KEY)
    file = hashlib.sha256(data).hexdigest()
    whole = verify_image(data, TRUST)
    digest = {"key": key_hash(KEY), "payload": whole.payload_sha256, "file": file, "image": whole.mcuboot_sha256}[what]
    trust = a_trust(KEY, revoked=(digest,), pinned=(file,) if by_pin else ())
    assert f"its {what}" in refusal(data, trust)


def test_other_revocations_touch_nothing() -> None:
    assert verify_image(sign_image(PAYLOAD, KEY), a_trust(KEY, revoked=("0" * 64, key_hash(a_key())))).payload == PAYLOAD


def test_the_largest_bundle_is_taken_and_one_byte_more_is_not() -> None:
    around_b = len(sign_image(b"", KEY))
    largest = sign_image(bytes(MAX_BUNDLE_B - around_b), KEY)
    assert verify_image(largest, TRUST).size_b == MAX_BUNDLE_B
    assert "larger" in refusal(sign_image(bytes(MAX_BUNDLE_B - around_b + 1), KEY))


@pytest.mark.parametrize("data", [b"", b"\x3d", b"PK\x03\x04", b"\x08\x08onnx", b"\xff\xd8\xff\xe0 jpeg", bytes(64)])
def test_what_is_no_bundle_is_called_so(data: bytes) -> None:
    assert "bundle" in refusal(data) or "cut off" in refusal(data)


def test_a_size_beyond_the_file_is_a_cut() -> None:
    assert "cut off" in refusal(signed_by_hand(head(payload_b=2**32 - 1) + PAYLOAD + protected(COUNTER)))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_unnamed(data: bytes) -> None:
    refusal(data)
    refusal(head() + data)
    refusal(head(payload_b=4, protected_b=len(data) // 2) + data)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 2**32 - 1), st.integers(32, 4096))
def test_sign_then_verify_is_identity(payload: bytes, counter: int, header_b: int) -> None:
    image = verify_image(sign_image(payload, KEY, security_counter=counter, header_b=header_b), TRUST)
    assert (image.payload, image.security_counter) == (payload, counter)
