"""What a scanner paints over its picture in color is foreign, a tint of the whole is not: both are rendered, fixed by their seed."""

import cv2
import numpy as np

from edge.frame import U8
from export.scope.flow import overlaid, tinted


def grey_pictures(n: int) -> U8:
    rng = np.random.default_rng(5)
    return np.repeat(rng.integers(0, 200, (n, 96, 96, 1), np.uint8), 3, 3)


def vivid(picture: U8) -> float:
    """Share of pixels whose channels lie far apart."""
    return float((np.ptp(picture.astype(int), axis=2) > 100).mean())


def test_an_overlay_colors_a_part_and_leaves_the_rest_grey() -> None:
    for picture in overlaid(grey_pictures(10), 60, 3):
        assert vivid(picture) > 0
        assert (np.ptp(picture.astype(int), axis=2) == 0).mean() > 0.05


def test_a_tint_has_one_hue_and_is_never_vivid() -> None:
    for picture in tinted(grey_pictures(10), 40, 3):
        assert vivid(picture) == 0
        bright = picture.max(2) > 60
        hue = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)[bright & (np.ptp(picture.astype(int), axis=2) > 25)][:, 0].astype(float)
        if hue.size:
            around = np.exp(2j * np.pi * hue / 180)
            assert abs(around.mean()) > 0.99


def test_none_asked_for_is_none() -> None:
    assert tinted(grey_pictures(4), 0, 1).shape == (0, 96, 96, 3)


def test_both_are_fixed_by_their_seed() -> None:
    pixels = grey_pictures(4)
    for make in (overlaid, tinted):
        assert np.array_equal(make(pixels, 6, 1), make(pixels, 6, 1))
        assert not np.array_equal(make(pixels, 6, 1), make(pixels, 6, 2))
