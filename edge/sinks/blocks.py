"""Large letters for a terminal: the window's own letters, in half blocks (▀ ▄ █), two rows of pixels a line."""

from functools import lru_cache

import numpy as np

from edge.sinks.pen import Pen

__all__ = ["large"]

INK_AT = 96  # of 255: how much of a pixel must be letter
BLOCKS = (" ", "▄", "▀", "█")


@lru_cache(maxsize=64)
def large(text: str, lines: int, columns: int) -> tuple[str, ...]:
    """`text` in letters up to `lines` lines high and no wider than `columns`; () where it would be too small to read."""
    pen = Pen()
    size = lines * 2
    while size >= 9 and pen.width(text, size, 700) > columns - 2:
        size -= 1
    if size < 9 or not text.isprintable():
        return ()
    canvas = np.zeros((size + size // 2 + 1, columns, 3), np.uint8)
    pen.text(canvas, 0, size, text, size_px=size, colour="#ffffff", weight=700)
    ink = canvas[..., 0] > INK_AT
    rows = np.flatnonzero(ink.any(axis=1))
    if not len(rows):
        return ()
    ink = ink[rows[0] : rows[-1] + 1]
    if len(ink) % 2:
        ink = np.vstack([ink, np.zeros((1, columns), bool)])
    codes = ink[0::2] * 2 + ink[1::2]
    return tuple("".join(BLOCKS[c] for c in row).rstrip() for row in codes)
