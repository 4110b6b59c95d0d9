"""DICOM inputs that broke others (cases O04 to O07, S01, S03), and what they give here."""

import importlib.util
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.errors import InputRefused, MachineLacks, PartialInput
from edge.frame import Frame
from edge.sources.dicom import DicomSource, missing_decoders

_spec = importlib.util.spec_from_file_location("dicom_builder", Path(__file__).with_name("dicom_builder.py"))
assert _spec is not None
assert _spec.loader is not None
build = importlib.util.module_from_spec(_spec)
sys.modules["dicom_builder"] = build
_spec.loader.exec_module(build)


def frames_of(path: Path) -> list[Frame]:
    with DicomSource(path, f"dicom:{path.name}") as source:
        return list(source)


def warnings_of(path: Path) -> tuple[str, ...]:
    with DicomSource(path, f"dicom:{path.name}") as source:
        return source.info.warnings


def near(pixels: np.ndarray[Any, Any], colour: tuple[int, int, int], by: int = 3) -> bool:
    return bool(np.abs(pixels.astype(int) - colour).max() <= by)


def test_a_ybr_422_loop_is_red_not_green_or_pink(tmp_path: Path) -> None:
    """O04: turned into RGB exactly once."""
    frames = frames_of(build.a_jpeg_cine(tmp_path / "loop.dcm"))
    assert len(frames) == 3
    assert all(near(frame.pixels, build.RED) for frame in frames)
    assert [frame.time_s for frame in frames] == [0.0, 0.04, 0.08]


def test_a_jpeg_that_contradicts_its_tag_is_believed(tmp_path: Path) -> None:
    """A JFIF stream is YCbCr by definition, whatever the tag says."""
    assert any(
        "the JPEG is believed" in line for line in warnings_of(build.a_jpeg_cine(tmp_path / "x.dcm", PhotometricInterpretation="RGB"))
    )
    assert near(frames_of(build.a_jpeg_cine(tmp_path / "x.dcm", PhotometricInterpretation="RGB"))[0].pixels, build.RED)


def palette(depth: int = 16, entries: int = 256) -> dict[str, Any]:
    tags: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour, level in zip(("Red", "Green", "Blue"), build.GREEN, strict=True):
        table = np.zeros(entries, np.uint16 if depth == 16 else np.uint8)
        table[10] = level * 257 if depth == 16 else level
        tags[f"{colour}PaletteColorLookupTableDescriptor"] = [entries % 65536, 0, depth]
        tags[f"{colour}PaletteColorLookupTableData"] = table.tobytes()
    return tags


@pytest.mark.parametrize(("depth", "entries"), [(16, 256), (8, 256), (16, 65536)])
def test_a_palette_picture_goes_through_its_table(depth: int, entries: int, tmp_path: Path) -> None:
    """O05: 16-bit entries are scaled, a length of 0 means 65,536."""
    path = build.a_dicom(tmp_path / "p.dcm", np.full((3, 64, 64), 10, np.uint8), **palette(depth, entries))
    frames = frames_of(path)
    assert len(frames) == 3
    assert all(near(frame.pixels, build.GREEN, 0) for frame in frames)


@pytest.mark.parametrize("fault", ["missing", "short"])
def test_a_palette_that_cannot_be_read_is_refused_by_name(fault: str, tmp_path: Path) -> None:
    tags = palette()
    if fault == "missing":
        del tags["GreenPaletteColorLookupTableData"]
    else:
        tags["GreenPaletteColorLookupTableData"] = b"\0" * 20
    path = build.a_dicom(tmp_path / "p.dcm", np.full((1, 8, 8), 10, np.uint8), **tags)
    with pytest.raises(InputRefused, match="palette"):
        frames_of(path)


def test_monochrome1_is_turned_round_once_and_after_the_window(tmp_path: Path) -> None:
    """O06."""
    stored = np.zeros((1, 64, 64), np.uint8)
    stored[:, :32, :32] = 255
    plain = frames_of(build.a_dicom(tmp_path / "2.dcm", stored))[0].pixels
    inverted = frames_of(build.a_dicom(tmp_path / "1.dcm", 255 - stored, PhotometricInterpretation="MONOCHROME1"))[0].pixels
    assert np.array_equal(plain, inverted)
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    window = {"WindowCenter": 100, "WindowWidth": 50}
    shown = frames_of(build.a_dicom(tmp_path / "w2.dcm", ramp, **window))[0].pixels
    turned = frames_of(build.a_dicom(tmp_path / "w1.dcm", ramp, PhotometricInterpretation="MONOCHROME1", **window))[0].pixels
    assert np.abs(255 - shown.astype(int) - turned).max() <= 1
    assert shown[0, 0, 0] == 0
    assert shown[15, 15, 0] == 255


TIMES = [
    ({"FrameTime": 40}, 0.04, "FrameTime 40"),
    ({"FrameTime": 0}, 0.04, "assumed"),
    ({"FrameTime": ""}, 0.04, "assumed"),
    ({}, 0.04, "assumed"),
    ({"FrameTimeVector": [0, 40, 200]}, 0.04, "FrameTimeVector"),
    ({"CineRate": 30}, 1 / 30, "CineRate 30"),
    ({"FrameTime": 0, "RecommendedDisplayFrameRate": 20, "CineRate": 30}, 0.05, "RecommendedDisplayFrameRate 20"),
    ({"FrameTimeVector": [0, 0, 0], "CineRate": 10}, 0.1, "CineRate 10"),
    ({"FrameTimeVector": [0, 40]}, 0.04, "assumed"),
    ({"FrameTime": -5, "CineRate": 0}, 0.04, "assumed"),
]


@pytest.mark.parametrize(("tags", "second_s", "says"), TIMES)
def test_frame_times_fall_back_in_a_stated_order_and_say_so(tags: dict[str, Any], second_s: float, says: str, tmp_path: Path) -> None:
    """O07."""
    path = build.a_dicom(tmp_path / "c.dcm", build.flat(build.RED), **tags)
    frames = frames_of(path)
    assert len(frames) == 3
    assert all(near(frame.pixels, build.RED, 0) for frame in frames)
    assert frames[1].time_s == pytest.approx(second_s)
    assert any(says in line for line in warnings_of(path))


def test_a_slow_cine_is_delivered_as_stills(tmp_path: Path) -> None:
    frames = frames_of(build.a_dicom(tmp_path / "slow.dcm", build.flat(build.RED), FrameTime=1000))
    assert all(frame.still for frame in frames)
    assert [frame.time_s for frame in frames] == [0.0, 1.0, 2.0]


def without_header(source: Path, target: Path) -> Path:
    """The bare data set, as a broken archive hands it out."""
    data = source.read_bytes()
    length = int.from_bytes(data[140:144], "little")
    target.write_bytes(data[144 + length :])
    return target


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_a_bare_data_set_is_read_with_a_note(syntax: str, tmp_path: Path) -> None:
    """S01."""
    path = without_header(build.a_dicom(tmp_path / "a.dcm", build.flat(build.RED), syntax=syntax), tmp_path / "bare.dcm")
    assert near(frames_of(path)[0].pixels, build.RED, 0)
    assert any("no file header" in line for line in warnings_of(path))


def test_a_compressed_bare_data_set_is_never_taken_as_raw(tmp_path: Path) -> None:
    """S01: its pixels begin with an item tag."""
    path = without_header(build.a_jpeg_cine(tmp_path / "a.dcm"), tmp_path / "bare.dcm")
    with pytest.raises(InputRefused, match="does not say how"):
        frames_of(path)


@pytest.mark.parametrize("content", [b"\xfe\xff\x00\xe0" + b"\0" * 200, b"hello world, this is text" * 10, b"\0" * 500, b"\x08\x00", b""])
def test_what_is_no_data_set_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.dcm"
    path.write_bytes(content)
    with pytest.raises(InputRefused, match=r"x\.dcm"):
        frames_of(path)


BLOCKED = """
import sys
sys.modules[sys.argv[2]] = None
from pathlib import Path
from edge.errors import MachineLacks
from edge.sources.dicom import DicomSource, missing_decoders
print("|".join(s.name + "=" + str(s.package) for s in missing_decoders()))
try:
    DicomSource(Path(sys.argv[1]), "x")
except MachineLacks as lack:
    print(lack.line())
"""


def test_a_missing_decoder_is_named_with_its_syntax_and_package(tmp_path: Path) -> None:
    """S03."""
    import imagecodecs

    grey = {"Rows": 48, "Columns": 40, "SamplesPerPixel": 1, "BitsAllocated": 8, "BitsStored": 8, "PixelRepresentation": 0}
    data = build.encapsulate([imagecodecs.ljpeg_encode(np.full((48, 40), 7, np.uint8)) + b"\0"])
    path = build.a_dicom(tmp_path / "l.dcm", data, syntax=build.JPEGLossless, PhotometricInterpretation="MONOCHROME2", **grey)
    done = subprocess.run([sys.executable, "-c", BLOCKED, str(path), "gdcm"], capture_output=True, text=True, check=True, timeout=60)
    listed, lack = done.stdout.splitlines()
    assert "JPEG Lossless (process 14)=python-gdcm" in listed
    assert "JPEG-LS Lossless=python-gdcm" in listed
    assert "JPEG 2000" not in listed
    assert "JPEG Baseline" not in listed
    assert "JPEG Lossless" in lack
    assert "python-gdcm" in lack
    assert not done.stderr
    assert missing_decoders() == ()
    assert MachineLacks.exit_code == 6


def test_a_cut_off_cine_gives_its_whole_frames_and_then_says_partial(tmp_path: Path) -> None:
    path = build.a_dicom(tmp_path / "c.dcm", build.flat(build.RED))
    path.write_bytes(path.read_bytes()[: -64 * 64 * 3 // 2])
    with DicomSource(path, "x") as source:
        frames = iter(source)
        assert [next(frames).index, next(frames).index] == [0, 1]
        with pytest.raises(PartialInput, match="2 of 3 frames"):
            next(frames)


def test_a_cut_off_single_picture_is_refused(tmp_path: Path) -> None:
    path = build.a_dicom(tmp_path / "c.dcm", build.flat(build.RED, frames=1))
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(InputRefused, match="ends before"):
        frames_of(path)


@pytest.mark.parametrize(
    ("sop", "modality", "reason"),
    [
        ("1.2.840.10008.5.1.4.1.1.2", "CT", "a CT"),
        ("1.2.840.10008.5.1.4.1.1.7", "MR", "an MR"),
        ("1.2.840.10008.5.1.4.1.1.66.4", "SEG", "a segmentation"),
        ("1.2.3.4", "US", "without a plain picture"),
        ("1.2.3.4", "ZYXWVUT", "another kind of object"),
    ],
)
def test_other_objects_are_turned_away_by_what_they_are(sop: str, modality: str, reason: str, tmp_path: Path) -> None:
    path = build.a_dicom(tmp_path / "o.dcm", build.flat(build.RED), sop=sop, Modality=modality)
    with pytest.raises(InputRefused, match=reason):
        frames_of(path)


@pytest.mark.parametrize(("sop", "modality"), [("1.2.840.10008.5.1.4.1.1.77.1.4", "XC"), ("1.2.840.10008.5.1.4.1.1.7", "OT")])
def test_photographs_and_secondary_captures_are_read(sop: str, modality: str, tmp_path: Path) -> None:
    path = build.a_dicom(tmp_path / "o.dcm", build.flat(build.RED, frames=1), sop=sop, Modality=modality)
    assert near(frames_of(path)[0].pixels, build.RED, 0)


def test_reading_gives_no_python_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frames_of(build.a_dicom(tmp_path / "c.dcm", build.flat(build.RED), FrameTime=33))
