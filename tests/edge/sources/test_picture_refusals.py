"""What is no whole picture is refused by name, in one line, and never crashes the reader."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edge.errors import InputRefused
from edge.sources.picture import read_picture

NOISE = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")


def encoded(kind: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(NOISE).save(out, kind)
    return out.getvalue()


WHOLE = {kind: encoded(kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.995])
def test_a_cut_off_file_is_refused_never_filled_with_grey(kind: str, share: float) -> None:
    data = WHOLE[kind]
    with pytest.raises(InputRefused):
        read_picture(data[: max(1, int(len(data) * share))])


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_file_is_read(kind: str) -> None:
    assert read_picture(WHOLE[kind]).shape == (40, 60, 3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"image,label\nx.png,benign\n", "text"),
        ("größe;länge\r\n".encode("cp1252"), "text"),
        (b"\x00" * 300, "no kind"),
        (b"\x00" * 128 + b"DICM" + b"\x00" * 20, "dicom:"),
        (b"\x00\x00\x00\x18ftypisom" + b"\x00" * 20, "MP4"),
        (b"\x00\x00\x00\x18ftypheic" + b"\x00" * 20, "HEIC"),
        (b"RIFF\x10\x00\x00\x00AVI " + b"\x00" * 20, "RIFF"),
        (b"\x1a\x45\xdf\xa3" + b"\x00" * 20, "Matroska"),
        (b"%PDF-1.7" + b"\x00" * 20, "PDF"),
        (b"PK\x03\x04" + b"\x00" * 20, "zip"),
    ],
)
def test_a_foreign_file_named_as_a_picture_is_refused_by_name(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(content)
    with pytest.raises(InputRefused) as refused:
        read_picture(path)
    assert "x.png" in refused.value.line()
    assert reason in refused.value.line()
    assert "\n" not in refused.value.line()


def test_absent_files_and_folders_are_refused_by_name(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "no.png", "no such file"), (tmp_path, "folder")):
        with pytest.raises(InputRefused, match=reason):
            read_picture(path)


def a_png_header(wide: int, high: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    body = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", body) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("wide", "high"), [(20_000, 20_000), (1, 200_000_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_by_its_header(wide: int, high: int) -> None:
    with pytest.raises(InputRefused, match="megapixels"):
        read_picture(a_png_header(wide, high))


def test_a_picture_without_size_is_refused() -> None:
    with pytest.raises(InputRefused, match="no size"):
        read_picture(a_png_header(0, 10))


def test_floating_point_tiffs_are_refused_since_they_declare_no_white() -> None:
    out = io.BytesIO()
    Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(out, "TIFF")
    with pytest.raises(InputRefused, match="floating-point"):
        read_picture(out.getvalue())


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(KINDS), at=st.integers(0, 10**6), value=st.integers(0, 255), cut=st.integers(0, 10**6))
def test_no_damage_raises_anything_unnamed(kind: str, at: int, value: int, cut: int) -> None:
    data = bytearray(WHOLE[kind])
    data[at % min(len(data), 400)] = value
    if cut % 3 == 0:
        del data[cut % len(data) :]
    try:
        pixels = read_picture(bytes(data))
    except InputRefused:
        return
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"MM\0*", b"II+\0", b"BM", b"RIFF"]),
    st.binary(max_size=200),
)
def test_no_bytes_raise_anything_unnamed(magic: bytes, rest: bytes) -> None:
    with pytest.raises(InputRefused):
        read_picture(magic + rest)
