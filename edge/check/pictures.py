"""Seeded pictures to compare two forms on: rendered phantoms, and golden frames changed as light, hand and focus change them."""

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np

from edge.frame import U8
from edge.model.golden import GoldenFrame
from edge.sources import phantom_derm, phantom_ultrasound
from edge.sources.phantom_hand import steady, take
from edge.sources.phantom_still import LABELS

__all__ = ["pictures"]

SIZE_PX: Final = (320, 240)
PICTURES_PER_SCENE: Final = 12  # a scene costs 30 to 50 ms to draw, a moment of it one
BETWEEN_S: Final = 0.37  # a hand has moved on by then
TREMOR: Final = 0.04  # of the side: how far a perturbed golden frame is shifted at most


def pictures(count: int, golden: tuple[GoldenFrame, ...], seed: int) -> Iterator[U8]:
    """`count` pictures (h, w, 3) uint8 RGB, the same for the same arguments: two of five are perturbed golden frames, the rest phantoms."""
    perturbed = count * 2 // 5 if golden else 0
    rng = np.random.default_rng(seed)
    for at in range(perturbed):
        yield perturb(golden[at % len(golden)].frame, rng)
    yield from _phantoms(count - perturbed, seed)


def _phantoms(count: int, seed: int) -> Iterator[U8]:
    scenes = max(len(LABELS), count // PICTURES_PER_SCENE)
    width, height = SIZE_PX
    for scene in range(min(scenes, count)):
        moments = range(scene, count, scenes)
        kind, form = LABELS[scene % len(LABELS)].split("-")
        hand = take(seed + scene)
        if kind == "derm":
            derm = phantom_derm.draw(seed + scene, form, width, height)
            yield from (phantom_derm.look(derm, steady(hand, at * BETWEEN_S), at) for at in moments)
        else:
            us = phantom_ultrasound.draw(seed + scene, form, width, height)
            yield from (phantom_ultrasound.look(us, steady(hand, at * BETWEEN_S), at) for at in moments)


def perturb(frame: U8, rng: np.random.Generator) -> U8:
    """Another gain, another offset, shifted, perhaps mirrored, a little out of focus, with noise."""
    height, width = frame.shape[:2]
    shift = rng.uniform(-TREMOR, TREMOR, 2) * (width, height)
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64)
    moved = cv2.warpAffine(frame, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    moved = cv2.GaussianBlur(moved, (0, 0), float(rng.uniform(0.1, 1.2)))
    if rng.random() < 0.5:
        moved = cv2.flip(moved, 1)
    noise = rng.normal(0, rng.uniform(0, 5), moved.shape)
    return np.asarray(np.clip(moved * rng.uniform(0.75, 1.25) + rng.uniform(-12, 12) + noise, 0, 255), np.uint8)
