"""`sonoderm calibrate color`, as it is called: what it says, what it writes, and what it leaves alone."""

import datetime
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from calibration.color.command import app
from calibration.color.find import find_chart
from calibration.color.read import read_patches
from calibration.color.reference import NAMES, built_in, read_chart
from calibration.color.space import lab_to_code
from edge.bundle.trust import Trust
from edge.errors import CheckFailed, InputRefused, SonodermError, UsageError
from edge.frame import U8
from edge.preprocess.color import correct_color
from edge.profile import color_tables, load_profile
from edge.sources.picture import read_picture
from tests.calibration.color.rendered_chart import Shot, photograph


def save(path: Path, pixels: U8) -> Path:
    assert cv2.imwrite(str(path), pixels[..., ::-1])
    return path


@pytest.fixture(scope="session")
def chart_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("chart") / "chart.png", photograph(Shot(noise=2, light=1.2, angle_deg=5)).pixels)


@pytest.fixture(scope="session")
def a_measured_profile(chart_photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("profile") / "clinic.json"
    ended = run(str(chart_photo), "--camera", "Scope 1", "--optic", "10x", "--profile", str(path), "--report", str(path.parent / "r.html"))
    assert ended.exit_code == 0, ended.output
    return path


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def test_the_profile_is_keyed_by_camera_optic_and_size_and_has_a_last_day(a_measured_profile: Path) -> None:
    correction = load_profile(a_measured_profile, Trust()).profile.corrections[0]
    assert (correction.setting.camera, correction.setting.optic) == ("Scope 1", "10x")
    assert (correction.setting.width_px, correction.setting.height_px) == (720, 540)
    assert correction.expires_on == datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=180)
    assert correction.color_evidence is not None
    assert len(correction.color_evidence.patches) == len(NAMES)


def test_the_report_holds_the_photograph_every_patch_and_calls_nobody(a_measured_profile: Path) -> None:
    page = (a_measured_profile.parent / "r.html").read_text()
    assert "data:image/png;base64," in page
    assert all(name in page for name in NAMES)
    assert "http" not in page.replace("http-equiv", "")


def test_the_same_camera_has_not_drifted_and_nothing_is_written(a_measured_profile: Path, chart_photo: Path) -> None:
    before = a_measured_profile.read_bytes()
    ended = run(str(chart_photo), "--camera", "Scope 1", "--optic", "10x", "--profile", str(a_measured_profile), "--check", "--json")
    assert ended.exit_code == 0
    assert json.loads(ended.stdout)["drift_median"] < 0.1
    assert a_measured_profile.read_bytes() == before


def test_a_camera_with_another_white_balance_has_drifted(a_measured_profile: Path, tmp_path: Path) -> None:
    other = save(tmp_path / "b.png", photograph(Shot(noise=2, light=1.2, angle_deg=5, gains=(0.92, 0.84, 0.6))).pixels)
    ended = run(str(other), "--camera", "Scope 1", "--optic", "10x", "--profile", str(a_measured_profile), "--check")
    assert isinstance(ended.exception, CheckFailed)
    assert "drifted" in ended.exception.what


def test_photographs_in_two_lights_are_refused(chart_photo: Path, tmp_path: Path) -> None:
    other = save(tmp_path / "b.png", photograph(Shot(gains=(0.92, 0.84, 0.55))).pixels)
    ended = run(str(chart_photo), str(other))
    assert isinstance(ended.exception, InputRefused)
    assert "differ by" in ended.exception.what


def test_what_is_refused_leaves_the_old_profile_as_it_was(a_measured_profile: Path, tmp_path: Path) -> None:
    before = a_measured_profile.read_bytes()
    dark = save(tmp_path / "dark.png", photograph(Shot(gains=(0.07, 0.07, 0.07))).pixels)
    ended = run(str(dark), "--camera", "Scope 1", "--profile", str(a_measured_profile))
    assert isinstance(ended.exception, InputRefused)
    assert a_measured_profile.read_bytes() == before


def test_a_file_does_not_know_its_camera(chart_photo: Path, tmp_path: Path) -> None:
    ended = run(str(chart_photo), "--profile", str(tmp_path / "p.json"))
    assert isinstance(ended.exception, UsageError)
    assert "--camera" in (ended.exception.do or "")


def test_a_correction_that_would_help_nobody_is_not_kept(tmp_path: Path) -> None:
    right = save(tmp_path / "a.png", photograph(Shot(matrix=np.eye(3), gains=(0.9999,) * 3, noise=0, blur_px=0)).pixels)
    code = np.rint(lab_to_code(built_in("classic-24").lab))
    seen = read_patches(read_picture(right), find_chart(read_picture(right), built_in("classic-24")))
    assert np.abs(seen.code - code)[:17].max() < 2  # the photograph is right already
    ended = run(str(right), "--camera", "x", "--profile", str(tmp_path / "p.json"))
    assert isinstance(ended.exception, CheckFailed)
    assert "as good as they get" in ended.exception.what
    assert not (tmp_path / "p.json").exists()


def test_a_folder_that_is_not_there_is_said_before_anything_is_measured(chart_photo: Path, tmp_path: Path) -> None:
    for words in (["--report", str(tmp_path / "no" / "r.html")], ["--profile", str(tmp_path / "no" / "p.json"), "--camera", "x"]):
        ended = run(str(chart_photo), *words)
        assert isinstance(ended.exception, UsageError)
        assert "there is no folder" in ended.exception.what


# grey card


def a_card(code: tuple[float, float, float], noise: float = 2) -> U8:
    rng = np.random.default_rng(0)
    return np.clip(np.array(code) + rng.normal(0, noise, (300, 400, 3)), 0, 255).astype(np.uint8)


def test_a_grey_card_takes_away_a_cast_and_leaves_brightness_alone(tmp_path: Path) -> None:
    save(tmp_path / "g.png", a_card((150, 128, 100)))
    ended = run(str(tmp_path / "g.png"), "--grey-card", "--camera", "Scope", "--profile", str(tmp_path / "p.json"))
    assert ended.exit_code == 0, ended.output
    correction = load_profile(tmp_path / "p.json", Trust()).profile.corrections[0]
    assert correction.color is not None
    card = np.array([[(150, 128, 100)]], np.uint8)
    corrected = correct_color(card, color_tables(correction.color))
    assert np.ptp(corrected) <= 1
    assert 120 < corrected.mean() < 140
    assert correction.color_evidence is not None
    assert correction.color_evidence.method == "grey-card"


@pytest.mark.parametrize(
    ("card", "says"),
    [
        (a_card((255, 250, 250)), "clipped"),
        (a_card((12, 12, 12)), "too dark"),
        (a_card((220, 40, 40)), "too strongly colored"),
        (np.repeat(np.linspace(60, 200, 400)[None, :, None], 300, axis=0).repeat(3, axis=2).astype(np.uint8), "varies by"),
    ],
    ids=["clipped", "dark", "colored", "uneven"],
)
def test_what_is_no_grey_card_is_refused(tmp_path: Path, card: U8, says: str) -> None:
    ended = run(str(save(tmp_path / "g.png", card)), "--grey-card")
    assert isinstance(ended.exception, InputRefused)
    assert says in ended.exception.what


# the chart's own values


def a_table(
    path: Path, *, separator: str = ",", decimal: str = ".", heading: str = "L*;a*;b*", rows: int = 24, order: bool = False
) -> Path:
    lab = built_in("classic-24").lab
    lines = ["L*;a*;b*".replace(";", separator) + (separator + "patch" if order else "")]
    numbers = range(24)[::-1] if order else range(24)
    for at in numbers:
        cells = [f"{value:.3f}".replace(".", decimal) for value in lab[at]] + ([str(at + 1)] if order else [])
        lines.append(separator.join(cells))
    path.write_bytes(("\ufeff" + "\r\n".join(lines) + "\r\n").encode())
    return path


@pytest.mark.parametrize(("separator", "decimal", "order"), [(",", ".", False), (";", ",", False), ("\t", ".", True)])
def test_a_chart_s_own_values_are_read_as_a_spreadsheet_writes_them(tmp_path: Path, separator: str, decimal: str, order: bool) -> None:
    read = read_chart(a_table(tmp_path / "c.csv", separator=separator, decimal=decimal, order=order))
    assert np.allclose(read.lab, built_in("classic-24").lab, atol=1e-3)


def test_srgb_values_are_taken_as_such(tmp_path: Path) -> None:
    chart = built_in("classic-24")
    rows = "\n".join(",".join(f"{v:.0f}" for v in row) for row in lab_to_code(chart.lab))
    (tmp_path / "c.csv").write_text(f"R,G,B\n{rows}\n")
    assert np.abs(read_chart(tmp_path / "c.csv").lab - chart.lab)[:12].max() < 1.5


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"x,y\n1,2\n", "no columns"),
        (b"L,a,b\n1,2,3\n", "24 patches"),
        (b"L,a,b\n" + b"1,2,3\n" * 24, "not the 24 colors"),
        (b"L,a,b\n" + b"1,2\n" * 24, "line 2"),
        (b"L,a,b\n" + b"1,2,nan\n" * 24, "no such value"),
        (b"L,a,b,patch\n" + b"1,2,3,1\n" * 24, "each once"),
        ("L,a,b\n1,2,ä\n".encode("utf-16"), "UTF-8"),
    ],
)
def test_a_wrong_table_is_refused_by_line_or_reason(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "c.csv").write_bytes(content)
    with pytest.raises(InputRefused, match=says):
        read_chart(tmp_path / "c.csv")


def test_an_unknown_chart_names_those_that_are_known(chart_photo: Path) -> None:
    ended = run(str(chart_photo), "--chart", "passport")
    assert isinstance(ended.exception, SonodermError)
    assert "classic-24" in (ended.exception.do or "")
