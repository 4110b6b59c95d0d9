"""The field of view is found where it is, and left alone where it is the whole picture."""

import cv2
import numpy as np
import pytest

from edge.frame import U8
from edge.preprocess.field import SMALLEST_SHARE, Detector, Field, FieldKind, find_field
from edge.preprocess.small import small_grey


def skin(width: int, height: int, seed: int = 0) -> U8:
    """Bright, textured, with a dark spot in the middle."""
    rng = np.random.default_rng(seed)
    rough = cv2.resize(rng.normal(0, 12, (height // 8 + 1, width // 8 + 1)).astype(np.float32), (width, height))
    picture = np.clip(170 + rough[..., None] + rng.normal(0, 4, (height, width, 3)), 0, 255).astype(np.uint8)
    cv2.circle(picture, (width // 2, height // 2), min(width, height) // 8, (70, 50, 40), -1)
    return picture


def speckle(width: int, height: int, seed: int = 0) -> U8:
    """Ultrasound-like: Rayleigh speckle that grows dark with depth."""
    rng = np.random.default_rng(seed)
    grey = rng.rayleigh(55, (height, width)) * np.linspace(1.2, 0.35, height)[:, None]
    soft = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.0)
    return np.repeat(np.clip(soft, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def find(pixels: U8, detector: Detector) -> Field:
    return find_field(small_grey(pixels), pixels.shape[1], pixels.shape[0], detector)


def is_near(field: Field, box: tuple[int, int, int, int], slack_px: int) -> bool:
    edges = (field.x, field.y, field.x + field.w, field.y + field.h)
    wanted = (box[0], box[1], box[0] + box[2], box[1] + box[3])
    return all(abs(a - b) <= slack_px for a, b in zip(edges, wanted, strict=True))


def words(pixels: U8, places: list[tuple[int, int]]) -> U8:
    for number, at in enumerate(places):
        cv2.putText(pixels, f"Gain {number} MI 0.8", at, cv2.FONT_HERSHEY_SIMPLEX, pixels.shape[0] / 900, (230, 230, 230), 1, cv2.LINE_AA)
    return pixels


@pytest.mark.parametrize("detector", ["dermatoscope", "ultrasound", "none"])
@pytest.mark.parametrize("size", [(200, 150), (341, 256), (640, 480), (1280, 720), (600, 450), (375, 1000)])
def test_a_full_frame_comes_out_as_the_whole_picture(detector: Detector, size: tuple[int, int]) -> None:
    pixels = speckle(*size) if detector == "ultrasound" else skin(*size)
    field = find(pixels, detector)
    assert (field.x, field.y, field.w, field.h) == (0, 0, *size)
    assert field.kind is FieldKind.WHOLE


@pytest.mark.parametrize("size", [(200, 150), (640, 480), (1280, 720)])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.05, 0.02), (-0.06, -0.03)])
@pytest.mark.parametrize("radius", [0.25, 0.35, 0.44])
def test_a_dermatoscope_ring_is_found_wherever_it_sits(size: tuple[int, int], shift: tuple[float, float], radius: float) -> None:
    width, height = size
    ring_px = round(radius * height)
    x, y = round(width * (0.5 + shift[0])), round(height * (0.5 + shift[1]))
    mask = np.zeros((height, width, 1), np.uint8)
    cv2.circle(mask, (x, y), ring_px, (1,), -1)
    field = find(skin(width, height) * mask + np.uint8(3), "dermatoscope")
    assert field.kind is FieldKind.RING
    assert is_near(field, (x - ring_px, y - ring_px, 2 * ring_px, 2 * ring_px), slack_px=max(3, width // 60))


def test_a_ring_larger_than_the_picture_leaves_dark_corners_and_the_whole_picture() -> None:
    mask = np.zeros((150, 200, 1), np.uint8)
    cv2.circle(mask, (100, 75), 105, (1,), -1)
    assert find(skin(200, 150) * mask, "dermatoscope").kind is FieldKind.WHOLE


def test_a_black_lesion_at_the_edge_is_no_surround() -> None:
    pixels = skin(200, 150)
    rng = np.random.default_rng(1)
    pixels[:, 130:] = np.clip(rng.normal(22, 14, (150, 70, 3)), 0, 60).astype(np.uint8)
    assert find(pixels, "dermatoscope").kind is FieldKind.WHOLE


@pytest.mark.parametrize("size", [(640, 480), (1280, 720), (1920, 1080)])
def test_a_rectangular_ultrasound_field_is_cut_out_of_its_screen(size: tuple[int, int]) -> None:
    width, height = size
    box = (round(0.28 * width), round(0.1 * height), round(0.45 * width), round(0.78 * height))
    screen = np.zeros((height, width, 3), np.uint8)
    screen[box[1] : box[1] + box[3], box[0] : box[0] + box[2]] = speckle(box[2], box[3])
    words(screen, [(width // 40, height * k // 12) for k in range(1, 12)] + [(round(0.78 * width), height * k // 10) for k in range(1, 10)])
    field = find(screen, "ultrasound")
    assert field.kind is FieldKind.SCREEN
    assert is_near(field, box, slack_px=width // 40)


@pytest.mark.parametrize("size", [(640, 480), (1280, 720)])
def test_an_ultrasound_sector_is_cut_out_of_its_screen(size: tuple[int, int]) -> None:
    width, height = size
    apex, radius = (width // 2, round(0.06 * height)), round(0.85 * height)
    mask = np.zeros((height, width, 1), np.uint8)
    cv2.ellipse(mask, apex, (radius, radius), 0, 50, 130, (1,), -1)
    field = find(words(speckle(width, height) * mask, [(5, height * k // 9) for k in range(1, 9)]), "ultrasound")
    half = round(radius * np.cos(np.radians(50)))
    assert field.kind is FieldKind.SCREEN
    assert abs(field.x - (apex[0] - half)) <= width // 25
    assert abs(field.x + field.w - (apex[0] + half)) <= width // 25
    assert abs(field.y + field.h - (apex[1] + radius)) <= height // 12


@pytest.mark.parametrize("detector", ["dermatoscope", "ultrasound"])
def test_a_letterboxed_grabber_screen_loses_its_bars(detector: Detector) -> None:
    inner = speckle(640, 360) if detector == "ultrasound" else skin(640, 360)
    field = find(np.pad(inner, ((60, 60), (0, 0), (0, 0)), constant_values=16), detector)
    assert is_near(field, (0, 60, 640, 360), slack_px=8)


def test_depth_without_echo_stays_in_the_picture() -> None:
    pixels = speckle(300, 400)
    pixels[250:] = 2
    assert find(pixels, "ultrasound").kind is FieldKind.WHOLE


@pytest.mark.parametrize("detector", ["dermatoscope", "ultrasound"])
@pytest.mark.parametrize(("share", "found"), [(0.02, False), (0.05, False), (0.085, False), (0.13, True), (0.2, True), (0.4, True)])
def test_a_field_below_a_tenth_of_the_picture_is_no_field(detector: Detector, share: float, found: bool) -> None:
    side = round(np.sqrt(share * 640 * 480))
    pixels = np.zeros((480, 640, 3), np.uint8)
    pixels[40 : 40 + side, 100 : 100 + side] = speckle(side, side) if detector == "ultrasound" else skin(side, side)
    assert SMALLEST_SHARE == 0.10
    assert (find(pixels, detector).kind is not FieldKind.NONE) is found


@pytest.mark.parametrize("detector", ["dermatoscope", "ultrasound"])
def test_black_and_letters_on_black_are_no_field(detector: Detector) -> None:
    black = np.zeros((480, 640, 3), np.uint8)
    assert find(black, detector).kind is FieldKind.NONE
    assert find(words(black, [(30, 40 * k) for k in range(1, 12)]), detector).kind is FieldKind.NONE


def test_a_strip_of_contact_is_not_cut_out_as_if_it_were_a_field() -> None:
    pixels = speckle(400, 400)
    pixels[:, 110:] = 1
    assert find(pixels, "ultrasound").kind is FieldKind.WHOLE
