"""A scanner's screen, rendered: the phantom's tissue, and around and on it what scanners draw. The truth beside it."""

from dataclasses import dataclass

import cv2
import numpy as np

from edge.frame import U8
from edge.sources import phantom_ultrasound
from edge.sources.phantom_hand import steady, take
from edge.sources.phantom_tissue import Inclusion

INKS = ((255, 255, 255), (230, 230, 120), (120, 220, 255), (200, 200, 200))


@dataclass(frozen=True)
class Screen:
    """pictures: (h, w, 3) uint8 RGB. region: (h, w) bool, tissue. ink: (h, w) bool, letters and marks on the tissue."""

    pictures: tuple[U8, ...]
    region: np.ndarray
    ink: np.ndarray


def a_screen(seed: int, *, pictures: int = 1, text_on_tissue: bool = True, jpeg: int | None = None) -> Screen:
    rng = np.random.default_rng(seed)
    width, height = ((640, 480), (800, 600), (854, 480))[seed % 3]
    high = round(height * rng.uniform(0.74, 0.9))
    wide = round(min(high * rng.uniform(1.15, 1.35), width * 0.86))
    view = "sector" if seed % 2 else "linear"
    kinds: tuple[Inclusion, ...] = ("cyst", "mass")
    scene = phantom_ultrasound.draw(seed, kinds[seed // 2 % 2], wide, high, view)
    inside = np.zeros((height, width), bool)
    left, top = round((width - wide) * rng.uniform(0.2, 0.8)), round((height - high) * rng.uniform(0.5, 0.9))
    inside[top : top + high, left : left + wide] = scene.map_xy[..., 0] >= 0
    back = np.array((0, 0, 0) if seed % 4 else rng.integers(8, 34, 3), np.uint8)
    furniture, ink = _furniture(rng, inside, text_on_tissue)
    hand = take(seed)
    made = []
    for at in range(pictures):
        tissue = phantom_ultrasound.look(scene, steady(hand, at * 0.7), at)
        picture = np.full((height, width, 3), back, np.uint8)
        part = picture[top : top + high, left : left + wide]
        part[:] = np.maximum(part, tissue)
        picture[inside] = np.zeros((height, width, 3), np.uint8)[inside]
        shown = np.zeros((height, width, 3), np.uint8)
        shown[top : top + high, left : left + wide] = tissue
        picture[inside] = shown[inside]
        drawn = furniture[..., :3]
        share = furniture[..., 3:].astype(np.float32) / 255
        picture = np.rint(picture * (1 - share) + drawn * share).astype(np.uint8)
        if jpeg is not None:
            ok, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, jpeg])
            assert ok
            picture = np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])
        made.append(picture)
    return Screen(tuple(made), inside, ink)


def _furniture(rng: np.random.Generator, inside: np.ndarray, text_on_tissue: bool) -> tuple[U8, np.ndarray]:
    """((h, w, 4) color and cover, letters on the tissue)."""
    height, width = inside.shape
    color, cover = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8)
    ink = INKS[int(rng.integers(len(INKS)))]
    size = height / 768

    def write(text: str, x: int, y: int, scale: float) -> np.ndarray:
        own = np.zeros((height, width), np.uint8)
        cv2.putText(own, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale * size, (255,), 1, cv2.LINE_AA)
        color[own > 0] = ink
        np.maximum(cover, own, out=cover)
        return own

    write("CLINIC  RESEARCH", round(12 * size), round(22 * size), 0.6)
    write("MI 0.8  TIs 0.3", round(width - 230 * size), round(22 * size), 0.55)
    for row, text in enumerate(("L12-5", "Fr 34", "Gn 62", "DR 60", "D 4.0 cm")):
        write(text, round(6 * size), round((60 + 24 * row) * size), 0.5)
    cover[inside & (cover > 0)] = 0
    on_tissue = np.zeros((height, width), bool)
    if text_on_tissue:
        rows, columns = np.nonzero(inside)
        middle = round(float(columns.mean()))
        row = round(float(np.percentile(rows, 78)))
        letters = write("RT BREAST 10:00", middle - round(90 * size), row, 0.65)
        on_tissue |= letters > 40
        for _ in range(2):
            x, y = middle + int(rng.integers(-80, 80)), round(float(np.percentile(rows, 40))) + int(rng.integers(-40, 40))
            own = np.zeros((height, width), np.uint8)
            cv2.drawMarker(own, (x, y), (255,), cv2.MARKER_CROSS, round(16 * size), 1, cv2.LINE_AA)
            color[own > 0] = ink
            np.maximum(cover, own, out=cover)
            on_tissue |= own > 40
    return np.dstack([color, cover]), on_tissue & inside
