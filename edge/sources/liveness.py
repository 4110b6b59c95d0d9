"""Is the picture alive? Judged by new time stamps and changing content, never by what a driver's read() returned. Pure.

A driver whose device was pulled may return its last buffer for ever, with success; a scanner whose picture is frozen sends the
same screen thirty times a second. Sensor noise makes two live pictures differ, so a picture equal to the one before in every byte is a
repetition. A few of them are normal (a 25 fps picture over a 30 fps link); longer than the silence limit they are no signal. Pictures that
a source repeats on purpose (`Frame.still`) are exempt.

Black: the mean level of the picture is below BLACK_MEAN, or it is flat and near the black of a limited-range source (16). Measured on
500 pictures of the training folds at a tenth of their brightness (the "too dark" that the quality gate names): none is below a mean of 2.2,
so what is too dark stays too dark, and black is a lens cap, a dead sensor or an input without a picture.
"""

from collections import deque

import numpy as np

from edge.frame import U8, Frame
from edge.reading import Reason

__all__ = ["BLACK_MEAN", "Liveness", "silence_limit_ns"]

BLACK_MEAN = 2.0
FLAT_BLACK_MEAN = 24.0
FLAT_SPREAD = 4  # rounding and chroma conversion of one flat colour
SHORTEST_SILENCE_NS = 180_000_000
PERIODS_OF_SILENCE = 2.5
DEFAULT_AGE_LIMIT_NS = 500_000_000

_STEP_PX = 8  # every 8th pixel both ways: 4,800 of 640x480
_UNKNOWN_PERIOD_NS = 66_666_667  # 15 fps, until five frames have told better
_GAPS = 9


def silence_limit_ns(period_ns: int, age_limit_ns: int = DEFAULT_AGE_LIMIT_NS) -> int:
    """How long no new, living frame may come before there is no signal: max(180 ms, 2.5 frame periods), never above the age limit."""
    return min(max(SHORTEST_SILENCE_NS, round(PERIODS_OF_SILENCE * period_ns)), age_limit_ns)


class Liveness:
    """Fed every frame in order; keeps the newest one (no copy) and a sample of it. Start a new one with each opening of a source."""

    def __init__(self, fps: float | None = None, age_limit_ns: int = DEFAULT_AGE_LIMIT_NS) -> None:
        """fps: nominal, used until enough frames came to measure it."""
        self._nominal_ns = round(1e9 / fps) if fps else _UNKNOWN_PERIOD_NS
        self._age_limit_ns = age_limit_ns
        self._gaps_ns: deque[int] = deque(maxlen=_GAPS)
        self._pixels: U8 | None = None
        self._sample: U8 | None = None
        self._last_ns: int | None = None
        self._scene = 0
        self._is_black = self._is_repeating = False
        self.last_living_ns: int | None = None  # capture time of the newest frame that was new and not black

    @property
    def period_ns(self) -> int:
        """The frame period: median of the last gaps; nominal while fewer than five are known."""
        return int(np.median(self._gaps_ns)) if len(self._gaps_ns) >= 5 else self._nominal_ns

    @property
    def limit_ns(self) -> int:
        """The silence limit at this moment."""
        return silence_limit_ns(self.period_ns, self._age_limit_ns)

    def feed(self, frame: Frame) -> Reason | None:
        """BLACK at the first black frame; FROZEN_PICTURE once the same content is older than the limit; else None."""
        if self._last_ns is not None and frame.captured_ns > self._last_ns:
            self._gaps_ns.append(frame.captured_ns - self._last_ns)
        self._last_ns = frame.captured_ns
        sample = np.ascontiguousarray(frame.pixels[::_STEP_PX, ::_STEP_PX])
        self._is_black = is_black(sample)
        self._is_repeating = not frame.still and frame.scene == self._scene and self._is_same(sample, frame.pixels)
        self._sample, self._pixels, self._scene = sample, frame.pixels, frame.scene
        if self._is_black:
            return Reason.BLACK
        if not self._is_repeating:
            self.last_living_ns = frame.captured_ns
            return None
        return self.silence(frame.captured_ns)

    def silence(self, now_ns: int) -> Reason | None:
        """Why there is no signal at now_ns, whether or not frames come: BLACK, FROZEN_PICTURE or STALLED; None while all is well.

        None also before the first living frame (that is STARTING).
        """
        if self._is_black:
            return Reason.BLACK
        if self.last_living_ns is None or now_ns - self.last_living_ns <= self.limit_ns:
            return None
        comes = self._last_ns is not None and now_ns - self._last_ns <= self.limit_ns
        return Reason.FROZEN_PICTURE if self._is_repeating and comes else Reason.STALLED

    def _is_same(self, sample: U8, pixels: U8) -> bool:
        """Equal in every byte; the whole is compared only where the sample is equal."""
        if self._sample is None or self._pixels is None or not np.array_equal(sample, self._sample):
            return False
        return pixels.shape == self._pixels.shape and np.array_equal(_words(pixels), _words(self._pixels))


def _words(pixels: U8) -> np.ndarray[tuple[int, ...], np.dtype[np.unsignedinteger]]:
    """The same bytes eight at a time where their number allows: a comparison of 640x480 then takes a third of the time."""
    flat = np.ascontiguousarray(pixels).reshape(-1)
    return flat.view(np.uint64) if flat.size % 8 == 0 else flat


def is_black(sample: U8) -> bool:
    """(h, w, 3) uint8, full range -> is there no picture in it?"""
    mean = float(sample.mean())
    if mean < BLACK_MEAN:
        return True
    return mean < FLAT_BLACK_MEAN and int(sample.max()) - int(sample.min()) <= FLAT_SPREAD
