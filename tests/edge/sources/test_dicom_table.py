"""Every file of the DICOM set, against a decoder that we do not use for its syntax; and the page that says so."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from edge.sources.dicom import DicomSource

REFUSED = {
    "CT_small.dcm": "this is a CT",
    "MR_small.dcm": "this is an MR",
    "MR_truncated.dcm": "this is an MR",
    "no_meta.dcm": "no DICOM file",
    "reportsi.dcm": "structured report",
    "rtplan.dcm": "radiotherapy plan",
}


@pytest.fixture(scope="module")
def table(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("dicom_table", root / "benchmarks" / "dicom_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["dicom_table"] = module
    spec.loader.exec_module(module)
    return module


def test_every_file_equals_another_decoder_or_is_refused_by_name(table: ModuleType, shared: Path, root: Path) -> None:
    page = (root / "docs" / "dicom.md").read_text()
    paths = sorted((shared / "data" / "dicom").rglob("*.dcm"))
    assert len(paths) == 22
    for path in paths:
        row = table.row_of(path)
        assert row.line() in page, f"docs/dicom.md is not what benchmarks/dicom_table.py prints for {path.name}"
        if path.parent.name == "not_us":
            assert REFUSED[path.name] in row.notes
        else:
            assert row.difference is not None, row.notes
            assert row.difference <= row.allowed, row.line()


def test_the_cine_has_thirty_frames_at_its_own_times(shared: Path) -> None:
    with DicomSource(shared / "data" / "dicom" / "us" / "examples_ybr_color.dcm", "dicom:x") as source:
        frames = list(source)
    assert [frame.index for frame in frames] == list(range(30))
    assert frames[29].time_s == pytest.approx(29 * 0.033333)
    assert source.info.fps == pytest.approx(30, abs=0.01)
    assert source.info.paced
    assert not frames[0].still


def test_a_single_picture_is_a_still(shared: Path) -> None:
    with DicomSource(shared / "data" / "dicom" / "us" / "US1_UNCR.dcm", "dicom:x") as source:
        assert [frame.still for frame in source] == [True]


def test_the_same_picture_in_five_encodings_is_the_same_picture(shared: Path) -> None:
    us = shared / "data" / "dicom" / "us"
    pictures = []
    for name in ("OBXXXX1A", "OBXXXX1A_2frame", "OBXXXX1A_expb", "OBXXXX1A_rle", "OBXXXX1A_rle_2frame"):
        with DicomSource(us / f"{name}.dcm", "dicom:x") as source:
            pictures.append(next(iter(source)).pixels)
    assert all(np.array_equal(pictures[0], other) for other in pictures[1:])
    with DicomSource(us / "color-pl.dcm", "dicom:x") as by_plane, DicomSource(us / "color-px.dcm", "dicom:x") as by_pixel:
        assert np.array_equal(next(iter(by_plane)).pixels, next(iter(by_pixel)).pixels)


def test_ultrasound_regions_are_told_in_pixels_and_millimetres(shared: Path) -> None:
    with DicomSource(shared / "data" / "dicom" / "us" / "gdcm-US-ALOKA-16.dcm", "dicom:x") as source:
        left, right, bar = source.regions
    assert (left.left_px, left.top_px, left.right_px, left.bottom_px, left.kind) == (32, 24, 335, 415, "2D")
    assert left.mm_per_px_x == pytest.approx(0.38265, abs=1e-5)
    assert right.left_px == 336
    assert bar.mm_per_px_x is None
