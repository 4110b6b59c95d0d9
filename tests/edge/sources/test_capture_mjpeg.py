"""The multipart decoder: chunk borders change nothing, nonsense is survived, memory is bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.sources.mjpeg import MAX_HEAD_B, MAX_PART_B, MultipartDecoder, NotMultipart, Part, boundary_of, is_whole_jpeg

JPEG = b"\xff\xd8" + b"picture" * 20 + b"\xff\xd9"


def a_stream(bodies: list[bytes], *, with_length: bool = True, dashes: bytes = b"--", newline: bytes = b"\r\n") -> bytes:
    parts = []
    for body in bodies:
        length = b"Content-Length: " + str(len(body)).encode() + newline if with_length else b""
        parts.append(dashes + b"frame" + newline + b"Content-Type: image/jpeg" + newline + length + newline + body + newline)
    return b"".join(parts) + dashes + b"frame" + newline


@given(
    st.lists(st.binary(min_size=1, max_size=80).map(lambda body: b"\xff\xd8" + body + b"\xff\xd9"), min_size=1, max_size=5),
    st.booleans(), st.sampled_from([b"--", b"", b"----"]), st.sampled_from([b"\r\n", b"\n"]), st.lists(st.integers(1, 40), max_size=60),
)  # fmt: skip
def test_every_body_comes_out_as_it_went_in_wherever_the_chunks_break(
    bodies: list[bytes], with_length: bool, dashes: bytes, newline: bytes, cuts: list[int]
) -> None:
    if not with_length and (not dashes or any(b"--frame" in body for body in bodies)):
        return  # without a length and without dashes nothing could tell
    stream = a_stream(bodies, with_length=with_length, dashes=dashes, newline=newline)
    whole = MultipartDecoder(b"frame").feed(stream, 0)
    decoder, at = MultipartDecoder(b"frame"), 0
    pieces: list[Part] = []
    ends: list[int] = []  # the n-th chunk arrives at n ns and ends before this byte
    for cut in [*cuts, len(stream)]:
        at = min(at + cut, len(stream))
        pieces += decoder.feed(stream[ends[-1] if ends else 0 : at], len(ends))
        ends.append(at)
    assert [part.body for part in whole] == [part.body for part in pieces] == bodies
    stamps = [part.arrived_ns for part in pieces]
    assert stamps == sorted(stamps)
    first_bytes, at = [], 0
    for body in bodies:
        at = stream.index(newline * 2 + body, at) + 2 * len(newline)
        first_bytes.append(at)
        at += len(body)
    assert stamps == [next(n for n, end in enumerate(ends) if end > first) for first in first_bytes]


@pytest.mark.parametrize("with_length", [True, False])
@pytest.mark.parametrize("head_b", [0, 35])
def test_a_picture_is_as_old_as_its_first_byte_whenever_the_camera_says_where_it_ends(with_length: bool, head_b: int) -> None:
    """Ten pictures a second, each sent at once; with head_b > 0 the next one's boundary follows each picture without delay."""
    stream = a_stream([JPEG] * 5, with_length=with_length)
    size_b = len(a_stream([JPEG], with_length=with_length)) - len(b"--frame\r\n")
    decoder, parts = MultipartDecoder(b"frame"), []
    for n in range(6):
        chunk = stream[n * size_b + head_b * (n > 0) : (n + 1) * size_b + head_b]
        parts += decoder.feed(chunk, n * 100_000_000)
    assert parts == [Part(JPEG, n * 100_000_000) for n in range(5)]


@given(st.lists(st.binary(max_size=200), max_size=10))
def test_no_bytes_raise_anything_unnamed(chunks: list[bytes]) -> None:
    decoder = MultipartDecoder(b"x")
    for chunk in chunks:
        try:
            decoder.feed(chunk, 0)
        except NotMultipart:
            return


def test_after_a_length_that_lies_the_next_picture_is_found_again() -> None:
    lying = b"--frame\r\nContent-Length: 9\r\n\r\n" + JPEG + b"\r\n"
    bodies = [part.body for part in MultipartDecoder(b"frame").feed(lying + a_stream([JPEG, JPEG]), 0)]
    assert bodies[-2:] == [JPEG, JPEG]
    assert not is_whole_jpeg(bodies[0])


def test_memory_is_bounded_whatever_comes() -> None:
    decoder = MultipartDecoder(b"frame")
    for _ in range(200):
        decoder.feed(b"noise" * 1000, 0)
    assert len(decoder._rest) <= 2 * MAX_HEAD_B
    with pytest.raises(NotMultipart):
        MultipartDecoder(b"frame").feed(b"--frame\r\n" + b"X-A: b\r\n" * MAX_HEAD_B, 0)
    with pytest.raises(NotMultipart):
        MultipartDecoder(b"frame").feed(b"--frame\r\nContent-Length: 999999999\r\n\r\n", 0)
    endless = MultipartDecoder(b"frame")
    endless.feed(b"--frame\r\n\r\n", 0)
    for _ in range(29):
        endless.feed(bytes(MAX_PART_B // 30), 0)
    with pytest.raises(NotMultipart):
        endless.feed(bytes(MAX_PART_B // 10), 0)


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ("multipart/x-mixed-replace; boundary=frame", b"frame"),
        ('multipart/x-mixed-replace;boundary="--my b"', b"my b"),
        ("Multipart/X-Mixed-Replace; charset=x; BOUNDARY=--a;", b"a"),
        ("multipart/x-mixed-replace", None),
        ("image/jpeg; boundary=x", None),
        ("", None),
    ],
)
def test_the_boundary_is_found_in_any_spelling(header: str, boundary: bytes | None) -> None:
    assert boundary_of(header) == boundary


@pytest.mark.parametrize(("data", "whole"), [(JPEG, True), (JPEG + b"\r\n\0", True), (JPEG[:-1], False), (JPEG[1:], False), (b"", False)])
def test_a_picture_cut_in_two_is_not_whole(data: bytes, whole: bool) -> None:
    assert is_whole_jpeg(data) is whole
