"""`file:` every frame, at its own time, whatever the header says; and what a damaged recording gets."""

import csv
import os
from pathlib import Path

import pytest

from edge.errors import InputRefused, PartialInput
from edge.frame import Frame, SourceInfo
from edge.sources.table import open_source
from tests.clips import BLUE, RED, a_clip, ffmpeg, index_first, without_index


def read(path: Path) -> tuple[SourceInfo, list[Frame], Exception | None]:
    """The info, the good frames, and what was raised after them."""
    frames: list[Frame] = []
    with open_source(str(path)) as source:
        try:
            for frame in source:
                frames.append(frame)
        except InputRefused as error:
            return source.info, frames, error
        return source.info, frames, None


@pytest.mark.parametrize(("name", "fourcc"), [("x.mp4", "mp4v"), ("x.mkv", "MJPG"), ("x.avi", "MJPG"), ("x.avi", "XVID")])
def test_every_frame_comes_in_order_in_rgb_with_its_time(name: str, fourcc: str, tmp_path: Path) -> None:
    info, frames, error = read(a_clip(tmp_path / name, fps=10, colours=(RED,) * 5 + (BLUE,) * 5, fourcc=fourcc))
    assert error is None
    assert info.paced
    assert [frame.index for frame in frames] == list(range(10))
    assert [frame.time_s for frame in frames] == pytest.approx([n / 10 for n in range(10)], abs=0.002)
    means = [frame.pixels.reshape(-1, 3).mean(0) for frame in frames]
    assert all(mean[0] > 150 > mean[2] for mean in means[:5])
    assert all(mean[2] > 150 > mean[0] for mean in means[5:])
    assert all(frame.pixels.flags.c_contiguous and frame.path == str(tmp_path / name) for frame in frames)


def test_clips_of_variable_rate_keep_their_times_in_every_container(tmp_path: Path) -> None:
    mp4, mkv, piped = tmp_path / "a.mp4", tmp_path / "b.mkv", tmp_path / "c.mkv"
    red, blue = "color=red:s=64x48:r=5:d=2", "color=blue:s=64x48:r=30:d=2"
    concat = ["-filter_complex", "[0][1]concat=n=2", "-fps_mode", "vfr", "-pix_fmt", "yuv420p"]
    ffmpeg("-f", "lavfi", "-i", red, "-f", "lavfi", "-i", blue, *concat, str(mp4))
    ffmpeg("-i", str(mp4), "-c", "copy", str(mkv))
    piped.write_bytes(ffmpeg("-i", str(mp4), "-c", "copy", "-f", "matroska", "-"))
    right = [n / 5 for n in range(10)] + [2 + n / 30 for n in range(60)]
    for path in (mp4, mkv, piped):
        info, frames, error = read(path)
        assert error is None
        assert [frame.time_s for frame in frames] == pytest.approx(right, abs=0.002)
        assert info.frames is None or info.frames > 0
    assert read(piped)[0].frames is None


def test_a_bare_stream_has_no_count_and_says_that_its_rate_is_assumed(tmp_path: Path) -> None:
    import cv2
    import numpy as np

    path = tmp_path / "x.mjpeg"
    pictures = [np.full((48, 64, 3), 40 * n, np.uint8) for n in range(5)]
    path.write_bytes(b"".join(cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures))
    info, frames, _ = read(path)
    assert info.frames is None
    assert any("25" in warning for warning in info.warnings)
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16], abs=0.002)


def test_a_recording_without_its_index_was_never_finished(tmp_path: Path) -> None:
    path = a_clip(tmp_path / "cut.mp4")
    path.write_bytes(without_index(path.read_bytes()))
    with pytest.raises(InputRefused, match=r"cut\.mp4: the recording was never finished"):
        open_source(str(path))


def test_a_cut_recording_gives_its_good_frames_and_then_says_partial(tmp_path: Path) -> None:
    whole = index_first(a_clip(tmp_path / "a.mp4", colours=(RED, BLUE) * 20).read_bytes())
    (tmp_path / "whole.mp4").write_bytes(whole)
    assert len(read(tmp_path / "whole.mp4")[1]) == 40
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 80 // 100])
    info, frames, error = read(tmp_path / "cut.mp4")
    assert 5 < len(frames) < 40
    assert isinstance(error, PartialInput)
    assert f"{len(frames)} frames read" in error.line()
    assert info.warnings


def test_a_cut_avi_is_partial_too(tmp_path: Path) -> None:
    data = a_clip(tmp_path / "a.avi", colours=(RED, BLUE) * 20, fourcc="MJPG").read_bytes()
    (tmp_path / "cut.avi").write_bytes(data[: len(data) // 2])
    _, frames, error = read(tmp_path / "cut.avi")
    assert frames
    assert isinstance(error, PartialInput)


def test_frames_lost_inside_a_file_of_full_length_are_told(tmp_path: Path) -> None:
    whole = index_first(a_clip(tmp_path / "a.mp4", colours=(RED, BLUE) * 20).read_bytes())
    half = len(whole) // 2
    (tmp_path / "holed.mp4").write_bytes(whole[:half] + b"\0" * (len(whole) - half))
    _, frames, error = read(tmp_path / "holed.mp4")
    assert len(frames) == 40 or isinstance(error, PartialInput)


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 4000, b"not a clip at all" * 50, b"\x1aE\xdf\xa3" + b"\xff" * 300, b"\0\0\0\x18ftypisom" + b"\0" * 16]
)
def test_what_is_no_clip_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "no.mp4"
    path.write_bytes(content)
    with pytest.raises(InputRefused, match=r"no\.mp4"):
        list(open_source(f"file:{path}"))


def test_a_folder_a_missing_file_and_a_forbidden_one_are_refused(tmp_path: Path) -> None:
    for target, word in ((tmp_path, "no file"), (tmp_path / "absent.mp4", "no such file")):
        with pytest.raises(InputRefused, match=word):
            open_source(f"file:{target}")
    if os.geteuid() == 0:
        pytest.skip("as root every file can be read: the forbidden one is not tested")
    (tmp_path / "x.mp4").touch(mode=0)
    with pytest.raises(InputRefused, match="Permission"):
        open_source(f"file:{tmp_path / 'x.mp4'}")


@pytest.mark.parametrize("pixels", ["yuv420p10le", "yuv444p", "gray"])
def test_ten_bit_and_odd_sized_clips_keep_their_size_and_colour(pixels: str, tmp_path: Path) -> None:
    path = tmp_path / "x.mkv"
    odd = ["-vf", "format=rgb24,scale=643:481", "-c:v", "ffv1", "-pix_fmt", pixels]
    ffmpeg("-f", "lavfi", "-i", "color=red:s=640x480:r=10:d=0.5", *odd, str(path))
    _, frames, error = read(path)
    assert error is None
    assert len(frames) == 5
    assert frames[0].pixels.shape == (481, 643, 3)
    red, _, blue = frames[0].pixels.reshape(-1, 3).mean(0)
    assert (red > 200 > blue) or pixels == "gray"


def test_a_clip_of_a_real_probe_has_the_frames_its_table_says(shared: Path) -> None:
    folder = shared / "data/covid_blues"
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if (folder / row["clip"]).is_file() or (folder / "clips" / row["clip"]).is_file()]
    for row in rows[:3]:
        path = folder / row["clip"]
        info, frames, error = read(path if path.is_file() else folder / "clips" / row["clip"])
        assert error is None
        assert len(frames) == int(row["frames"])
        assert info.fps == pytest.approx(float(row["fps"]), abs=0.01)
        assert frames[-1].time_s == pytest.approx((len(frames) - 1) / float(row["fps"]), abs=0.02)
    assert rows
