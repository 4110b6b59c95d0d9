"""The outer structure of clips: any bytes are looked at without harm, and a cut is seen at any place."""

import io
import struct

from hypothesis import given
from hypothesis import strategies as st

from edge.sources.container import examine


def a_box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), name) + body


MP4 = a_box(b"ftyp", b"isom\0\0\0\0") + a_box(b"moov", b"m" * 40) + a_box(b"mdat", b"d" * 100)
MKV = b"\x1aE\xdf\xa3\x84head" + b"\x18S\x80g\xc0\x64"[:4] + b"\x40\x64" + b"s" * 100
AVI = b"RIFF" + struct.pack("<I", 104) + b"AVI " + b"a" * 100


@given(st.integers(16, len(MP4) - 1))
def test_an_mp4_cut_anywhere_is_cut_and_a_whole_one_is_not(length: int) -> None:
    assert not examine(io.BytesIO(MP4)).is_cut
    cut = examine(io.BytesIO(MP4[:length]))
    assert cut.is_cut or not cut.has_index


@given(st.integers(20, len(MKV) - 1))
def test_a_matroska_file_cut_anywhere_is_cut_unless_it_never_said_its_length(length: int) -> None:
    assert not examine(io.BytesIO(MKV)).is_cut
    assert examine(io.BytesIO(MKV[:length])).is_cut
    piped = b"\x1aE\xdf\xa3\x84head" + b"\x18S\x80g" + b"\x01" + b"\xff" * 7 + b"s" * 100
    assert examine(io.BytesIO(piped)).expected_b is None


def test_an_avi_that_was_never_finished_does_not_count_as_cut() -> None:
    assert not examine(io.BytesIO(AVI)).is_cut
    assert examine(io.BytesIO(AVI[:-1])).is_cut
    assert examine(io.BytesIO(AVI[:4] + b"\0\0\0\0" + AVI[8:])).expected_b is None


def test_bytes_after_the_last_box_are_no_cut() -> None:
    assert not examine(io.BytesIO(MP4 + b"\0" * 9)).is_cut


@given(st.binary(max_size=300), st.sampled_from([b"", b"\0\0\0\x18ftyp", b"\x1aE\xdf\xa3", b"RIFF\x10\0\0\0AVI "]))
def test_any_bytes_are_examined_without_an_error(data: bytes, head: bytes) -> None:
    found = examine(io.BytesIO(head + data))
    assert found.size_b == len(head) + len(data)
