"""What a scanner draws over and beside its picture: measuring crosses, words, a depth scale with the grey bar, the body mark."""

import cv2
import numpy as np
from numpy.random import Generator

from edge.frame import U8
from export.distil.artefacts.brush import between, one_of, unit_px

__all__ = ["body_mark", "calipers", "depth_scale", "words"]

Colour = tuple[float, float, float]
Point = tuple[int, int]

COLOURS: tuple[Colour, ...] = ((255, 255, 255), (235, 235, 235), (190, 190, 190), (255, 235, 60), (90, 235, 90), (90, 225, 235))
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_PLAIN)
SIDES = ("RIGHT BREAST", "LEFT BREAST", "R BREAST", "LT BREAST", "MAMA DIREITA", "MAMA ESQ.", "BRUST RE", "SEIN G")
PLACES = ("10H 3CM FN", "2:00 4CM", "UOQ", "LIQ", "QSE", "QIE", "RAD", "A-RAD", "RETROAREOLAR", "AXILLA")
SETTINGS = ("FR 23Hz", "2D 62%", "Dyn R 60", "P Low", "HRes", "12L  B", "MI 1.1", "TIs 0.4", "Gn 54", "D 4.0cm", "AO 100%")
DEEP = 16  # fixed-point places of OpenCV's drawing: 1/16 pixel
SHIFT = 4


def _pen(unit: float, weight: float = 1.1) -> int:
    return max(1, round(weight * unit))


def _line(pixels: U8, start: tuple[float, float], end: tuple[float, float], colour: Colour, thick: int) -> None:
    a, b = ((round(x * DEEP), round(y * DEEP)) for x, y in (start, end))
    cv2.line(pixels, a, b, colour, thick, cv2.LINE_AA, SHIFT)


def _write(pixels: U8, text: str, at: tuple[float, float], height_px: float, colour: Colour, font: int) -> None:
    """at: left end of the base line; may lie outside, as on a crop of a screen."""
    scale = max(0.18, height_px / cv2.getTextSize("A", font, 1.0, 1)[0][1])
    place = (round(at[0]), round(at[1]))
    cv2.putText(pixels, text, place, font, scale, colour, max(1, round(height_px / 9)), cv2.LINE_AA)


def calipers(pixels: U8, strength: float, rng: Generator) -> U8:
    """One or two pairs of "+" or "x", 6 to 14 units large, as far apart as a lesion is wide, some with a dotted line and numbers."""
    out, unit = pixels.copy(), unit_px(pixels)
    height, width = pixels.shape[:2]
    colour, size = one_of(rng, *COLOURS), between(6, 14, strength) * unit
    centre = np.array([width, height]) * rng.uniform((0.2, 0.15), (0.8, 0.7))
    turn, reach = float(rng.uniform(0, np.pi)), between(0.16, 0.4, float(rng.random())) * min(height, width)
    kinds = ("+", "x") if rng.random() < 0.3 else (one_of(rng, "+", "+", "x"),) * 2
    dotted, numbered = rng.random() < 0.4, rng.random() < 0.5
    for pair in range(2 if rng.random() < between(0.4, 1.0, strength) else 1):
        angle = turn + pair * (np.pi / 2 + float(rng.normal(0, 0.12)))
        half = np.array([np.cos(angle), np.sin(angle)]) * reach / 2 * (1.0 if pair == 0 else float(rng.uniform(0.5, 0.9)))
        ends = (centre - half, centre + half)
        for end in ends:
            _cross(out, end, size, kinds[pair], colour, _pen(unit))
        if dotted:
            for share in np.arange(0, 1, 4.5 * unit / max(1.0, 2 * float(np.linalg.norm(half)))):
                x, y = ends[0] + 2 * half * share
                cv2.circle(out, (round(x * DEEP), round(y * DEEP)), round(0.55 * unit * DEEP), colour, -1, cv2.LINE_AA, SHIFT)
        if numbered:
            _write(out, str(pair + 1), (ends[0][0] - 0.9 * size, ends[0][1] + size), 0.75 * size, colour, cv2.FONT_HERSHEY_SIMPLEX)
    return out


def _cross(pixels: U8, at: np.ndarray[tuple[int], np.dtype[np.float64]], size: float, kind: str, colour: Colour, thick: int) -> None:
    arms = ((1.0, 0.0), (0.0, 1.0)) if kind == "+" else ((0.7, 0.7), (0.7, -0.7))
    for dx, dy in arms:
        _line(pixels, (at[0] - dx * size / 2, at[1] - dy * size / 2), (at[0] + dx * size / 2, at[1] + dy * size / 2), colour, thick)


def words(pixels: U8, strength: float, rng: Generator) -> U8:
    """1 to 3 blocks: side and place anywhere, settings in a corner, results on a dark plate. Letters are 5 to 13 units high."""
    out = pixels.copy()
    blocks = (_annotation, _settings, _results)
    for number in rng.permutation(len(blocks))[: round(between(1, 3, strength))]:
        blocks[int(number)](out, between(6, 11, strength) * float(rng.uniform(0.85, 1.2)) * unit_px(pixels), rng)
    return out


def _annotation(pixels: U8, letter: float, rng: Generator) -> None:
    height, width = pixels.shape[:2]
    lines = [one_of(rng, *SIDES), one_of(rng, *PLACES)] if rng.random() < 0.6 else [f"{one_of(rng, *SIDES)} {one_of(rng, *PLACES)}"]
    if rng.random() < 0.3:
        lines[-1] += "|"  # the cursor was left on the screen
    letter *= 1.2  # typed by a person, larger than what the machine writes
    left, base = rng.uniform(-0.1, 0.7) * width, rng.choice((rng.uniform(0.05, 0.25), rng.uniform(0.6, 0.99))) * height
    colour, font = one_of(rng, *COLOURS), one_of(rng, *FONTS)
    for row, line in enumerate(lines):
        _write(pixels, line, (left, base + row * 1.9 * letter), letter, colour, font)


def _settings(pixels: U8, letter: float, rng: Generator) -> None:
    height, width = pixels.shape[:2]
    n = int(rng.integers(3, 8))
    left = rng.choice((0.015, 0.72)) * width
    top = rng.choice((0.02, 0.55)) * height
    colour, font = one_of(rng, *COLOURS), one_of(rng, *FONTS)
    for row, line in enumerate(rng.permutation(SETTINGS)[:n]):
        _write(pixels, str(line), (left, top + (row + 1) * 1.6 * letter), 0.8 * letter, colour, font)


def _results(pixels: U8, letter: float, rng: Generator) -> None:
    """What was measured, on a plate: numbers of any size, since they are drawn for benign and malignant alike."""
    height, width = pixels.shape[:2]
    n, font, colour = int(rng.integers(1, 4)), one_of(rng, *FONTS), one_of(rng, *COLOURS)
    lengths = [f"{mm:.1f}mm" if rng.random() < 0.5 else f"{mm / 10:.2f}cm" for mm in rng.uniform(3, 32, n)]
    lines = [f"{row + 1} {one_of(rng, 'L', 'D', 'Dist')} {length}" for row, length in enumerate(lengths)]
    left, top = rng.choice((0.02, 0.6)) * width, rng.choice((0.02, 0.97 - 1.8 * letter * n / height)) * height
    if rng.random() < 0.6:
        corner = (round(left + 7.5 * letter), round(top + (1.7 * n + 0.7) * letter))
        cv2.rectangle(pixels, (round(left - 0.4 * letter), round(top)), corner, (12, 12, 12), -1)
        cv2.rectangle(pixels, (round(left - 0.4 * letter), round(top)), corner, (110, 110, 110), 1)
    for row, line in enumerate(lines):
        _write(pixels, line, (left, top + (row + 1) * 1.7 * letter), 0.9 * letter, colour, font)


def depth_scale(pixels: U8, strength: float, rng: Generator) -> U8:
    """Centimetre ticks with numbers down one edge, the focus mark, the grey bar, the maker's letters."""
    out, unit = pixels.copy(), unit_px(pixels)
    height, width = pixels.shape[:2]
    colour, right = one_of(rng, *COLOURS[:3]), rng.random() < 0.7
    inset = float(rng.uniform(0.01, 0.06)) * width
    x, inwards = (width - inset, -1) if right else (inset, 1)
    step, top = float(rng.uniform(0.17, 0.34)) * height, float(rng.uniform(0, 0.06)) * height
    tick, letter = between(2.5, 6, strength) * unit, between(5, 9, strength) * unit
    for count in range(4 * int(height / step) + 4):
        y = top + count * step / 4
        _line(out, (x, y), (x + inwards * tick * (1.8 if count % 4 == 0 else 0.8), y), colour, _pen(unit, 0.8))
        if count % 4 == 0 and count:
            _write(
                out,
                str(count // 4),
                (x + inwards * (2.2 * tick + (0.8 * letter if right else 0)), y + letter / 2),
                letter,
                colour,
                FONTS[0],
            )
    focus = np.array([[0, 0], [inwards * 1.6, -0.8], [inwards * 1.6, 0.8]]) * 4 * unit + (x, rng.uniform(0.3, 0.7) * height)
    cv2.fillPoly(out, [np.rint(focus * DEEP).astype(np.int32)], colour, cv2.LINE_AA, SHIFT)
    if rng.random() < between(0.3, 1.0, strength):
        long, bar = round(0.3 * height), max(2, round(between(4, 8, strength) * unit))
        left, start = round(np.clip(x + inwards * 5 * tick, 0, width - bar)), round(top + 0.03 * height)
        out[start : start + long, left : left + bar] = np.linspace(255, 0, long, dtype=np.uint8)[: height - start, None, None]
    if rng.random() < 0.5:
        _write(
            out,
            one_of(rng, "GE", "P", "M", "V"),
            (rng.uniform(0.02, 0.9) * width, 1.4 * letter),
            1.2 * letter,
            colour,
            cv2.FONT_ITALIC | FONTS[0],
        )
    return out


def body_mark(pixels: U8, strength: float, rng: Generator) -> U8:
    """A small drawing of the breast with the probe's place on it, in a lower corner."""
    out, unit = pixels.copy(), unit_px(pixels)
    height, width = pixels.shape[:2]
    size, colour, thick = between(18, 40, strength) * unit, one_of(rng, *COLOURS), _pen(unit, 1.0)
    x = (size if rng.random() < 0.5 else width - size) + float(rng.uniform(-0.2, 0.2)) * size
    y = height - size * float(rng.uniform(0.8, 1.3))
    middle = (round(x), round(y))
    cv2.circle(out, middle, round(size / 2), colour, thick, cv2.LINE_AA)
    cv2.circle(out, middle, max(1, round(size / 14)), colour, -1, cv2.LINE_AA)
    tail = 1 if rng.random() < 0.5 else -1
    _line(out, (x + tail * 0.36 * size, y - 0.36 * size), (x + tail * 0.75 * size, y - 0.62 * size), colour, thick)  # towards the axilla
    turn, away, lie = rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 0.4) * size, rng.uniform(0, np.pi)
    probe = (x + away * np.cos(turn), y + away * np.sin(turn))
    arm = 0.16 * size * np.array([np.cos(lie), np.sin(lie)])
    _line(out, (probe[0] - arm[0], probe[1] - arm[1]), (probe[0] + arm[0], probe[1] + arm[1]), one_of(rng, *COLOURS), 2 * thick)
    return out
