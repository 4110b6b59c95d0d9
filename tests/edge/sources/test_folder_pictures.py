"""`dir:` shows each picture once, in order, as a scene of its own; with tremor it moves as under a hand, the same way each time."""

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import InputRefused, PartialInput, UsageError
from edge.frame import Frame
from edge.sources.folder import open_source
from edge.sources.uri import SourceUri


def frames_of(target: Path, *options: tuple[str, str], take: int = 10**6) -> list[Frame]:
    with open_source(SourceUri("dir", str(target), options)) as source:
        return list(itertools.islice(source, take))


def texture(seed: int, high: int = 60, wide: int = 80) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return cv2.resize(rng.integers(0, 255, (6, 8, 3), np.uint8), (wide, high), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "b").mkdir()
    for seed, name in enumerate(["b/übung 1.png", "a#.png", "c.png"]):
        (tmp_path / name).write_bytes(cv2.imencode(".png", texture(seed))[1].tobytes())
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_bytes(b"")
    return tmp_path


def test_every_picture_comes_once_in_order_as_a_still_of_its_own_scene(folder: Path) -> None:
    frames = frames_of(folder)
    assert [Path(frame.path or "").name for frame in frames] == ["a#.png", "c.png", "übung 1.png"]
    assert [frame.scene for frame in frames] == [0, 1, 2]
    assert [frame.time_s for frame in frames] == [0.0, 1.0, 2.0]
    assert all(frame.still and not frame.rendered for frame in frames)
    assert frames[0].pixels.shape == (60, 80, 3)


def test_a_picture_under_a_foreign_name_is_found_and_what_is_left_out_is_said(folder: Path) -> None:
    (folder / "scan").write_bytes((folder / "c.png").read_bytes())
    with open_source(SourceUri("dir", str(folder))) as source:
        assert source.info.frames == 4
        assert any("1 other file" in line for line in source.info.warnings)
        assert source.info.paced
        assert source.info.fps == 1.0


def test_one_picture_is_a_folder_of_one(folder: Path) -> None:
    assert len(frames_of(folder / "c.png", ("hold", "5"))) == 1


def test_a_broken_picture_is_passed_over_and_named_at_the_end(folder: Path) -> None:
    (folder / "bad.jpg").write_bytes(b"")
    with open_source(SourceUri("dir", str(folder))) as source:
        frames = iter(source)
        assert len([next(frames) for _ in range(3)]) == 3
        with pytest.raises(PartialInput, match=r"1 of 4 pictures.*bad\.jpg: is empty"):
            next(frames)


def test_a_folder_of_broken_pictures_is_refused(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_text("text")
    with pytest.raises(InputRefused, match="none of 2 pictures"):
        frames_of(tmp_path)


def test_a_label_table_chooses_rows_and_keeps_their_order(folder: Path) -> None:
    table = folder / "labels.csv"
    table.write_text("image,label,split\nc.png,x,val\na#.png,y,train\nb/übung 1.png,y,val\n", encoding="utf-8")
    frames = frames_of(table, ("where", "split=val"))
    assert [Path(frame.path or "").name for frame in frames] == ["c.png", "übung 1.png"]
    assert len(frames_of(table)) == 3


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ((("motion", "fast"),), UsageError),
        ((("hold", "0"),), UsageError),
        ((("hold", "x"),), UsageError),
        ((("fps", "1000"),), UsageError),
        ((("seed", "-1"),), UsageError),
        ((("where", "split=val"),), UsageError),
    ],
)
def test_options_that_do_not_fit_are_refused_by_name(options: tuple[tuple[str, str], ...], error: type[Exception], folder: Path) -> None:
    with pytest.raises(error):
        frames_of(folder, *options)


def test_empty_and_absent_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="holds no picture"):
        frames_of(tmp_path)
    with pytest.raises(InputRefused, match="no such"):
        frames_of(tmp_path / "no")


def test_tremor_gives_six_seconds_of_thirty_frames_for_each_picture(folder: Path) -> None:
    frames = frames_of(folder, ("motion", "tremor"), ("seed", "1"))
    assert len(frames) == 3 * 180
    assert [frame.scene for frame in frames[::180]] == [0, 1, 2]
    assert [frame.index for frame in frames] == list(range(540))
    times = [frame.time_s or 0.0 for frame in frames]
    assert np.allclose(np.diff(times), 1 / 30)
    assert not any(frame.still for frame in frames)


def test_tremor_is_the_same_for_the_same_seed_and_another_for_another(folder: Path) -> None:
    first, again, other = (frames_of(folder, ("motion", "tremor"), ("seed", seed), take=40)[39].pixels for seed in ("1", "1", "2"))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_no_two_frames_under_a_hand_are_equal_and_none_is_far_from_the_picture(folder: Path) -> None:
    frames = frames_of(folder, ("motion", "tremor"), take=180)
    assert len({frame.pixels.tobytes() for frame in frames}) == 180
    still = texture(1)[..., ::-1].ravel()
    assert min(np.corrcoef(frame.pixels.ravel(), still)[0, 1] for frame in frames) > 0.5


def test_a_loop_goes_round_with_new_scenes(folder: Path) -> None:
    frames = frames_of(folder, ("loop", "yes"), take=7)
    assert [frame.scene for frame in frames] == list(range(7))
    assert frames[3].path == frames[0].path


def test_a_large_picture_moves_at_the_size_of_a_video(tmp_path: Path) -> None:
    (tmp_path / "l.jpg").write_bytes(cv2.imencode(".jpg", texture(0, 1500, 3000))[1].tobytes())
    assert frames_of(tmp_path, ("motion", "tremor"), take=1)[0].pixels.shape == (640, 1280, 3)
    assert frames_of(tmp_path, take=1)[0].pixels.shape == (1500, 3000, 3)


def test_the_examples_of_the_repository_move(root: Path) -> None:
    examples = root / "docs" / "examples"
    frames = frames_of(examples, ("motion", "tremor"), take=1)
    assert frames[0].pixels.shape == (383, 403, 3)
    assert len(frames_of(examples)) == 3
    assert len(frames_of(examples / "labels.csv")) == 3
    assert not [path for path in examples.glob("*.webp") if "benign" in path.name or "malignant" in path.name]
