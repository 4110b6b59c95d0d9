"""Frame grabbers' habits."""

import numpy as np
import pytest

from edge.frame import U8
from edge.sources.grabber import deinterlace, expand_limited, is_combed, is_limited


def a_scene(at_px: int, *, noise: float = 4.0, seed: int = 0) -> U8:
    """A bright disc on a dark textured ground, 320x240."""
    rows, columns = np.mgrid[:240, :320]
    disc = ((columns - at_px) ** 2 + (rows - 120) ** 2 < 60**2) * 120.0
    ground = 50 + 15 * np.sin(columns / 9) + 10 * np.cos(rows / 13)
    grey = disc + ground + np.random.default_rng(seed).normal(0, noise, (240, 320))
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def interlaced(speed_px: int) -> U8:
    """Even lines of one moment, odd lines of the next."""
    even, odd = a_scene(140), a_scene(140 + speed_px, seed=1)
    even[1::2] = odd[1::2]
    return even


@pytest.mark.parametrize("speed_px", [4, 8, 16, 40])
def test_a_moving_edge_on_two_fields_is_combed_and_mended(speed_px: int) -> None:
    assert is_combed(interlaced(speed_px))
    mended = deinterlace(interlaced(speed_px))
    assert not is_combed(mended)
    np.testing.assert_array_equal(mended[::2], interlaced(speed_px)[::2])


@pytest.mark.parametrize("noise", [0.0, 4.0, 15.0, 40.0])
def test_progressive_pictures_are_not_combed_however_noisy(noise: float) -> None:
    assert not is_combed(a_scene(140, noise=noise))


def test_an_interlaced_picture_without_motion_keeps_all_its_lines() -> None:
    assert not is_combed(interlaced(0))


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 5), (17, 40), (240, 320), (241, 321)])
def test_any_size_is_deinterlaced(size: tuple[int, int]) -> None:
    pixels = np.full((*size, 3), 77, np.uint8)
    np.testing.assert_array_equal(deinterlace(pixels), pixels)
    assert not is_combed(pixels)


def test_deinterlacing_does_not_touch_what_it_was_given() -> None:
    pixels = interlaced(8)
    before = pixels.copy()
    deinterlace(pixels)
    np.testing.assert_array_equal(pixels, before)


def test_studio_range_is_expanded_to_full_range() -> None:
    levels = np.array([0, 15, 16, 17, 125, 126, 234, 235, 236, 255], np.uint8)
    pixels = np.repeat(levels[None, :, None], 3, axis=2)
    assert expand_limited(pixels)[0, :, 0].tolist() == [0, 0, 0, 1, 127, 128, 254, 255, 255, 255]


def a_screen(black: int, white: int) -> U8:
    """A scanner's screen: black surround, a sector with speckle."""
    speckle = np.random.default_rng(3).gamma(2.0, 30.0, (240, 320)).clip(0, 255)
    speckle[:, :90] = speckle[:, 230:] = 0
    grey = black + speckle * (white - black) / 255
    return np.repeat(np.round(grey).astype(np.uint8)[..., None], 3, axis=2)


def test_a_screen_in_studio_range_is_known_and_others_are_left_alone() -> None:
    assert is_limited(a_screen(16, 235))
    assert not is_limited(a_screen(0, 255))
    assert not is_limited(a_scene(140))  # no black surround: no proof
    assert not is_limited(np.full((240, 320, 3), 16, np.uint8))  # no picture at all
