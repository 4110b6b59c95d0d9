"""Pictures that are drawn because no photograph of the kind may be used, or is at hand. They stand in for a kind and are no sample of it.

None is drawn as `export` draws the negatives of its gate: other painters, other seeds. Picture i of a kind is fixed by (SEED, kind, i).
"""

import zlib
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.frame import F32, U8
from edge.sources.phantom_noise import cells, field
from edge.sources.phantom_still import LABELS, render_still

__all__ = ["HEIGHT_PX", "KINDS", "WIDTH_PX", "doppler", "drawn", "generator", "phantom"]

WIDTH_PX, HEIGHT_PX = 640, 480
SHAPE = (HEIGHT_PX, WIDTH_PX)
SEED = 7_100_000  # far from those of export (below 1,000) and of benchmarks/ (900,000 and up)
SKINS = ((224, 177, 150), (236, 196, 178), (205, 150, 118), (168, 116, 84), (120, 80, 58), (86, 56, 44))
WORDS = (
    *("patient", "name", "date", "image", "series", "depth", "gain", "probe", "the", "of", "and", "result", "measured"),
    *("next", "save", "cancel", "open", "file", "view", "report", "list"),
)
LETTER_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX)


def generator(kind: str, i: int) -> np.random.Generator:
    return np.random.default_rng((SEED, zlib.crc32(kind.encode()), i))


def phantom(i: int) -> U8:
    """The phantoms of the demonstration, in turn."""
    return render_still(LABELS[i % len(LABELS)], SEED + i, width_px=WIDTH_PX, height_px=HEIGHT_PX)


def _picture(light: NDArray[np.floating]) -> U8:
    return np.asarray(np.clip(light, 0, 255), np.uint8)


def noise(rng: np.random.Generator) -> U8:
    """What an open input shows: white, normal or salt-and-pepper noise, grey or colored."""
    shape = (*SHAPE, int(rng.choice([1, 3])))
    kind = rng.integers(0, 3)
    if kind == 0:
        light = rng.uniform(0, 255, shape)
    elif kind == 1:
        light = rng.normal(rng.uniform(60, 190), rng.uniform(15, 60), shape)
    else:
        light = np.where(rng.random(shape) < rng.uniform(0.05, 0.5), 255.0 * (rng.random(shape) < 0.5), rng.uniform(30, 220))
    return np.repeat(_picture(light.astype(np.float32)), 3 // shape[2], 2)


def blank(rng: np.random.Generator) -> U8:
    """One color, with the little noise and the slight slope of a sensor that looks at nothing."""
    slope = np.linspace(-1, 1, WIDTH_PX, dtype=np.float32)[None, :, None] * np.float32(rng.uniform(-12, 12))
    grain = rng.standard_normal((*SHAPE, 3), np.float32) * np.float32(rng.uniform(0, 4))
    return _picture(rng.integers(25, 235, 3).astype(np.float32) + slope + grain)


def text_screen(rng: np.random.Generator) -> U8:
    """A page of text, a table or a dialog."""
    dark = bool(rng.random() < 0.4)
    paper, ink = ((24, 28, 34), (220, 224, 228)) if dark else ((248, 248, 246), (30, 32, 36))
    out = np.full((*SHAPE, 3), paper, np.uint8)
    accent = tuple(int(c) for c in rng.integers(40, 220, 3))
    cv2.rectangle(out, (0, 0), (WIDTH_PX, int(rng.integers(18, 46))), accent, -1)
    font, size = LETTER_FONTS[int(rng.integers(len(LETTER_FONTS)))], float(rng.uniform(0.35, 0.8))
    columns = int(rng.integers(1, 5))
    for row, y in enumerate(range(72, HEIGHT_PX - 12, round(size * 42))):
        for column in range(columns):
            if rng.random() < 0.85:
                said = " ".join(rng.choice(WORDS, max(1, 8 // columns))) if column or row % 3 else f"{rng.uniform(0, 999):.1f}"
                cv2.putText(out, said, (16 + column * WIDTH_PX // columns, y), font, size, ink, 1, cv2.LINE_AA)
    if columns > 1:
        for x in range(0, WIDTH_PX, WIDTH_PX // columns):
            cv2.line(out, (x, 50), (x, HEIGHT_PX), accent, 1)
    return out


def _skin(rng: np.random.Generator) -> F32:
    """(h, w, 3) float32: furrows, uneven flush and tone."""
    tone = np.array(SKINS[int(rng.integers(len(SKINS)))], np.float32)
    furrows = cells(rng, SHAPE, float(rng.uniform(9, 22)))
    flush = field(rng, SHAPE, (160, 200), 4) * np.float32(rng.uniform(2, 8))
    relief = 1 + 0.02 * field(rng, SHAPE, (6, 6), 2) - np.float32(rng.uniform(0.02, 0.09)) * furrows
    return np.asarray(tone * relief[..., None] + flush[..., None] * np.array([1.0, 0.3, 0.2], np.float32), np.float32)


def bare_skin(rng: np.random.Generator) -> U8:
    """Skin close up without a lesion: furrows, some hair, uneven light."""
    out = _picture(_skin(rng) * (1 - 0.18 * np.abs(field(rng, SHAPE, (600, 600), 1)))[..., None])
    for _ in range(int(rng.integers(0, 14))):
        start, way = rng.integers(0, (WIDTH_PX, HEIGHT_PX)), rng.normal(0, 130, 2)
        bend = np.linspace(0, 1, 24)[:, None]
        line = start + way * bend + rng.normal(0, 25, 2) * bend * (1 - bend) * 4
        cv2.polylines(
            out, [line.astype(np.int32)], False, tuple(int(c) for c in rng.integers(20, 90, 3)), int(rng.integers(1, 4)), cv2.LINE_AA
        )
    return np.asarray(cv2.GaussianBlur(out, (0, 0), float(rng.uniform(0.5, 1.4))), np.uint8)


def hand(rng: np.random.Generator) -> U8:
    """Four fingers and a palm before a table top."""
    table = rng.uniform(40, 220, 3).astype(np.float32) + field(rng, SHAPE, (30, 220), 3)[..., None] * np.float32(rng.uniform(2, 14))
    shape = np.zeros(SHAPE, np.uint8)
    palm = (int(rng.uniform(0.4, 0.6) * WIDTH_PX), int(HEIGHT_PX * 0.92))
    cv2.ellipse(shape, palm, (int(rng.uniform(120, 170)), int(rng.uniform(110, 150))), 0, 0, 360, 255, -1)
    for finger in range(4):
        root = (palm[0] - 105 + finger * 70, palm[1] - 90)
        tip = (int(root[0] + rng.normal((finger - 1.5) * 30, 14)), int(root[1] - rng.uniform(150, 250)))
        cv2.line(shape, root, tip, 255, int(rng.uniform(38, 58)))
        cv2.circle(shape, tip, 24, 255, -1)
    soft = cv2.GaussianBlur(shape, (0, 0), 2.0).astype(np.float32)[..., None] / 255
    round_ = cv2.GaussianBlur(shape, (0, 0), 16.0).astype(np.float32)[..., None] / 255
    return _picture(table * (1 - soft) * (1 - 0.25 * round_) + _skin(rng) * (0.55 + 0.5 * round_) * soft)


def gauze(rng: np.random.Generator) -> U8:
    """Woven cotton close up, sometimes with a stain."""
    y, x = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
    period, turn = float(rng.uniform(7, 20)), float(rng.uniform(0, np.pi))
    x, y = x + 3 * field(rng, SHAPE, (60, 60), 2), y + 3 * field(rng, SHAPE, (60, 60), 2)
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    weave = np.maximum(np.cos(2 * np.pi * u / period) ** 2, np.cos(2 * np.pi * v / period) ** 2)
    light = (np.float32(rng.uniform(120, 170)) + 80 * weave)[..., None] * np.array([1.0, 0.985, 0.95], np.float32)
    if rng.random() < 0.4:
        spot = np.clip(field(rng, SHAPE, (220, 220), 3) - 0.8, 0, 1)[..., None]
        light = light * (1 - spot * np.array([0.25, 0.75, 0.75], np.float32))
    return _picture(light + rng.standard_normal((*SHAPE, 1), np.float32) * 4)


def ceiling(rng: np.random.Generator) -> U8:
    """Mineral tiles in a grid, with a lamp among them: what a probe's camera or a dermatoscope sees when it lies on its back."""
    tile = int(rng.integers(90, 220))
    level = float(rng.uniform(140, 215))
    light = np.full(SHAPE, level, np.float32) - 14 * np.maximum(field(rng, SHAPE, (9, 9), 2) - 1.0, 0)
    shift = rng.integers(0, tile, 2)
    light[(np.arange(HEIGHT_PX) + shift[0]) % tile < 4] -= 45
    light[:, (np.arange(WIDTH_PX) + shift[1]) % tile < 4] -= 45
    x0, y0 = int(tile - shift[1] + tile * rng.integers(0, 2)), int(tile - shift[0])
    light[max(0, y0) : y0 + tile, max(0, x0) : x0 + tile] = 252
    turned = cv2.getRotationMatrix2D((WIDTH_PX / 2, HEIGHT_PX / 2), float(rng.uniform(-30, 30)), 1.5)
    seen = cv2.warpAffine(light, turned, (WIDTH_PX, HEIGHT_PX), borderMode=cv2.BORDER_REFLECT)
    tint = np.array([1.0, 1.0, 1.0], np.float32) * rng.uniform(0.92, 1.0, 3).astype(np.float32)
    return _picture(np.asarray(seen, np.float32)[..., None] * tint + rng.standard_normal((*SHAPE, 1), np.float32) * 3)


def doppler(picture: U8, rng: np.random.Generator) -> U8:
    """Color flow over a real or rendered ultrasound picture, (h, w, 3) uint8 -> the same size: box, vessels in red and blue, scale bar."""
    height, width = picture.shape[:2]
    out = picture.copy()
    w, h = int(width * rng.uniform(0.35, 0.7)), int(height * rng.uniform(0.35, 0.7))
    x, y = int(rng.integers(0, width - w)), int(rng.integers(0, height - h))
    box = out[y : y + h, x : x + w]
    speed = field(rng, (h, w), (h / 3, w / 3), 3)
    flows = np.abs(speed) > rng.uniform(0.7, 1.3)
    strength = np.clip(np.abs(speed) * 90, 60, 255)
    red = np.stack([strength, strength * 0.45, np.zeros_like(strength)], 2)
    color = np.where(speed[..., None] > 0, red, red[..., ::-1])
    box[flows] = np.clip(color, 0, 255).astype(np.uint8)[flows]
    cv2.rectangle(out, (x, y), (x + w - 1, y + h - 1), (235, 235, 235), 1)
    bar = max(4, width // 40)
    steps = np.linspace(1, -1, max(8, height // 3), dtype=np.float32)[:, None]
    ramp = np.stack([np.maximum(steps, 0), 0.4 * np.abs(steps), np.maximum(-steps, 0)], 2) * 255
    out[: len(steps), width - bar :] = ramp.astype(np.uint8)
    return out


KINDS: tuple[tuple[str, Callable[[np.random.Generator], U8]], ...] = (
    ("noise", noise),
    ("blank", blank),
    ("text screens", text_screen),
    ("skin without a lesion", bare_skin),
    ("hand", hand),
    ("gauze", gauze),
    ("ceiling", ceiling),
)


def drawn(kind: str, i: int) -> U8:
    """(480, 640, 3) uint8 RGB: picture i of one of KINDS."""
    return dict(KINDS)[kind](generator(kind, i))
