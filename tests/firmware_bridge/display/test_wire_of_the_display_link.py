import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.display.wire import PAYLOAD_CAP_B, WIRE_CAP_B, Cutter, seal, stuff, unseal, unstuff

oracle = pytest.importorskip("cobs.cobs")
PAYLOADS = st.binary(min_size=1, max_size=PAYLOAD_CAP_B)


@given(st.binary(max_size=253))
def test_stuffing_agrees_with_the_cobs_library_both_ways(data: bytes) -> None:
    assert stuff(data) == oracle.encode(data)
    assert unstuff(oracle.encode(data)) == data


@given(st.binary(min_size=1, max_size=40))
def test_what_the_library_refuses_is_refused(data: bytes) -> None:
    try:
        expected = oracle.decode(data)
    except oracle.DecodeError:
        expected = None
    assert unstuff(data) == expected


@given(PAYLOADS)
def test_a_payload_comes_back_and_never_takes_more_than_24_bytes(payload: bytes) -> None:
    sealed = seal(payload)
    assert len(sealed) <= WIRE_CAP_B == 24
    assert sealed.count(0) == 1
    assert sealed.endswith(b"\0")
    assert unseal(sealed[:-1]) == payload


@given(st.lists(PAYLOADS, max_size=6), st.integers(1, 30), st.binary(max_size=60))
def test_chunk_borders_and_noise_before_change_nothing(payloads: list[bytes], piece_b: int, noise: bytes) -> None:
    wire = noise + b"\0" + b"".join(map(seal, payloads))
    cutter, whole = Cutter(), Cutter()
    pieces = [out for i in range(0, len(wire), piece_b) for out in cutter.feed(wire[i : i + piece_b])]
    assert pieces == whole.feed(wire)
    assert cutter.damaged == whole.damaged
    assert pieces[-len(payloads) :] == payloads or not payloads


@given(PAYLOADS, st.data())
def test_a_damaged_frame_never_becomes_another_payload(payload: bytes, data: st.DataObject) -> None:
    wire = bytearray(seal(payload))
    for at in data.draw(st.lists(st.integers(0, len(wire) - 1), min_size=1, max_size=3, unique=True)):
        wire[at] ^= data.draw(st.integers(1, 255))
    assert all(out == payload for out in Cutter().feed(bytes(wire) + b"\0"))


def test_a_stream_without_zeros_is_not_kept() -> None:
    cutter = Cutter()
    for _ in range(100):
        assert cutter.feed(b"\x07" * 999) == []
        assert len(cutter._rest) < WIRE_CAP_B
    assert cutter.feed(b"\0" + seal(b"after")) == [b"after"]
    assert cutter.damaged == 1


@pytest.mark.parametrize("payload", [b"", bytes(PAYLOAD_CAP_B + 1)])
def test_a_payload_that_does_not_fit_is_our_mistake(payload: bytes) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        seal(payload)
