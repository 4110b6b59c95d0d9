"""What the painters share: lengths that follow the picture's size, and the ways to lay one thing over another."""

from collections.abc import Sequence
from typing import TypeVar

import cv2
import numpy as np
from numpy.random import Generator

from edge.frame import F32, U8

__all__ = ["REFERENCE_PX", "alpha_of", "between", "filled", "inked", "laid_over", "lit_by", "multiplied", "one_of", "unit_px"]

T = TypeVar("T")

REFERENCE_PX = 224  # a length of n units is n pixels in a picture of this short side


def unit_px(pixels: U8) -> float:
    """Pixels in one unit of length of this picture."""
    return float(min(pixels.shape[:2])) / REFERENCE_PX


def between(low: float, high: float, strength: float) -> float:
    """low at strength 0, high at 1. low > high where less is worse."""
    return low + (high - low) * strength


def one_of(rng: Generator, *choices: T) -> T:
    return choices[int(rng.integers(len(choices)))]


def filled(shape: tuple[int, ...], colour: Sequence[float]) -> U8:
    """(h, w, 3) of one colour. Plane by plane: numpy takes four times as long to repeat three bytes."""
    return np.asarray(cv2.merge([np.full(shape[:2], np.clip(round(level), 0, 255), np.uint8) for level in colour]), np.uint8)


def laid_over(pixels: U8, alpha: F32, cover: U8) -> U8:
    """`cover`, (h, w, 3), over `pixels` where alpha (h, w), 0..1, says so."""
    return np.asarray(cv2.blendLinear(cover, pixels, alpha, 1 - alpha), np.uint8)


def inked(pixels: U8, drawn: U8, shade: F32 | None = None) -> U8:
    """`drawn`, (h, w, 4) uint8 colour times alpha, and alpha, over `pixels`, which `shade` (h, w) has darkened before."""
    through = 1 - alpha_of(drawn[..., 3])
    colour = np.asarray(cv2.cvtColor(drawn, cv2.COLOR_RGBA2RGB), np.uint8)
    return np.asarray(cv2.add(multiplied(pixels, through if shade is None else np.asarray(through * shade, np.float32)), colour), np.uint8)


def multiplied(pixels: U8, factor: F32) -> U8:
    """Light taken away or given: pixels times factor, (h, w) or (h, w, 3)."""
    of_each = factor if factor.ndim == 3 else cv2.merge([factor, factor, factor])
    return np.asarray(cv2.multiply(pixels, of_each, dtype=cv2.CV_8U), np.uint8)


def lit_by(pixels: U8, light: F32) -> U8:
    """Light added: pixels plus light (h, w) in grey levels, which may be negative."""
    return np.asarray(cv2.add(pixels, cv2.merge([light, light, light]), dtype=cv2.CV_8U), np.uint8)


def alpha_of(mask: U8, blur_px: float = 0.0) -> F32:
    """A drawn mask (h, w), 0..255, as alpha 0..1, its edges blurred."""
    alpha = mask.astype(np.float32) / 255
    return np.asarray(cv2.GaussianBlur(alpha, (0, 0), blur_px) if blur_px > 0.2 else alpha, np.float32)
