"""The artefacts of each modality, in the order in which they come to lie on a picture, and how often training draws them.

Rates and ranges follow the dermoscopic and sonographic literature on shortcuts (Winkler 2019 for ink and rulers, Pewton 2024 for dark
corners, `adamtupper/usaugment` for ultrasound). They never look at the label: an artefact that came more often with
one class would become its sign.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.random import Generator

from edge.frame import U8
from edge.preprocess.field import BRIGHTEST_BLACK, Detector, Field, FieldKind, find_field
from edge.preprocess.small import small_grey
from edge.sources.phantom_noise import smoothstep
from export.distil.artefacts import echo, gel, hair, lens, marks, receiver, ruler, screen

__all__ = ["Artefact", "Kind", "Paint", "artefacts_of", "painted", "worn"]

Kind = Literal["skin", "ultrasound"]
Paint = Callable[[U8, float, Generator], U8]
BAR_LEVELS = 3  # grey levels that a row or column of a dark field lies above the bars, whose noise averages out
UNLIT, FULLY_LIT = 12.0, 34.0  # grey levels: of the dark beside a round field, of the darkest lesions
Where = Literal["skin", "field", "frame"]


@dataclass(frozen=True, slots=True)
class Artefact:
    """rate: share of training pictures that wear it. where: in the field of view, there on what is lit alone, or on the whole frame."""

    name: str
    rate: float
    where: Where
    paint: Paint


SKIN = (
    Artefact("ink", 0.08, "skin", marks.ink),
    Artefact("sticker", 0.03, "skin", marks.sticker),
    Artefact("hairs", 0.3, "skin", hair.hairs),
    Artefact("stubble", 0.15, "skin", hair.stubble),
    Artefact("gel bubbles", 0.15, "skin", gel.bubbles),
    Artefact("glints", 0.1, "skin", gel.glints),
    Artefact("ruler", 0.1, "skin", ruler.ruler),
    Artefact("dark corners", 0.3, "field", lens.dark_corners),
    Artefact("colour cast", 0.15, "field", lens.cast),
    Artefact("rescaled", 0.1, "frame", lens.rescaled),
    Artefact("JPEG", 0.15, "frame", lens.compressed),
)
ULTRASOUND = (
    Artefact("shadow", 0.15, "field", echo.shadow),
    Artefact("haze", 0.1, "field", echo.haze),
    Artefact("reverberation", 0.1, "field", echo.reverberation),
    Artefact("contact lost", 0.1, "field", echo.contact_lost),
    Artefact("depth", 0.2, "field", receiver.lost_in_depth),
    Artefact("TGC", 0.3, "field", receiver.tgc),
    Artefact("gain", 0.3, "field", receiver.gain),
    Artefact("speckle", 0.15, "field", receiver.speckle),
    Artefact("smoothed", 0.1, "field", receiver.smoothed),
    Artefact("calipers", 0.2, "field", screen.calipers),
    Artefact("words", 0.2, "frame", screen.words),
    Artefact("depth scale", 0.15, "frame", screen.depth_scale),
    Artefact("body mark", 0.05, "frame", screen.body_mark),
    Artefact("rescaled", 0.1, "frame", lens.rescaled),
    Artefact("JPEG", 0.1, "frame", lens.compressed),
)
DETECTORS: dict[Kind, Detector] = {"skin": "dermatoscope", "ultrasound": "ultrasound"}


def artefacts_of(kind: Kind) -> tuple[Artefact, ...]:
    return SKIN if kind == "skin" else ULTRASOUND


def _between_bars(pixels: U8, detector: Detector) -> Field:
    """The field of a picture that was prepared for a model: all of it but the bars of a letterbox. A tenth of the cost of `find_field`."""
    height, width = pixels.shape[:2]
    spans, green = [], pixels[..., 1]
    blocks = cv2.resize(green, (max(1, width // 8), max(1, height // 8)), interpolation=cv2.INTER_AREA)
    black = min(float(np.sort(blocks, axis=None)[blocks.size // 20]), BRIGHTEST_BLACK)  # not the least: that is noise
    for axis in (0, 1):
        level = cv2.reduce(green, axis, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()
        lit = np.flatnonzero(level > black + BAR_LEVELS)
        spans.append((int(lit[0]), int(lit[-1]) + 1) if lit.size else (0, level.size))
    (left, right), (top, bottom) = spans
    share = (right - left) * (bottom - top) / (width * height)
    return Field(left, top, right - left, bottom - top, FieldKind.WHOLE if share == 1 else FieldKind.SCREEN, share, detector)


@dataclass(frozen=True, slots=True)
class _Draw:
    """What place and name decide: chance 0..1, and the seed of the rest. By digest: a generator for each costs ten times as much."""

    chance: float
    seed: int


def _draw(artefact: Artefact, at: tuple[int, ...]) -> _Draw:
    """Each artefact has its own stream, by its name: one more in the table moves none of the others."""
    place = " ".join(str(int(number)) for number in at)
    digest = hashlib.blake2b(f"{place} {artefact.name}".encode(), digest_size=16).digest()
    return _Draw(int.from_bytes(digest[:8]) / 2**64, int.from_bytes(digest[8:]))


def _laid(artefact: Artefact, pixels: U8, field: Field, strength: float, rng: Generator) -> U8:
    if artefact.where == "frame":
        return artefact.paint(pixels, strength, rng)
    view = np.ascontiguousarray(field.crop(pixels))
    changed = artefact.paint(view, strength, rng)
    if artefact.where == "skin":
        changed = _where_lit(view, changed)
    if view.shape == pixels.shape:
        return changed
    out = pixels.copy()
    field.crop(out)[...] = changed
    return out


def _where_lit(view: U8, changed: U8) -> U8:
    """Nothing that lies on skin is seen in the dark around the round field of a tube."""
    grey = cv2.cvtColor(view, cv2.COLOR_RGB2GRAY)
    if int(grey.min()) >= FULLY_LIT:
        return changed
    levels = smoothstep(UNLIT, FULLY_LIT, np.arange(256, dtype=np.float32))
    lit = np.asarray(cv2.LUT(grey, levels), np.float32)
    return np.asarray(cv2.blendLinear(changed, view, lit, 1 - lit), np.uint8)


def painted(pixels: U8, kind: Kind, artefact: Artefact, strength: float, at: tuple[int, ...]) -> U8:
    """One artefact alone, of known strength 0..1, on a picture as a device gets it. at: what the draw hangs on."""
    field = find_field(small_grey(pixels), pixels.shape[1], pixels.shape[0], DETECTORS[kind])
    return _laid(artefact, pixels, field, strength, np.random.default_rng(_draw(artefact, at).seed))


def worn(pixels: U8, kind: Kind, at: tuple[int, ...]) -> U8:
    """(h, w, 3) uint8 RGB, prepared for a model, with whatever artefacts fall on it, each at its rate, of a strength drawn from 0..1."""
    field: Field | None = None
    for artefact in artefacts_of(kind):
        draw = _draw(artefact, at)
        if draw.chance < artefact.rate:
            field = field or _between_bars(pixels, DETECTORS[kind])
            rng = np.random.default_rng(draw.seed)
            pixels = _laid(artefact, pixels, field, float(rng.random()), rng)
    return pixels
