"""Text and shapes on a canvas of pixels. OpenCV 5 brings a real font (all weights); OpenCV 4 has the plotter letters of 1967."""

import cv2
import numpy as np

from edge.frame import U8
from edge.sinks.theme import GRID, Look, rgb

__all__ = ["Pen"]

HERSHEY_PX = 30.0  # height of a capital with its descender room at scale 1.0
SUBPIXEL_BITS = 4


class Pen:
    """Draws on (h, w, 3) uint8 RGB in place. One pen per thread: a font is a thing with memory."""

    def __init__(self) -> None:
        make = getattr(cv2, "FontFace", None)
        self._font = make("sans") if make else None

    def width(self, text: str, size_px: float, weight: int = 400) -> int:
        if self._font is not None:
            box = cv2.getTextSize((1 << 14, 1 << 14), text, (0, 0), self._font, round(size_px), weight)
            return int(box[2])
        (wide, _), _ = cv2.getTextSize(_plain(text), cv2.FONT_HERSHEY_DUPLEX, size_px / HERSHEY_PX, 1)
        return int(wide)

    def text(self, canvas: U8, x: float, y: float, text: str, *, size_px: float, colour: str, weight: int = 400) -> None:
        """(x, y): left end of the baseline."""
        at = (round(x), round(y))
        if self._font is not None:
            cv2.putText(canvas, text, at, rgb(colour), self._font, round(size_px), weight, 0, (0, 1 << 14))
            return
        thickness = 2 if weight >= 600 and size_px > 26 else 1
        cv2.putText(canvas, _plain(text), at, cv2.FONT_HERSHEY_DUPLEX, size_px / HERSHEY_PX, rgb(colour), thickness, cv2.LINE_AA)

    def fit(self, text: str, room_px: float, size_px: float, least_px: float, weight: int = 400) -> tuple[str, float]:
        """The text and the largest size up to `size_px` at which it takes no more than `room_px`; cut with … below `least_px`."""
        size = float(int(size_px))
        while size > least_px and self.width(text, size, weight) > room_px:
            size -= 1
        while text and self.width(text, size, weight) > room_px:
            text = text.removesuffix("…")[:-1].rstrip() + "…" if len(text) > 1 and text != "…" else ""
        return text, size

    def wrap(self, text: str, room_px: float, size_px: float, weight: int = 400) -> list[str]:
        """Words into lines of no more than `room_px`; a single longer word keeps a line of its own."""
        lines: list[str] = []
        for word in text.split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.width(longer, size_px, weight) <= room_px:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

    def shape(self, canvas: U8, x: float, y: float, size_px: float, look: Look) -> None:
        """A state's shape in the square whose upper left corner is (x, y)."""
        scale = size_px / GRID * (1 << SUBPIXEL_BITS)
        origin = np.array([x, y]) * (1 << SUBPIXEL_BITS)
        thickness = max(2, round(size_px / 10))
        for stroke in look.shape:
            points = (np.array(stroke.points) * scale + origin).round().astype(np.int32)
            if stroke.filled:
                cv2.fillPoly(canvas, [points], rgb(look.colour), cv2.LINE_AA, SUBPIXEL_BITS)
            else:
                cv2.polylines(canvas, [points], False, rgb(look.colour), thickness, cv2.LINE_AA, SUBPIXEL_BITS)


def _plain(text: str) -> str:
    """What the plotter letters can write: ASCII."""
    for sign, instead in (("·", "|"), ("—", "-"), ("…", "..."), ("≤", "<=")):
        text = text.replace(sign, instead)
    return text.encode("ascii", "replace").decode()
