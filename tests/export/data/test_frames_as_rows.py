"""A row may be a picture, a DICOM object, or a frame of a cine or a clip; a folder of classes is a data set; decoded once by content."""

import base64
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import InputRefused
from edge.frame import U8
from edge.sources.clip import ClipSource
from edge.sources.dicom import DicomSource
from edge.sources.picture import read_picture
from export.data.cache import cached
from export.data.shots import Shot, read_shot, read_shots
from export.data.table import Side, read_rows
from export.report.contact import contact_sheet
from export.report.facts import Mistake
from export.store import finished
from tests.clips import BLUE, RED, a_clip
from tests.edge.sources.dicom_builder import US_SINGLE, a_dicom
from tests.export.toy import a_cine, a_picture, a_split


def test_every_frame_is_the_one_that_the_device_would_see(tmp_path: Path) -> None:
    cine, clip = a_cine(tmp_path / "c.dcm"), a_clip(tmp_path / "c.mp4", colours=(RED, BLUE) * 5)
    with DicomSource(cine, "dicom:c") as source:
        of_cine = [frame.pixels for frame in source]
    with ClipSource(clip, "file:c") as source:
        of_clip = [frame.pixels for frame in source]
    shots = [Shot(clip, 7), Shot(cine, 3), Shot(tmp_path / "p.png"), Shot(clip, 0), Shot(cine, 0), Shot(clip, 7)]
    a_picture(tmp_path / "p.png")
    found = dict(read_shots(shots))
    wanted = [of_clip[7], of_cine[3], np.full((48, 64, 3), 90, np.uint8), of_clip[0], of_cine[0], of_clip[7]]
    assert sorted(found) == list(range(6))
    for i, picture in enumerate(wanted):
        assert np.array_equal(found[i], picture), i


def test_a_single_dicom_picture_needs_no_frame_number(tmp_path: Path) -> None:
    single = a_dicom(tmp_path / "s.dcm", np.full((1, 64, 64, 3), 77, np.uint8), sop=US_SINGLE)
    assert np.array_equal(read_shot(Shot(single)), read_shot(Shot(single, 0)))


@pytest.mark.parametrize(
    ("frame", "says"), [(99, "has no frame 99"), (-1, "holds many frames, and the row names none")], ids=["beyond the end", "not named"]
)
def test_a_frame_that_is_not_there_is_refused_by_name(frame: int, says: str, tmp_path: Path) -> None:
    for file in (a_cine(tmp_path / "c.dcm"), a_clip(tmp_path / "c.mp4")):
        with pytest.raises(InputRefused, match=says):
            read_shot(Shot(file, frame))
    with pytest.raises(InputRefused, match="frame 2 of a single picture"):
        read_shot(Shot(a_picture(tmp_path / "p.png"), 2))


def test_rows_of_a_table_name_frames(tmp_path: Path) -> None:
    a_cine(tmp_path / "c.dcm")
    a_picture(tmp_path / "p.png")
    (tmp_path / "l.csv").write_text("image,frame,label,patient,fold\nc.dcm,3,a,x,2\nc.dcm,0,b,x,2\np.png,,a,y,1\n", encoding="utf-8")
    data = a_split("l.csv", "patient")
    rows = read_rows(data, ("a", "b"), tmp_path)
    assert [(row.image.name, row.frame, row.label) for row in rows] == [("c.dcm", 3, 0), ("c.dcm", 0, 1), ("p.png", -1, 0)]
    (tmp_path / "l.csv").write_text("image,frame,label,patient,fold\nc.dcm,third,a,x,2\n", encoding="utf-8")
    with pytest.raises(InputRefused, match="row 2: frame 'third' is no number"):
        read_rows(data, ("a", "b"), tmp_path)


def test_a_folder_of_classes_is_a_data_set_split_by_patient(tmp_path: Path) -> None:
    for i in range(60):
        place = tmp_path / "set" / "ab"[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        if i % 3:
            a_cine(place / f"{i}.dcm", frames=1, PatientID=f"P{i // 6}", sop=US_SINGLE)
        else:
            (place / f"visit{i}").mkdir()
            a_picture(place / f"visit{i}" / "1.png", i)
            a_picture(place / f"visit{i}" / "2.png", i)
    a_clip(tmp_path / "set" / "a" / "clip.mp4")
    (tmp_path / "set" / "README.txt").write_text("notes", encoding="utf-8")
    rows = read_rows(a_split("set", "-"), ("a", "b"), tmp_path)
    assert len(rows) == 40 + 20 * 2 + 8
    sides: dict[str, set[Side]] = {}
    for row in rows:
        assert row.label == ("b" in row.image.relative_to(tmp_path / "set").parts)
        sides.setdefault(row.group, set()).add(row.side)
    assert all(len(where) == 1 for where in sides.values())
    assert len(sides) == 10 + 20 + 1
    assert not any("P1" in group for group in sides)  # no patient's own number is kept
    assert [row.frame for row in rows if row.image.name == "clip.mp4"] == [0, 1, 3, 4, 5, 6, 8, 9]


def test_a_file_in_a_class_folder_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set" / "a").mkdir(parents=True)
    (tmp_path / "set" / "a" / "x.bin").write_bytes(b"nothing")
    with pytest.raises(InputRefused, match=r"x\.bin"):
        read_rows(a_split("set", "-"), ("a",), tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputRefused, match="no folder of a class"):
        read_rows(a_split("empty", "-"), ("a",), tmp_path)


def _shrunk(picture: U8) -> U8:
    return np.asarray(cv2.resize(picture, (8, 6)), np.uint8)


def test_pictures_are_decoded_once_by_their_content(tmp_path: Path) -> None:
    made: list[int] = []

    def make(picture: U8) -> U8:
        made.append(int(picture[0, 0, 0]))
        return _shrunk(picture)

    shots = [Shot(a_picture(tmp_path / f"{i}.png", 40 + i)) for i in range(3)]
    first = np.array(cached(shots, (6, 8), "w", make, tmp_path / "cache"))
    os.utime(shots[0].file, (0, 0))  # a copied or touched data set is the same one
    assert np.array_equal(cached(shots, (6, 8), "w", make, tmp_path / "cache"), first)
    assert made == [40, 41, 42]
    stat = shots[1].file.stat()
    a_picture(shots[1].file, 99)
    os.utime(shots[1].file, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # a changed file is another, whatever its time says
    assert cached(shots, (6, 8), "w", make, tmp_path / "cache")[1, 0, 0, 0] == 99
    assert sorted(file.suffix for file in (tmp_path / "cache").iterdir()) == [".npy", ".npy"]


def test_a_picture_that_breaks_in_the_middle_leaves_nothing_half_done(tmp_path: Path) -> None:
    shots = [Shot(a_picture(tmp_path / "0.png")), Shot(tmp_path / "1.png")]
    shots[1].file.write_bytes(shots[0].file.read_bytes()[:60])
    with pytest.raises(InputRefused, match=r"1\.png"):
        cached(shots, (6, 8), "w", _shrunk, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_is_being_written_holds_the_process_in_its_name(tmp_path: Path) -> None:
    with finished(tmp_path / "a.npy") as partial:
        assert str(os.getpid()) in partial.name
        partial.write_bytes(b"x")
        assert not (tmp_path / "a.npy").exists()
    assert [file.name for file in tmp_path.iterdir()] == ["a.npy"]


def test_a_mistake_on_a_frame_is_shown_as_that_frame(tmp_path: Path) -> None:
    sheet = contact_sheet("toy", "dev", 1, (Mistake(a_cine(tmp_path / "c.dcm"), "a", "b", 0.9, "READY", 3),))
    shown = base64.b64decode(sheet.partition("data:image/jpeg;base64,")[2].partition('"')[0])
    assert abs(float(read_picture(shown).mean()) - 120) < 2
