"""A JPEG whose coded data are damaged between whole markers is no picture, and its decoder says nothing of its own."""

import os
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from edge.errors import InputRefused
from edge.sources.jpeg_damage import decode_jpeg, is_damage
from edge.sources.picture import load_picture
from edge.sources.stream import _decode


def a_jpeg(restart_every: int = 0) -> bytes:
    noise = np.random.default_rng(5).integers(0, 256, (240, 320, 3), np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    done, coded = cv2.imencode(".jpg", soft, [cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_RST_INTERVAL, restart_every])
    assert done
    return coded.tobytes()


def cut_short(data: bytes) -> bytes:
    return data[: len(data) // 2] + b"\xff\xd9"


def zeroed(data: bytes) -> bytes:
    at = len(data) // 2
    return data[:at] + bytes(512) + data[at + 512 :]


def with_hole(data: bytes) -> bytes:
    at = len(data) // 2
    return data[:at] + data[at + 512 :]


@pytest.mark.parametrize("restart_every", [0, 4])
@pytest.mark.parametrize("harm", [cut_short, zeroed, with_hole])
def test_damage_inside_is_refused_in_one_line_and_in_silence(
    harm: Callable[[bytes], bytes], restart_every: int, capfd: pytest.CaptureFixture[str]
) -> None:
    data = a_jpeg(restart_every)
    assert load_picture(data).kind == "JPEG"
    assert _decode(data) is not None
    bad = harm(data)
    with pytest.raises(InputRefused, match=r"damaged|cannot be decoded|cut off"):
        load_picture(bad)
    assert _decode(bad) is None
    assert capfd.readouterr().err == ""


def test_a_good_picture_is_what_opencv_makes_of_it_and_no_descriptor_is_left() -> None:
    data = a_jpeg()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        picture, damaged = decode_jpeg(data, cv2.IMREAD_COLOR)
    assert picture is not None
    assert not damaged
    plain = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert plain is not None
    assert np.array_equal(picture, plain)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("heard", "damaged"),
    [
        (b"", False),
        (b"Corrupt JPEG data: 2 extraneous bytes before marker 0xd9\n", False),
        (b"Corrupt JPEG data: 900 extraneous bytes before marker 0xd9\n", True),
        (b"Corrupt JPEG data: premature end of data segment\n", True),
        (b"Corrupt JPEG data: bad Huffman code\n", True),
        (b"Premature end of JPEG file\n", True),
        (b"a line of another thread\n", False),
    ],
)
def test_padding_is_no_damage(heard: bytes, damaged: bool) -> None:
    assert is_damage(heard) is damaged
