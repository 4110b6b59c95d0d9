"""Blurred pictures keep their light and lose their detail, half by focus and half by motion, fixed by their seed."""

import cv2
import numpy as np

from export.scope.blur import blurred


def test_a_blur_takes_detail_and_leaves_light() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 60, 80, 3), dtype=np.uint8)
    found = blurred(pixels, 12, 1)
    assert found.shape == (12, 60, 80, 3)
    assert np.array_equal(found, blurred(pixels, 12, 1))
    assert abs(float(found.mean()) - float(pixels.mean())) < 2
    sharpness = [float(cv2.Laplacian(picture, cv2.CV_32F).var()) for picture in found]
    assert max(sharpness) < 0.4 * float(cv2.Laplacian(pixels[0], cv2.CV_32F).var())


def test_motion_keeps_what_lies_along_it() -> None:
    """Every second picture moved along a line: one direction stays sharper than the one across, in a disc none does."""
    pixels = np.random.default_rng(0).integers(0, 256, (1, 120, 120, 3), dtype=np.uint8)

    def lopsided(picture: np.ndarray) -> float:
        grey = picture[..., 0].astype(np.float32)
        gradients = [float(np.abs(np.diff(grey, axis=0)).mean()), float(np.abs(np.diff(grey, axis=1)).mean())]
        diagonal = [float(np.abs(grey[1:, 1:] - grey[:-1, :-1]).mean()), float(np.abs(grey[1:, :-1] - grey[:-1, 1:]).mean())]
        return max(max(gradients) / min(gradients), max(diagonal) / min(diagonal))

    found = blurred(pixels, 10, 2)
    assert min(lopsided(picture) for picture in found[1::2]) > max(lopsided(picture) for picture in found[::2])


def test_no_pictures_give_none() -> None:
    assert blurred(np.zeros((0, 20, 20, 3), np.uint8), 0, 1).shape == (0, 20, 20, 3)
