"""A picture is read upright, in its own colours, by what is in it; Pillow is the oracle."""

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edge.sources.picture import load_picture, read_picture

CORNER = np.zeros((60, 100, 3), np.uint8)
CORNER[:30, :50] = 255


def encoded(image: Image.Image, kind: str, orientation: int | None = None, **options: object) -> bytes:
    out = io.BytesIO()
    if orientation is not None:
        exif = Image.Exif()
        exif[274] = orientation
        options["exif"] = exif
    image.save(out, kind, **options)
    return out.getvalue()


def quadrants(pixels: NDArray[np.uint8]) -> str:
    """Which quadrant is bright: tl, tr, bl, br."""
    high, wide = pixels.shape[0] // 2, pixels.shape[1] // 2
    means = [pixels[:high, :wide].mean(), pixels[:high, wide:].mean(), pixels[high:, :wide].mean(), pixels[high:, wide:].mean()]
    return ("tl", "tr", "bl", "br")[int(np.argmax(means))]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_lying_photo_is_upright_in_every_format(kind: str) -> None:
    """Cases O08: the stored top-left quarter is the top-right one for orientation 6."""
    pixels = read_picture(encoded(Image.fromarray(CORNER), kind, 6))
    assert pixels.shape == (100, 60, 3)
    assert quadrants(pixels) == "tr"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_once_as_pillow_turns_it(kind: str, orientation: int) -> None:
    rng = np.random.default_rng(orientation)
    image = Image.fromarray(cv2.resize(rng.integers(0, 255, (5, 7, 3), np.uint8), (70, 50), interpolation=cv2.INTER_LINEAR))
    data = encoded(image, kind, orientation, **({"lossless": True} if kind == "WEBP" else {}))
    with Image.open(io.BytesIO(data)) as opened:
        from PIL import ImageOps

        expected = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    got = read_picture(data)
    assert got.shape == expected.shape
    assert got.flags.c_contiguous
    assert np.abs(got.astype(int) - expected).max() <= (4 if kind == "JPEG" else 0)


def test_an_exif_block_with_its_own_header_in_a_webp_is_understood() -> None:
    """Some writers keep "Exif\\0\\0" in front of the block."""
    exif = Image.Exif()
    exif[274] = 6
    data = encoded(Image.fromarray(CORNER), "WEBP", exif=b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0"))
    assert quadrants(read_picture(data)) == "tr"


def test_a_damaged_exif_block_is_no_reason_to_refuse_a_picture() -> None:
    data = encoded(Image.fromarray(CORNER), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    assert quadrants(read_picture(data)) == "tl"


def test_sixteen_bit_grey_is_scaled_by_its_full_range() -> None:
    """Cases O09: 3000 and 30000 of 65535 are 12 and 117, not 255 and 255."""
    stored = np.full((64, 64), 3000, np.uint16)
    stored[:32, :32] = 30000
    picture = load_picture(cv2.imencode(".png", stored)[1].tobytes())
    assert picture.pixels[0, 0].tolist() == [117] * 3
    assert picture.pixels[-1, -1].tolist() == [12] * 3
    assert quadrants(picture.pixels) == "tl"
    assert "full range" in picture.notes[0]


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bit_colour_keeps_its_channels(suffix: str) -> None:
    stored = np.zeros((8, 8, 3), np.uint16)
    stored[...] = (20 * 257, 40 * 257, 220 * 257)  # B, G, R
    assert read_picture(cv2.imencode(suffix, stored)[1].tobytes())[3, 3].tolist() == [220, 40, 20]


def test_a_white_is_zero_tiff_is_no_negative() -> None:
    """8 and 16 bits, photometric interpretation 0."""
    for bits, form in ((8, "B"), (16, "H")):
        top = 2**bits - 1
        values = [0] * 32 + [top] * 32  # stored 0 = white above, black below
        assert quadrants(read_picture(a_tiff(8, 8, bits, struct.pack(f"<64{form}", *values), photometric=0))) in {"tl", "tr"}


def a_tiff(wide: int, high: int, bits: int, strip: bytes, *, photometric: int = 1) -> bytes:
    entries = [
        (256, 3, 1, wide),
        (257, 3, 1, high),
        (258, 3, 1, bits),
        (259, 3, 1, 1),
        (262, 3, 1, photometric),
        (273, 4, 1, 8),
        (277, 3, 1, 1),
        (278, 3, 1, high),
        (279, 4, 1, len(strip)),
        (339, 3, 1, 1),
    ]
    at = 8 + len(strip)
    table = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *e) for e in entries) + b"\0\0\0\0"
    return b"II*\0" + struct.pack("<I", at) + strip + table


def test_twelve_bits_in_a_tiff_are_scaled_by_twelve_bits() -> None:
    packed = bytes.fromhex("fff000") * 32  # pairs of 4095, 0
    pixels = read_picture(a_tiff(8, 8, 12, packed))
    assert pixels[0, 0].tolist() == [255] * 3
    assert pixels[0, 1].tolist() == [0] * 3


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "RGB"])
def test_pngs_of_every_mode_match_pillow_over_black(mode: str) -> None:
    image = Image.fromarray(CORNER).convert(mode)
    black = Image.new("RGBA", image.size, (0, 0, 0, 255))
    expected = np.asarray(Image.alpha_composite(black, image.convert("RGBA")).convert("RGB"))
    assert np.array_equal(read_picture(encoded(image, "PNG")), expected)


def test_transparent_places_lie_over_black_and_it_is_said() -> None:
    stored = np.full((10, 10, 4), 200, np.uint8)
    stored[:5, :, 3], stored[5:, :, 3] = 0, 128
    picture = load_picture(encoded(Image.fromarray(stored), "PNG"))
    assert picture.pixels[0, 0].tolist() == [0, 0, 0]
    assert picture.pixels[9, 9].tolist() == [100, 100, 100]
    assert any("black" in note for note in picture.notes)


@pytest.mark.parametrize("adobe", [True, False])
def test_red_stays_red_in_a_cmyk_jpeg_with_or_without_its_marker(adobe: bool) -> None:
    """Cases S09."""
    data = encoded(Image.new("RGB", (64, 64), (220, 20, 20)).convert("CMYK"), "JPEG", quality=95)
    if not adobe:
        at = data.index(b"\xff\xee")
        data = data[:at] + data[at + 2 + struct.unpack_from(">H", data, at + 2)[0] :]
    assert np.abs(read_picture(data)[32, 32].astype(int) - (220, 20, 20)).max() <= 3


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_an_animated_file_gives_its_first_picture_whatever_its_name(kind: str, suffix: str, tmp_path: Path) -> None:
    """Cases O10."""
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "lime", "blue")]
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100))
    picture = load_picture(path)
    assert np.abs(picture.pixels[32, 32].astype(int) - (255, 0, 0)).max() <= 3
    assert "3 pictures" in picture.notes[0]


def test_a_multi_page_tiff_gives_its_first_page_with_a_note() -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "lime")]
    picture = load_picture(encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:]))
    assert picture.pixels[0, 0].tolist() == [255, 0, 0]
    assert "2 pictures" in picture.notes[0]


@pytest.mark.parametrize("name", ["übersicht haut.png", "#1.png", "-x.png", "%03d.png", "a b?.png", "日本.png"])
def test_any_file_name_works(name: str, tmp_path: Path) -> None:
    """Cases S08."""
    path = tmp_path / name
    path.write_bytes(encoded(Image.fromarray(CORNER), "PNG"))
    assert quadrants(read_picture(path)) == "tl"


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {"progressive": True}), ("JPEG", {"subsampling": 2}), ("BMP", {}), ("GIF", {})])
def test_common_kinds_match_pillow(kind: str, options: dict[str, object]) -> None:
    rng = np.random.default_rng(3)
    smooth = cv2.resize(rng.integers(0, 255, (6, 8, 3), np.uint8), (96, 72), interpolation=cv2.INTER_CUBIC)
    data = encoded(Image.fromarray(smooth), kind, **options)
    with Image.open(io.BytesIO(data)) as opened:
        expected = np.asarray(opened.convert("RGB")).astype(int)
    assert np.abs(read_picture(data) - expected).max() <= (6 if kind == "JPEG" else 0)


def test_real_samples_of_every_set_match_pillow(shared: Path) -> None:
    paths = sorted(p for p in (shared / "data").glob("*/samples/*") if p.suffix in {".png", ".jpg"})
    assert len(paths) >= 24
    for path in paths[::4]:
        with Image.open(path) as opened:
            expected = np.asarray(opened.convert("RGB")).astype(int)
        assert np.abs(read_picture(path) - expected).max() <= 4, path.name


def test_a_checksum_that_does_not_hold_is_found_before_a_decoder_runs() -> None:
    data = bytearray(encoded(Image.fromarray(CORNER), "PNG"))
    at = data.index(b"IDAT") + 10
    data[at] ^= 1
    assert zlib.crc32(bytes(data)) != 0
    from edge.errors import InputRefused

    with pytest.raises(InputRefused, match="checksum"):
        read_picture(bytes(data))
