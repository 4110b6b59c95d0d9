"""Every DICOM test file through our decoder and through another one that we do not use for its syntax: the table of docs/dicom.md.

    python benchmarks/dicom_table.py [FOLDER]

The other decoder is GDCM where we decode by ourselves, with OpenCV or with OpenJPEG, and imagecodecs (liblj92) for lossless JPEG, which
asks for GDCM here; palettes and windows of the other way are pydicom's, YCbCr is Pillow's. Needs the extra `dev`.
"""

import argparse
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gdcm
import imagecodecs
import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.encaps import generate_frames
from pydicom.pixels.processing import apply_color_lut, apply_voi_lut

from edge.errors import InputRefused
from edge.frame import U8
from edge.sources.dicom import DicomSource

Pixels = NDArray[Any]
LOSSLESS_JPEG = {"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"}


@dataclass(frozen=True)
class Row:
    """difference: largest absolute one over all frames, in grey levels; None: refused. allowed: the codec's rounding."""

    file: str
    syntax: str
    decoded: str
    other: str
    difference: int | None
    allowed: int
    notes: str

    def line(self) -> str:
        difference = "–" if self.difference is None else f"{self.difference} (≤ {self.allowed})"
        return f"| `{self.file}` | {self.syntax} | {self.decoded} | {self.other} | {difference} | {self.notes} |"


def other_frames(path: Path) -> tuple[str, int, list[U8]]:
    """Name of the other way, its rounding against ours, and its frames as (h, w, 3) uint8."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path)
        uid = dataset.file_meta.TransferSyntaxUID
        name = "imagecodecs (liblj92)" if uid in LOSSLESS_JPEG else "GDCM"
        stored = list(_by_imagecodecs(dataset)) if uid in LOSSLESS_JPEG else list(_by_gdcm(path, dataset))
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            return f"{name}, palette by pydicom", 1, [_palette(frame, dataset) for frame in stored]
        if dataset.SamplesPerPixel == 1:
            return f"{name}, window by pydicom", 1, [np.stack([_window(frame, dataset)] * 3, axis=2) for frame in stored]
        if dataset.PhotometricInterpretation.startswith("YBR_FULL"):
            return f"{name}, YCbCr by Pillow", 2, [np.asarray(Image.fromarray(f, "YCbCr").convert("RGB")) for f in stored]
        # JPEG 2000 lossy: its inverse transform may round either way.
        return name, 0 if uid.name in {"Explicit VR Little Endian", "Explicit VR Big Endian"} or "Lossless" in uid.name else 1, stored


def _by_gdcm(path: Path, dataset: pydicom.Dataset) -> Iterator[Pixels]:
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    if not reader.Read():
        raise RuntimeError(f"GDCM cannot read {path.name}")
    image = reader.GetImage()
    buffer = image.GetBuffer().encode("utf-8", "surrogateescape")
    frames, samples = int(dataset.get("NumberOfFrames", 1) or 1), int(dataset.SamplesPerPixel)
    values = np.frombuffer(buffer, np.uint16 if dataset.BitsAllocated == 16 else np.uint8)
    values = values.reshape(frames, -1)
    for frame in values:
        if samples == 1:
            yield frame.reshape(dataset.Rows, dataset.Columns)
        elif image.GetPlanarConfiguration():
            yield np.moveaxis(frame.reshape(3, dataset.Rows, dataset.Columns), 0, 2)
        else:
            yield frame.reshape(dataset.Rows, dataset.Columns, 3)


def _by_imagecodecs(dataset: pydicom.Dataset) -> Iterator[Pixels]:
    count = int(dataset.get("NumberOfFrames", 1) or 1)
    for data in generate_frames(dataset.PixelData, number_of_frames=count):
        yield imagecodecs.ljpeg_decode(data)


def _palette(index: Pixels, dataset: pydicom.Dataset) -> U8:
    if not dataset.file_meta.TransferSyntaxUID.is_little_endian:  # pydicom 3.0 reads these tables with the wrong byte order
        for colour in ("Red", "Green", "Blue"):
            element = dataset[f"{colour}PaletteColorLookupTableData"]
            element.value = np.frombuffer(element.value, ">u2").astype("<u2").tobytes()
        dataset = _as_little(dataset)
    coloured = apply_color_lut(index, dataset)
    return np.rint(coloured / (257 if coloured.dtype == np.uint16 else 1)).astype(np.uint8)


def _as_little(dataset: pydicom.Dataset) -> pydicom.Dataset:
    tables = pydicom.Dataset()
    for element in dataset:
        if "PaletteColor" in element.keyword:
            tables.add(element)
    tables.set_original_encoding(is_implicit_vr=False, is_little_endian=True)
    tables.PixelRepresentation = dataset.PixelRepresentation
    return tables


def _window(values: Pixels, dataset: pydicom.Dataset) -> U8:
    shown = apply_voi_lut(values, dataset)
    return np.asarray(np.rint(np.clip(shown * (255 / (2**dataset.BitsStored - 1)), 0, 255)), np.uint8)


def row_of(path: Path) -> Row:
    """One line of the table."""
    try:
        with DicomSource(path, f"dicom:{path.name}") as source:
            ours = [frame.pixels for frame in source]
            info, syntax, regions = source.info, source.transfer_syntax, source.regions
    except InputRefused as refused:
        reason = refused.what.removeprefix(f"{path}: ")
        return Row(path.name, "", "refused", "", None, 0, reason)
    name, allowed, others = other_frames(path)
    if len(others) != len(ours):
        raise RuntimeError(f"{path.name}: {len(ours)} frames here, {len(others)} there")
    worst = max(int(np.abs(a.astype(int) - b).max()) for a, b in zip(ours, others, strict=True))
    high, wide = ours[0].shape[:2]
    notes = "; ".join([*info.warnings, *([f"{len(regions)} ultrasound region{'s' if len(regions) > 1 else ''}"] if regions else [])])
    return Row(path.name, syntax, f"{len(ours)} x {wide} x {high} RGB", name, worst, allowed, notes)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "dicom"
    parser.add_argument("folder", type=Path, nargs="?", default=beside)
    rows = [row_of(path) for path in sorted(parser.parse_args().folder.rglob("*.dcm"))]
    print("| file | transfer syntax | decoded to | checked against | largest difference | notes |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print(row.line())
    return int(any(row.difference is not None and row.difference > row.allowed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
