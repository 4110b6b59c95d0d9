import base64
import contextlib

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.wire.cbor import CborRefused, decode, encode
from firmware_bridge.wire.console import LINE_CAP_B, MESSAGE_CAP_B, Deframer, frame
from firmware_bridge.wire.smp import Header, pack, unpack

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.binary(max_size=2000), st.integers(1, 200))
def test_a_framed_message_comes_out_whatever_the_pieces(message: bytes, piece_b: int) -> None:
    deframer, wire = Deframer(), b"boot log\r\n\x00" + frame(message)
    assert [m for i in range(0, len(wire), piece_b) for m in deframer.feed(wire[i : i + piece_b])] == [message]


def test_the_largest_message_passes_in_short_lines_and_in_one() -> None:
    message = bytes(MESSAGE_CAP_B)
    assert Deframer().feed(frame(message)) == [message]
    text = base64.b64encode(base64.b64decode(b"".join(line[2:] for line in frame(message).split(b"\n"))))
    assert Deframer().feed(b"\x06\x09" + text + b"\n") == [message]


@given(st.lists(st.binary(max_size=300) | st.sampled_from([b"\n", b"\x06\x09", b"\x04\x14", b"AAAA"]), max_size=20))
def test_noise_never_crashes_the_framing_and_the_next_message_passes(noise: list[bytes]) -> None:
    deframer = Deframer()
    for part in noise:
        deframer.feed(part)
    assert deframer.feed(b"\n" + frame(b"after"))[-1] == b"after"


def test_a_line_without_end_is_not_kept() -> None:
    deframer = Deframer()
    for _ in range(50):
        deframer.feed(bytes(10_000))
        assert len(deframer._line) <= LINE_CAP_B
    assert deframer.feed(b"\n" + frame(b"x")) == [b"x"]


@given(st.data())
def test_a_flipped_byte_never_gives_another_message(data: st.DataObject) -> None:
    wire = bytearray(frame(b"0123456789" * 12))
    wire[data.draw(st.integers(0, len(wire) - 1))] ^= data.draw(st.integers(1, 255))
    assert Deframer().feed(bytes(wire)) in ([], [b"0123456789" * 12])


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_cbor_agrees_with_cbor2_both_ways(value: dict[str, object]) -> None:
    assert cbor2.loads(encode(value)) == value
    assert decode(cbor2.dumps(value)) == value


@given(st.binary(max_size=200))
def test_cbor_of_any_bytes_is_a_map_or_refused(data: bytes) -> None:
    for start in (b"", b"\xbf", b"\xa1\x61d"):
        with contextlib.suppress(CborRefused):
            assert isinstance(decode(start + data), dict)


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"\xa1\x61d" + b"\x81" * 5000,
        b"\xa1\x61d\xc0\x60",
        b"\xa2\x61d\x01\x61d\x02",
        b"\xa1\x61d\x9b" + b"\xff" * 8,
        b"\xa0\x00",
        b"\xa1\x01\x01",
    ],
)
def test_what_the_decoder_must_refuse(wire: bytes) -> None:
    with pytest.raises(CborRefused):
        decode(wire)


def test_indefinite_maps_are_read() -> None:
    assert decode(b"\xbf\x61d\x7f\x61a\x61b\xff\xff") == {"d": "ab"}


@given(st.sampled_from([0, 1, 2, 3]), st.sampled_from([0, 1]), st.integers(0, 65535), st.integers(0, 255), st.integers(0, 255), st.binary())
def test_headers_round_trip(op: int, version: int, group: int, sequence: int, command: int, payload: bytes) -> None:
    header = Header(op, version, group, sequence, command)
    assert unpack(pack(header, payload)) == (header, payload)


@given(st.binary(max_size=20))
def test_any_header_bytes_are_read_or_none(data: bytes) -> None:
    unpack(data)
