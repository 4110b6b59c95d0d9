"""`sonoderm classify` as people read it: a clip's path once, a line for each stretch of equal answers, and what all of it comes to."""

import json
from pathlib import Path

import cv2

from edge.cli.stretches import Moving
from edge.reading import Reading, State
from tests.builders import BLUE, RED, BuiltBundle, a_picture
from tests.clips import a_clip
from tests.edge.cli.command_words import model


def test_a_clip_names_its_path_once_and_ends_with_what_it_comes_to(sonoderm, built: BuiltBundle, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    a_clip(tmp_path / "clip.mp4", colours=(RED,) * 7 + (BLUE,) * 3)
    ended = sonoderm("classify", tmp_path / "clip.mp4", *model(built))
    lines = ended.out.splitlines()
    assert ended.code == 0
    assert lines[0] == str(tmp_path / "clip.mp4")
    assert ("7 frames" in lines[1], "READY" in lines[1], "red" in lines[1]) == (True, True, True)
    assert ("3 frames" in lines[2], "READY" in lines[2], "blue" in lines[2]) == (True, True, True)
    assert lines[3:] == ["  10 frames: READY 10 (red 7, blue 3)"]
    assert "10 frames in 1 file with p-colour" in ended.said[-1]
    assert "READY 10 (red 7, blue 3). Research use only." in ended.said[-1]


def test_json_keeps_a_line_for_every_frame_with_path_and_time(sonoderm, built: BuiltBundle, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    a_clip(tmp_path / "clip.mp4", colours=(RED,) * 4 + (BLUE,) * 2)
    ended = sonoderm("classify", tmp_path / "clip.mp4", *model(built), "--json")
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert [row["frame"] for row in rows] == list(range(6))
    assert {row["path"] for row in rows} == {str(tmp_path / "clip.mp4")}
    assert [row["time_s"] for row in rows] == sorted(row["time_s"] for row in rows)
    assert [row["label"] for row in rows] == ["red"] * 4 + ["blue"] * 2


def test_pictures_keep_one_line_each_and_are_counted(sonoderm, built: BuiltBundle, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for name, colour in (("a.png", RED), ("b.png", BLUE)):
        cv2.imwrite(str(tmp_path / name), cv2.cvtColor(a_picture(colour), cv2.COLOR_RGB2BGR))
    (tmp_path / "c.png").write_text("damaged")
    ended = sonoderm("classify", tmp_path, *model(built))
    lines = ended.out.splitlines()
    assert ended.code == 3
    assert [line.split()[0] for line in lines] == [str(tmp_path / name) for name in ("a.png", "b.png", "c.png")]
    assert "REFUSED" in lines[2]
    assert "2 pictures in 3 files" in ended.said[-2]
    assert "READY 2 (red 1, blue 1)" in ended.said[-2]


def ready(label: str, confidence: float, second: str | None = None) -> Reading:
    codes = (label, *([second] if second else []))
    return Reading(None, None, State.READY, label=label, confidence=confidence, set=codes)


def test_a_stretch_tells_from_when_to_when_and_how_sure() -> None:
    clip = Moving()
    answers = [ready("a", 0.9), ready("a", 0.75), ready("a", 0.8, "b"), ready("b", 0.9)]
    lines = [line for at, reading in enumerate(answers) for line in clip.feed(reading, at, at / 10)] + clip.end()
    assert [" ".join(line.split()) for line in lines] == [
        "0.000 to 0.100 s 2 frames READY a 0.75 to 0.90",
        "0.200 s 1 frame READY a 0.80, or b",
        "0.300 s 1 frame READY b 0.90",
        "4 frames: READY 4 (a 3, b 1)",
    ]


def test_frames_without_a_clock_are_told_by_their_number() -> None:
    clip = Moving()
    assert clip.feed(ready("a", 0.9), 0, None) == []
    assert clip.feed(ready("a", 0.9), 1, None) == []
    assert [" ".join(line.split()) for line in clip.end()] == ["frame 0 to 1 2 frames READY a 0.90", "2 frames: READY 2 (a 2)"]


def test_a_file_without_a_frame_has_no_line() -> None:
    assert Moving().end() == []
