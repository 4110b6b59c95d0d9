"""A change of trust counts when a trusted key of the right role signed it for this device as it is now; each refusal says why."""

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from edge.bundle.signing import read_signing_key, sign_text
from edge.bundle.trust import Role, Trust
from edge.bundle.trust_signed import (
    CHANGE,
    MAX_CHANGE_B,
    AddKey,
    RemoveKey,
    Revoke,
    TrustChange,
    encode,
    judge,
    parse_change,
    read_change,
)
from edge.errors import InputRefused, NotTrusted, SonodermError
from edge.profile.read import PROFILE
from tests.builders import a_key, a_trust, key_hash

OWNER, SECOND, STRANGER, SITE, THIEF = (a_key() for _ in range(5))
TRUST = replace(
    a_trust(OWNER, SECOND, THIEF, revoked=(key_hash(THIEF),)),
    keys=a_trust(OWNER, SECOND, THIEF).keys + a_trust(SITE, role=Role.PROFILE).keys,
)
DEVICE, NONCE = "bench-1", "0123456789abcdef" * 2


def adding(key: Ed25519PrivateKey = STRANGER, **changes: object) -> AddKey:
    made = AddKey(device=DEVICE, nonce=NONCE, key=key.public_key().public_bytes_raw().hex(), name="clinic", role=Role.BUNDLE)
    return msgspec.structs.replace(made, **changes)


def removing(key: Ed25519PrivateKey, **changes: object) -> RemoveKey:
    made = RemoveKey(device=DEVICE, nonce=NONCE, hash=key_hash(key), role=Role.BUNDLE, even_the_last=False)
    return msgspec.structs.replace(made, **changes)


def revoking(digest: str, **changes: object) -> Revoke:
    return msgspec.structs.replace(Revoke(device=DEVICE, nonce=NONCE, digest=digest, remark="", even_the_last=False), **changes)


@pytest.fixture(scope="module")
def sign(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes, Ed25519PrivateKey], bytes]:
    return lambda body, key: _signed(body, key, tmp_path_factory.mktemp("key"))


def _signed(body: bytes, key: Ed25519PrivateKey, folder: Path, kind: object = CHANGE) -> bytes:
    (folder / "k.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return sign_text(body, read_signing_key(folder / "k.pem"), kind)  # type: ignore[arg-type]


def given_to(data: bytes, trust: Trust = TRUST, device: str = DEVICE, nonce: str = NONCE) -> bool:
    return judge(read_change(data, trust).change, trust, device=device, nonce=nonce)


BODY = encode(adding())
Sign = Callable[[bytes, Ed25519PrivateKey], bytes]


@pytest.mark.parametrize(
    ("offered", "error", "why"),
    [
        (lambda sign: BODY, NotTrusted, "is not signed"),
        (lambda sign: b"", NotTrusted, "is not signed"),
        (lambda sign: sign(BODY, STRANGER), NotTrusted, "is not trusted here"),
        (lambda sign: sign(BODY, THIEF), NotTrusted, "which is revoked"),
        (lambda sign: sign(BODY, SITE), NotTrusted, "may sign a profile, not a change of trust"),
        (lambda sign: sign(BODY, OWNER)[:-30], NotTrusted, "signature line is damaged"),
        (lambda sign: sign(BODY, OWNER)[:100], NotTrusted, "is not signed, or cut off"),
        (lambda sign: sign(BODY, OWNER)[20:], NotTrusted, "signature does not hold"),
        (lambda sign: sign(BODY, OWNER).replace(b'"clinic"', b'"klinic"'), NotTrusted, "signature does not hold"),
        (lambda sign: sign(encode(adding(device="bench-2")), OWNER), NotTrusted, "is for device bench-2, this is bench-1"),
        (lambda sign: sign(encode(adding(nonce="f" * 32)), OWNER), NotTrusted, "an earlier state of this device, or was played before"),
        (lambda sign: sign(encode(adding(THIEF)), OWNER), NotTrusted, "is revoked here, and stays so"),
        (lambda sign: sign(b"{}\n", OWNER), InputRefused, "cannot be read"),
        (lambda sign: sign(b"\xff\xfe\n", OWNER), InputRefused, "cannot be read"),
        (lambda sign: sign(b"[" * 2000 + b"\n", OWNER), InputRefused, "cannot be read"),
        (lambda sign: sign(BODY.replace(b"{", b"{ "), OWNER), InputRefused, "not in its one form"),
        (lambda sign: sign(BODY.replace(b'"role"', b'"name":"x","role"'), OWNER), InputRefused, "not in its one form"),
        (lambda sign: sign(BODY.replace(b'"add"', b'"grant"'), OWNER), InputRefused, "cannot be read"),
        (lambda sign: sign(BODY.replace(b"clinic", b"../../x"), OWNER), InputRefused, "cannot be read"),
        (lambda sign: sign(encode(revoking("a" * 64, remark="two\nlines")), OWNER), InputRefused, "cannot be read"),
        (lambda sign: sign(BODY + b" " * MAX_CHANGE_B, OWNER), InputRefused, "are read"),
    ],
)
def test_what_no_trusted_key_signed_for_this_device_as_it_is_now_is_refused_with_its_reason(
    offered: Callable[[Sign], bytes], error: type[SonodermError], why: str, sign: Sign
) -> None:
    with pytest.raises(error, match=why) as refused:
        given_to(offered(sign))
    assert "its trust is as it was, the running model is untouched" in refused.value.line()


def test_what_is_signed_as_a_profile_is_no_change_of_trust(tmp_path: Path) -> None:
    with pytest.raises(NotTrusted, match="signature does not hold"):
        given_to(_signed(BODY, OWNER, tmp_path, PROFILE))


@pytest.mark.parametrize("change", [adding(), adding(SITE), removing(SECOND), revoking(key_hash(SECOND)), revoking("a" * 64)])
def test_what_a_trusted_key_signed_for_this_device_as_it_is_now_is_done(change: TrustChange, sign: Sign) -> None:
    data = sign(encode(change), OWNER)
    assert read_change(data, TRUST).signer == key_hash(OWNER)
    assert given_to(data)


@pytest.mark.parametrize("change", [adding(OWNER), removing(STRANGER), revoking(key_hash(THIEF))])
def test_what_is_so_already_is_no_change_also_when_it_was_played_before(change: TrustChange, sign: Sign) -> None:
    assert not given_to(sign(encode(change), OWNER), nonce="f" * 32)


def test_the_last_key_that_can_sign_the_next_change_goes_only_when_it_is_asked_for(sign: Sign) -> None:
    trust = replace(TRUST, revoked=TRUST.revoked | {key_hash(SECOND)})
    for change in (removing(OWNER), revoking(key_hash(OWNER))):
        with pytest.raises(NotTrusted, match="no key would be left that can sign the next change"):
            given_to(sign(encode(change), OWNER), trust)
        assert given_to(sign(encode(msgspec.structs.replace(change, even_the_last=True)), OWNER), trust)
        assert given_to(sign(encode(change), OWNER)), "SECOND is left"
    assert given_to(sign(encode(removing(SITE, role=Role.PROFILE)), OWNER), trust), "a profile key signs no change"


DEVICES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=100)
CHANGES = st.one_of(
    st.builds(
        lambda raw, name, role, device: msgspec.structs.replace(adding(), key=raw.hex(), name=name, role=role, device=device),
        st.binary(min_size=32, max_size=32),
        st.from_regex(r"\A[A-Za-z0-9_-]{1,60}\Z"),
        st.sampled_from(Role),
        DEVICES,
    ),
    st.builds(lambda last, role: removing(SECOND, even_the_last=last, role=role), st.booleans(), st.sampled_from(Role)),
    st.builds(lambda digest, remark: revoking(digest.hex(), remark=remark), st.binary(min_size=32, max_size=32), DEVICES),
)


@given(CHANGES)
def test_a_change_has_one_form_and_is_read_back_as_it_was(change: TrustChange) -> None:
    assert parse_change(encode(change)) == change


@given(st.one_of(st.binary(max_size=600), st.text(max_size=300).map(str.encode)))
def test_no_bytes_are_believed_or_crash(data: bytes) -> None:
    with pytest.raises((NotTrusted, InputRefused)):
        read_change(data, TRUST)
    with pytest.raises(InputRefused):
        parse_change(data)


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_one_flipped_bit_is_never_believed_as_something_else(at: int, bit: int, sign: Sign) -> None:
    whole = sign(BODY, OWNER)
    data = bytearray(whole)
    data[at % len(data)] ^= 1 << bit
    try:
        read = read_change(bytes(data), TRUST)
    except (NotTrusted, InputRefused):
        return
    assert read.change == adding()
    assert bytes(data).rstrip() == whole.rstrip() or base64.b64decode(bytes(data).split()[-1]) == base64.b64decode(whole.split()[-1])
