"""The scan region of a scanner's screen is found to the pixel that matters, and letters on the tissue are masked."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest
from typer.testing import CliRunner

from calibration.geometry.command import app
from calibration.geometry.locate import Located, locate
from calibration.profile.pictures import Taken
from edge.bundle.trust import Trust
from edge.errors import CheckFailed, InputRefused
from edge.frame import U8
from edge.profile import load_profile
from edge.sources.dicom_regions import Region
from tests.calibration.geometry.rendered_screen import Screen, a_screen
from tests.edge.sources.dicom_builder import a_dicom


def taken(screen: Screen, regions: tuple[Region, ...] = ()) -> Taken:
    return Taken("screen", screen.pictures, None, (), regions)


def mask_of(located: Located, shape: tuple[int, ...], *, with_text: bool) -> np.ndarray:
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.array(located.polygon, np.int32)], (1,))
    for x, y, w, h in located.text if with_text else ():
        mask[y : y + h, x : x + w] = 0
    return mask > 0


def overlap(one: np.ndarray, two: np.ndarray) -> float:
    return float((one & two).sum() / (one | two).sum())


@pytest.mark.parametrize("seed", range(30))
def test_the_region_of_a_rendered_screen_is_found(seed: int) -> None:
    screen = a_screen(seed, jpeg=90 if seed % 5 == 4 else None)
    located = locate(taken(screen))
    assert overlap(mask_of(located, screen.region.shape, with_text=False), screen.region) >= 0.98


@pytest.mark.parametrize("seed", [0, 1, 6, 7])
def test_letters_and_marks_on_moving_tissue_are_masked_and_little_else(seed: int) -> None:
    screen = a_screen(seed, pictures=6)
    kept = mask_of(locate(taken(screen)), screen.region.shape, with_text=True)
    assert (~kept[screen.ink]).mean() >= 0.95
    boxes = cv2.dilate(screen.ink.astype(np.uint8), np.ones((9, 25), np.uint8)) > 0
    assert overlap(kept, screen.region & ~boxes) >= 0.98


def test_tissue_without_letters_is_not_masked() -> None:
    screen = a_screen(3, pictures=6, text_on_tissue=False)
    located = locate(taken(screen))
    assert mask_of(located, screen.region.shape, with_text=True)[screen.region].mean() > 0.97


def box_of(region: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(region)
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


def a_tag(left: int, top: int, right: int, bottom: int, kind: str = "2D", data_type: int = 1) -> Region:
    return Region(left, top, right, bottom, kind, data_type, None, None)


def test_what_a_dicom_file_states_comes_first() -> None:
    screen = a_screen(0)
    located = locate(taken(screen, (a_tag(100, 80, 400, 300), a_tag(0, 0, 600, 20, "spectral", 3))))
    assert located.how == "the DICOM file's region"
    xs, ys = np.array(located.polygon).T
    assert (xs.min(), ys.min(), xs.max(), ys.max()) == (100, 80, 400, 300)
    assert any("spectral" in note for note in located.notes)


def test_a_sector_within_the_stated_box_is_cut_out_of_it() -> None:
    screen = a_screen(1)
    located = locate(taken(screen, (a_tag(*box_of(screen.region)),)))
    assert "sector" in located.how
    assert overlap(mask_of(located, screen.region.shape, with_text=False), screen.region) >= 0.97


@pytest.mark.parametrize("picture", [np.zeros((300, 400, 3), np.uint8), np.full((300, 400, 3), 30, np.uint8)], ids=["black", "grey"])
def test_a_screen_without_tissue_is_refused(picture: U8) -> None:
    with pytest.raises(InputRefused, match="no scan region"):
        locate(Taken("screen", (picture,), None))


def test_a_picture_that_is_all_tissue_needs_nothing() -> None:
    rng = np.random.default_rng(0)
    tissue = cv2.GaussianBlur(rng.integers(40, 220, (300, 400, 3), np.uint8), (0, 0), 1.5)
    with pytest.raises(CheckFailed, match="all over"):
        locate(Taken("screen", (np.asarray(tissue, np.uint8),), None))


# the command


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def test_a_screen_s_picture_goes_into_the_profile_of_its_camera(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "s.png"), a_screen(1).pictures[0][..., ::-1])
    words = ["--camera", "Grabber", "--profile", str(tmp_path / "p.json"), "--report", str(tmp_path / "r.png"), "--json"]
    ended = run(str(tmp_path / "s.png"), *words)
    assert ended.exit_code == 0, (ended.output, ended.exception)
    correction = load_profile(tmp_path / "p.json", Trust()).profile.corrections[0]
    assert correction.setting.camera == "Grabber"
    assert correction.scan_region is not None
    assert json.loads(ended.stdout)["share"] == pytest.approx(a_screen(1).region.mean(), abs=0.01)
    assert cv2.imread(str(tmp_path / "r.png")) is not None


def test_a_dicom_cine_is_read_with_its_regions(tmp_path: Path) -> None:
    screen = a_screen(0, pictures=2)
    left, top, right, bottom = box_of(screen.region)
    item = pydicom.Dataset()
    item.RegionLocationMinX0, item.RegionLocationMinY0, item.RegionLocationMaxX1, item.RegionLocationMaxY1 = left, top, right, bottom
    item.RegionSpatialFormat, item.RegionDataType = 1, 1
    path = a_dicom(tmp_path / "c.dcm", np.stack(screen.pictures), SequenceOfUltrasoundRegions=pydicom.Sequence([item]), FrameTime=40)
    ended = run(str(path), "--json")
    assert ended.exit_code == 0, (ended.output, ended.exception)
    assert json.loads(ended.stdout)["how"].startswith("the DICOM file's region")
