"""Bits, planes, fragments and memory of DICOM pixels; GDCM, pydicom and imagecodecs are the oracles."""

import importlib.util
import io
import struct
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import _expand_segmented_lut
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from edge.errors import InputRefused
from edge.sources.dicom import DicomSource
from edge.sources.dicom_fragments import find_frames, walk
from edge.sources.dicom_palette import RawTable, build_palette
from edge.sources.dicom_rle import decode_rle
from edge.sources.picture_header import BrokenPictureError

_spec = importlib.util.spec_from_file_location("dicom_builder", Path(__file__).with_name("dicom_builder.py"))
assert _spec is not None
assert _spec.loader is not None
build = importlib.util.module_from_spec(_spec)
sys.modules["dicom_builder"] = build
_spec.loader.exec_module(build)


def first(path: Path) -> np.ndarray[Any, Any]:
    with DicomSource(path, "dicom:x") as source:
        return next(iter(source)).pixels


def test_sixteen_bit_grey_without_window_uses_the_full_range_of_its_stored_bits(tmp_path: Path) -> None:
    ramp = np.array([[[0, 2048, 4095, 1000]]], np.uint16)
    assert first(build.a_dicom(tmp_path / "a.dcm", ramp, BitsStored=12))[0, :, 0].tolist() == [0, 128, 255, 62]
    assert first(build.a_dicom(tmp_path / "b.dcm", ramp))[0, :, 0].tolist() == [0, 8, 16, 4]


def test_unused_high_bits_never_reach_the_picture(tmp_path: Path) -> None:
    """Old overlays hide in them."""
    hidden = np.array([[[0xF000 | 2048, 0xF000]]], np.uint16)
    assert first(build.a_dicom(tmp_path / "a.dcm", hidden, BitsStored=12))[0, :, 0].tolist() == [128, 0]


def test_signed_samples_rescale_and_window(tmp_path: Path) -> None:
    signed = np.array([[[-100, 0, 100, 50]]], np.int16)
    path = build.a_dicom(tmp_path / "a.dcm", signed, RescaleSlope=2, RescaleIntercept=10, WindowCenter=10, WindowWidth=400)
    dataset = pydicom.dcmread(path)
    expected = [max(0.0, min(255.0, ((v * 2 + 10 - 9.5) / 399 + 0.5) * 255)) for v in dataset.pixel_array.ravel()]
    assert np.abs(first(path)[0, :, 0] - np.array(expected)).max() <= 0.51


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows_equal_pydicom(function: str, tmp_path: Path) -> None:
    from pydicom.pixels.processing import apply_voi_lut

    ramp = np.arange(4096, dtype=np.uint16).reshape(1, 64, 64)
    path = build.a_dicom(tmp_path / "a.dcm", ramp, BitsStored=12, WindowCenter=1800, WindowWidth=900, VOILUTFunction=function)
    expected = apply_voi_lut(ramp[0], pydicom.dcmread(path)) * (255 / 4095)
    assert np.abs(first(path)[..., 0] - expected).max() <= 0.51


def test_colour_by_plane_and_ybr_full(tmp_path: Path) -> None:
    planes = np.ascontiguousarray(np.moveaxis(build.flat(build.RED, 1), 3, 1))
    path = build.a_dicom(
        tmp_path / "a.dcm", planes.tobytes(), Rows=64, Columns=64, SamplesPerPixel=3, BitsAllocated=8, BitsStored=8,
        PixelRepresentation=0, PhotometricInterpretation="RGB", PlanarConfiguration=1, NumberOfFrames=1,
    )  # fmt: skip
    assert first(path)[5, 5].tolist() == list(build.RED)
    ybr = np.asarray(Image.new("RGB", (64, 64), build.RED).convert("YCbCr"))
    path = build.a_dicom(tmp_path / "b.dcm", ybr[None], PhotometricInterpretation="YBR_FULL")
    assert np.abs(first(path)[5, 5].astype(int) - build.RED).max() <= 1


def test_uncompressed_half_width_colours(tmp_path: Path) -> None:
    y, cb, cr = (int(v) for v in np.asarray(Image.new("RGB", (1, 1), build.RED).convert("YCbCr"))[0, 0])
    path = build.a_dicom(
        tmp_path / "a.dcm", bytes([y, y, cb, cr]) * (64 * 32), Rows=64, Columns=64, SamplesPerPixel=3, BitsAllocated=8, BitsStored=8,
        PixelRepresentation=0, PhotometricInterpretation="YBR_FULL_422", NumberOfFrames=1,
    )  # fmt: skip
    assert np.abs(first(path)[9, 9].astype(int) - build.RED).max() <= 1


def described(**tags: Any) -> dict[str, Any]:
    return {"Rows": 48, "Columns": 40, "SamplesPerPixel": 3, "BitsAllocated": 8, "BitsStored": 8, "PixelRepresentation": 0} | tags


def test_jpeg_ls_and_jpeg_2000_are_lossless(tmp_path: Path) -> None:
    import imagecodecs

    picture = np.random.default_rng(0).integers(0, 255, (48, 40, 3), np.uint8)
    for syntax, data in (
        (JPEGLSLossless, imagecodecs.jpegls_encode(picture)),
        (JPEG2000Lossless, imagecodecs.jpeg2k_encode(picture, level=0, codecformat="j2k", reversible=True, mct=False)),
    ):
        tags = described(PhotometricInterpretation="RGB", NumberOfFrames=1)
        assert np.array_equal(first(build.a_dicom(tmp_path / "a.dcm", encapsulate([data]), syntax=syntax, **tags)), picture)


def jpegs(n: int) -> list[bytes]:
    out = []
    for level in range(n):
        stream = io.BytesIO()
        Image.new("RGB", (40, 48), (level * 20, 100, 50)).save(stream, "JPEG", quality=95)
        data = stream.getvalue()
        out.append(data + b"\0" * (len(data) % 2))
    return out


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.parametrize("table", [True, False])
def test_frames_in_one_or_several_fragments_with_or_without_a_table(pieces: int, table: bool, tmp_path: Path) -> None:
    data = encapsulate(jpegs(4), fragments_per_frame=pieces, has_bot=table)
    tags = described(PhotometricInterpretation="YBR_FULL", NumberOfFrames=4)
    with DicomSource(build.a_dicom(tmp_path / "a.dcm", data, syntax=JPEGBaseline8Bit, **tags), "x") as source:
        reds = [int(frame.pixels[5, 5, 0]) for frame in source]
    assert np.abs(np.array(reds) - [0, 20, 40, 60]).max() <= 3


def test_a_frame_of_another_size_than_declared_is_refused(tmp_path: Path) -> None:
    tags = described(PhotometricInterpretation="YBR_FULL", NumberOfFrames=1, Rows=480)
    with pytest.raises(InputRefused, match="another size"):
        first(build.a_dicom(tmp_path / "a.dcm", encapsulate(jpegs(1)), syntax=JPEGBaseline8Bit, **tags))


def test_a_cine_of_four_gigabytes_costs_the_memory_of_a_frame(tmp_path: Path) -> None:
    frames, size = 1_300, 1024 * 1024 * 3
    small = build.a_dicom(tmp_path / "small.dcm", build.flat(build.RED, 1, 1024), FrameTime=33)
    data = bytearray(small.read_bytes())
    at = data.index(struct.pack("<HH", 0x7FE0, 0x0010))
    data[at + 8 : at + 12] = struct.pack("<I", frames * size)
    where = data.index(struct.pack("<HH2sH", 0x0028, 0x0008, b"IS", 2))
    data[where : where + 10] = struct.pack("<HH2sH", 0x0028, 0x0008, b"IS", 4) + b"1300"
    path = tmp_path / "large.dcm"
    path.write_bytes(data)
    with path.open("r+b") as file:
        file.truncate(at + 14 + frames * size)
    tracemalloc.start()
    with DicomSource(path, "x") as source:
        taken = [frame.index for frame, _ in zip(source, range(3), strict=False)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken == [0, 1, 2]
    assert peak < 6 * size


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([(1, 1), (1, 2), (3, 1)]), st.integers(0, 2**32 - 1), st.integers(1, 255))
def test_run_lengths_of_pydicom_come_back(rows: int, columns: int, shape: tuple[int, int], seed: int, top: int) -> None:
    samples, depth = shape
    values = np.random.default_rng(seed).integers(0, top, (rows, columns, samples)).astype(f"<u{depth}")
    dataset = pydicom.Dataset()
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel, dataset.BitsAllocated, dataset.BitsStored = (
        rows,
        columns,
        samples,
        depth * 8,
        depth * 8,
    )
    dataset.PixelRepresentation, dataset.PhotometricInterpretation = 0, "RGB" if samples == 3 else "MONOCHROME2"
    dataset.HighBit, dataset.NumberOfFrames, dataset.PlanarConfiguration = depth * 8 - 1, 1, 0
    from pydicom.pixels.encoders import RLELosslessEncoder

    tags = {"rows": rows, "columns": columns, "samples_per_pixel": samples, "bits_allocated": depth * 8, "bits_stored": depth * 8}
    frame = RLELosslessEncoder.encode(
        values if samples == 3 else values[..., 0], encoding_plugin="pydicom", pixel_representation=0,
        photometric_interpretation="RGB" if samples == 3 else "MONOCHROME2", number_of_frames=1, planar_configuration=0, **tags,
    )  # fmt: skip
    planes = decode_rle(frame, rows, columns, samples, depth)
    assert np.array_equal(np.moveaxis(planes.view(f"<u{depth}")[..., 0], 0, 2), values)
    assert RLELossless


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(1, 20), st.integers(1, 20))
def test_no_run_lengths_raise_anything_unnamed(data: bytes, rows: int, columns: int) -> None:
    try:
        out = decode_rle(data, rows, columns, 1, 1)
    except BrokenPictureError:
        return
    assert out.shape == (1, rows, columns, 1)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(1, 6))
def test_no_fragments_raise_anything_unnamed(data: bytes, frames: int) -> None:
    file = io.BytesIO(data)
    for pieces in find_frames(file, walk(file, 0, len(data)), frames):
        assert all(piece.at + piece.size_b <= len(data) for piece in pieces)


def table(words: list[int], entries: int, *, segmented: bool, bits: int = 16, little: bool = True) -> RawTable:
    order = "<" if little else ">"
    return RawTable((entries % 65536, 0, bits), struct.pack(f"{order}{len(words)}H", *words), segmented, little)


def test_segments_of_a_palette_expand_as_pydicom_expands_them() -> None:
    words = [0, 3, 0, 257, 514, 1, 10, 20 * 257, 0, 1, 30 * 257, 2, 2, 0, 0]
    expected = _expand_segmented_lut(tuple(words), "<%dH")
    raw = table(words, len(expected), segmented=True)
    built = build_palette(raw, raw, raw)
    assert np.abs(built.table[:, 0] - np.array(expected) / 257).max() <= 1


def test_indices_outside_the_table_take_its_ends() -> None:
    raw = RawTable((4, 100, 16), struct.pack("<4H", 0, 257, 514, 65535), False, True)
    shown = build_palette(raw, raw, raw).apply(np.array([[0, 99, 100, 101, 103, 104, 255]], np.uint8))
    assert shown[0, :, 0].tolist() == [0, 0, 0, 1, 255, 255, 255]


def test_a_palette_that_says_sixteen_bits_and_uses_eight_is_not_black() -> None:
    raw = table([0, 100, 255, 7], 4, segmented=False)
    built = build_palette(raw, raw, raw)
    assert built.table[:, 0].tolist() == [0, 100, 255, 7]
    assert built.notes


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 300), st.sampled_from([8, 12, 16]), st.booleans(), st.booleans())
def test_no_palette_raises_anything_unnamed(words: bytes, entries: int, bits: int, segmented: bool, little: bool) -> None:
    raw = RawTable((entries, 0, bits), words, segmented, little)
    try:
        built = build_palette(raw, raw, raw)
    except BrokenPictureError:
        return
    assert built.table.dtype == np.uint8


def compressed(kind: str) -> tuple[bytes, str]:
    import imagecodecs

    picture = np.random.default_rng(0).integers(0, 255, (48, 40, 3), np.uint8)
    if kind == "lossless":
        return imagecodecs.ljpeg_encode(picture[..., 0]), "1.2.840.10008.1.2.4.70"
    if kind == "jpeg-ls":
        return imagecodecs.jpegls_encode(picture), "1.2.840.10008.1.2.4.80"
    return imagecodecs.jpeg2k_encode(picture, level=0, codecformat="j2k", reversible=True), "1.2.840.10008.1.2.4.90"


@pytest.mark.parametrize("kind", ["lossless", "jpeg-ls", "jpeg 2000"])
def test_no_damaged_frame_raises_anything_unnamed(kind: str, tmp_path: Path) -> None:
    data, syntax = compressed(kind)
    tags = (
        described(PhotometricInterpretation="MONOCHROME2", SamplesPerPixel=1)
        if kind == "lossless"
        else described(PhotometricInterpretation="RGB")
    )
    refused = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        damaged = bytearray(data)
        damaged[int(rng.integers(2, min(len(data), 600)))] ^= int(rng.integers(1, 256))
        if seed % 5 == 0:
            del damaged[len(damaged) // 2 :]
        path = build.a_dicom(tmp_path / "d.dcm", encapsulate([bytes(damaged)]), syntax=syntax, **tags)
        try:
            assert first(path).shape == (48, 40, 3)
        except InputRefused:
            refused += 1
    assert refused >= 12
