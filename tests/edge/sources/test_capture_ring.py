"""The ring: what is read is what was written, or nothing."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputRefused
from edge.frame import U8
from edge.sources.ring import RingReader, RingWriter


def a_ring(slot_b: int = 3000, slots: int = 3) -> tuple[RingWriter, RingReader]:
    writer = RingWriter(slot_b, slots)
    return writer, RingReader(os.dup(writer.fd), slots, slot_b)


def a_picture(level: int, height: int = 10, width: int = 20) -> U8:
    return (np.arange(height * width * 3) % 251 + level).astype(np.uint8).reshape(height, width, 3)


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=12))
def test_the_last_pictures_are_read_as_written_and_older_ones_not_at_all(sizes: list[tuple[int, int]]) -> None:
    writer, reader = a_ring()
    for n, (height, width) in enumerate(sizes):
        assert writer.write(a_picture(n, height, width)) == n + 1
    for n, (height, width) in enumerate(sizes):
        pixels = reader.read(n + 1, height, width)
        if n < len(sizes) - 3:
            assert pixels is None
        else:
            np.testing.assert_array_equal(pixels, a_picture(n, height, width))
    reader.close()
    writer.close()


def test_a_copy_outlives_the_ring() -> None:
    writer, reader = a_ring()
    writer.write(a_picture(1))
    pixels = reader.read(1, 10, 20)
    writer.write(a_picture(2))
    reader.close()
    writer.close()
    np.testing.assert_array_equal(pixels, a_picture(1))


def test_a_picture_being_written_is_not_read() -> None:
    writer, reader = a_ring()
    writer.write(a_picture(1))
    writer._memory[0:8] = bytes(8)  # what the writer does first, before it touches the pixels of slot 0 …
    assert reader.read(3, 10, 20) is None
    reader.close()
    writer.close()


def test_memory_that_could_shrink_or_is_of_another_size_is_refused() -> None:
    fd = os.memfd_create("unsealed")
    os.ftruncate(fd, 3 * 4096)
    with pytest.raises(ValueError, match="shrink"):
        RingReader(fd, 3, 3000)
    writer = RingWriter(3000)
    with pytest.raises(ValueError, match="size"):
        RingReader(os.dup(writer.fd), 3, 30_000)
    with pytest.raises(OSError, match="not permitted"):
        os.ftruncate(writer.fd, 10)
    writer.close()


@pytest.mark.parametrize(("seq", "height", "width"), [(0, 1, 1), (-1, 1, 1), (1, 0, 1), (1, 1, -5), (1, 1000, 1000), (1, 10**9, 10**9)])
def test_a_forged_announcement_is_refused(seq: int, height: int, width: int) -> None:
    writer, reader = a_ring()
    with pytest.raises(ValueError, match="fit"):
        reader.read(seq, height, width)
    reader.close()
    writer.close()


def test_a_picture_larger_than_any_source_is_refused_before_memory_is_asked_for() -> None:
    with pytest.raises(InputRefused):
        RingWriter(10**12)
