"""A chart is found however it lies, its patches are the right ones, and a picture that is not fit for it is refused by name."""

import cv2
import numpy as np
import pytest

from calibration.color.find import find_chart
from calibration.color.read import read_patches
from calibration.color.reference import built_in
from edge.errors import InputRefused
from edge.frame import U8
from tests.calibration.color.rendered_chart import Photo, Shot, photograph

CHART = built_in("classic-24")
OUTER = [0, 5, 23, 18]


def step_px(photo: Photo) -> float:
    return float(np.hypot(*(photo.corners[1] - photo.corners[0])) / 5)


@pytest.mark.parametrize(
    "shot",
    [
        Shot(),
        Shot(angle_deg=180),
        Shot(angle_deg=37, tilt=0.25),
        Shot(angle_deg=-100, chart_width_px=330, tilt=-0.2),
        Shot(noise=7),
        Shot(blur_px=5),
        Shot(has_frame=False, gap=0.0),
        Shot(gains=(0.2, 0.2, 0.2)),
        Shot(light=2.0, vignette=0.4),
        Shot(chart_width_px=190),
        Shot(barrel=-0.25, chart_width_px=600),
        Shot(width_px=1600, height_px=1200, chart_width_px=1000, blur_px=2),
        Shot(background=0.03, texture=0.0, gains=(0.9, 0.6, 0.45)),
    ],
    ids=["straight", "upside-down", "askew", "on-its-side", "noisy", "soft", "no-frame", "dim", "uneven", "small", "lens", "large", "warm"],
)
def test_a_chart_is_found_however_it_lies(shot: Shot) -> None:
    photo = photograph(shot)
    found = find_chart(photo.pixels, CHART)
    assert np.abs(found.centers[OUTER] - photo.corners).max() < 0.12 * step_px(photo)


def seen_through_a_dermatoscope(shot: Shot) -> Photo:
    """A round field with black around it; the chart fills it."""
    photo = photograph(shot)
    mask = np.zeros(photo.pixels.shape[:2], np.uint8)
    cv2.circle(mask, (shot.width_px // 2, shot.height_px // 2), round(shot.height_px * 0.5), (255,), -1, cv2.LINE_AA)
    return Photo(cv2.bitwise_and(photo.pixels, np.repeat(mask[..., None], 3, axis=2)).astype(np.uint8), photo.corners)


def test_a_chart_of_dermatoscope_size_is_found_in_its_round_field() -> None:
    photo = seen_through_a_dermatoscope(Shot(chart_width_px=440, vignette=0.5, angle_deg=12))
    found = find_chart(photo.pixels, CHART)
    assert np.abs(found.centers[OUTER] - photo.corners).max() < 0.12 * step_px(photo)


def refusal(pixels: U8) -> str:
    with pytest.raises(InputRefused) as refused:
        read_patches(pixels, find_chart(pixels, CHART))
    return refused.value.what


def with_box(photo: Photo, share: float, level: int) -> U8:
    """The chart's right `share` covered by a sheet."""
    pixels = photo.pixels.copy()
    left = int(photo.corners[:, 0].max() + 60 - share * (np.ptp(photo.corners[:, 0]) + 90))
    pixels[:, left:] = level
    return pixels


@pytest.mark.parametrize("seed", range(3))
def test_where_no_chart_is_nothing_is_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)
    text = np.full((480, 640, 3), 235, np.uint8)
    for row in range(12):
        cv2.putText(text, "Research use only 0123456789", (10, 30 + 38 * row), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (30, 30, 30), 2)
    tiles = np.repeat(np.repeat(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8), 80, axis=0), 80, axis=1)
    blank = np.full((480, 640, 3), 128, np.uint8)
    for picture in (noise, text, tiles, blank):
        assert "chart" in refusal(picture) or "patches" in refusal(picture)


def test_colored_tiles_in_the_chart_s_own_arrangement_are_not_taken_for_it() -> None:
    rng = np.random.default_rng(3)
    assert "not those of the chart" in refusal(photograph(Shot(seed=3), rng.uniform(0.05, 0.9, (24, 3))).pixels)


def test_a_mirrored_chart_is_refused_as_such() -> None:
    assert "mirrored" in refusal(photograph(Shot(is_mirrored=True, angle_deg=20)).pixels)


@pytest.mark.parametrize("level", [20, 128, 240])
def test_a_half_covered_chart_is_refused(level: int) -> None:
    assert refusal(with_box(photograph(), 0.5, level))


@pytest.mark.parametrize("columns", [1, 2])
def test_a_chart_with_a_covered_column_says_that_patches_do_not_look_right(columns: int) -> None:
    assert "covered" in refusal(with_box(photograph(), columns / 6 + 0.06, 90))


def test_glare_is_refused() -> None:
    photo = photograph()
    y, x = np.mgrid[: photo.pixels.shape[0], : photo.pixels.shape[1]]
    glare = 255 * np.exp(-((x - 330) ** 2 + (y - 250) ** 2) / (2 * 90**2))
    said = refusal(np.clip(photo.pixels + glare[..., None], 0, 255).astype(np.uint8))
    assert "glare" in said or "patches" in said


def test_a_small_glint_leaves_its_patch_out_and_the_rest_counts() -> None:
    photo = photograph()
    found = find_chart(photo.pixels, CHART)
    pixels = photo.pixels.copy()
    x, y = (int(v) for v in found.centers[7])
    cv2.circle(pixels, (x + 8, y + 8), 9, (250, 250, 250), -1)
    seen = read_patches(pixels, found)
    assert [each.patch for each in seen.left_out] == [7]
    assert "patch 8 (purplish blue)" in str(seen.left_out[0])


def test_too_dark_is_refused() -> None:
    assert "too dark" in refusal(photograph(Shot(gains=(0.07, 0.07, 0.07))).pixels)


def test_a_clipped_white_is_refused() -> None:
    assert "overexposed" in refusal(photograph(Shot(gains=(1.6, 1.5, 1.4))).pixels)


def test_out_of_focus_is_refused() -> None:
    said = refusal(photograph(Shot(blur_px=14)).pixels)
    assert "focus" in said or "no chart" in said
    assert "focus" in refusal(photograph(Shot(blur_px=11)).pixels)


def test_too_small_a_chart_is_refused() -> None:
    assert refusal(photograph(Shot(chart_width_px=70)).pixels)


def test_a_chart_that_is_cut_off_is_refused() -> None:
    photo = photograph(Shot(chart_width_px=600))
    assert refusal(np.ascontiguousarray(photo.pixels[:, : round(float(photo.corners[1, 0])) - 8]))


def test_a_clipped_color_is_left_out_and_named() -> None:
    seen_by = np.array([[1.0, -0.12, -0.02], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    photo = photograph(Shot(matrix=seen_by, noise=0))
    seen = read_patches(photo.pixels, find_chart(photo.pixels, CHART))
    assert {each.patch for each in seen.left_out} <= {12, 17}
