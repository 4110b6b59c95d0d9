"""Is the picture alive? Judged by new time stamps and changing content, never by what a driver's read() returned. Pure.

A driver whose device was pulled may return its last buffer for ever, with success; a scanner whose picture is frozen sends the
same screen thirty times a second. A dead driver may also cycle through its last few buffers. Sensor noise makes two live pictures differ,
so a picture equal in every byte to one of the last REMEMBERED is a repetition. A few of them are normal (a 25 fps picture over a 30 fps
link); longer than the silence limit they are no signal, and one new picture ends it. Pictures that a source repeats on purpose
(`Frame.still`) are exempt. The price: a clip that only alternates between a few exactly equal pictures is called frozen.

Pictures are remembered by fingerprint: the pixels of a sample, and of the whole only where the sample came before, which in a living
picture it hardly ever did. The first time it did, nothing is known of the whole: that picture passes for a repetition, the next decides.

Black: the mean level of the picture is below BLACK_MEAN, or it is flat and near the black of a limited-range source (16). Measured on
500 pictures of the training folds at a tenth of their brightness (the "too dark" that the quality gate names): none is below a mean of 2.2,
so what is too dark stays too dark, and black is a lens cap, a dead sensor or an input without a picture.
"""

import zlib
from collections import deque

import numpy as np

from edge.frame import U8, Frame
from edge.reading import Reason

__all__ = ["BLACK_MEAN", "REMEMBERED", "Liveness", "silence_limit_ns"]

BLACK_MEAN = 2.0
REMEMBERED = 16  # pictures; drivers hold 2 to 8 buffers
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
    """Fed every frame in order; keeps fingerprints of the last ones, never their pixels. Start a new one with each opening of a source."""

    def __init__(self, fps: float | None = None, age_limit_ns: int = DEFAULT_AGE_LIMIT_NS) -> None:
        """fps: nominal, used until enough frames came to measure it."""
        self._nominal_ns = round(1e9 / fps) if fps else _UNKNOWN_PERIOD_NS
        self._age_limit_ns = age_limit_ns
        self._gaps_ns: deque[int] = deque(maxlen=_GAPS)
        self._seen: deque[tuple[int, int | None]] = deque(maxlen=REMEMBERED)  # sample, whole (None: not computed)
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
        """BLACK at the first black frame; FROZEN_PICTURE once nothing but known pictures came for longer than the limit; else None."""
        if self._last_ns is not None and frame.captured_ns > self._last_ns:
            self._gaps_ns.append(frame.captured_ns - self._last_ns)
        self._last_ns = frame.captured_ns
        sample = np.ascontiguousarray(frame.pixels[::_STEP_PX, ::_STEP_PX])
        self._is_black = is_black(sample)
        if frame.scene != self._scene or frame.still:
            self._seen.clear()
        self._scene = frame.scene
        self._is_repeating = self._came_before(sample, frame.pixels) and not frame.still
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

    def _came_before(self, sample: U8, pixels: U8) -> bool:
        """Is it one of the remembered pictures? It is remembered, too."""
        of_sample = hash((pixels.shape, sample.tobytes()))
        alike = [of_whole for known, of_whole in self._seen if known == of_sample]
        of_whole = zlib.crc32(np.ascontiguousarray(pixels).data) if alike else None
        self._seen.append((of_sample, of_whole))
        return bool(alike) and (of_whole in alike or not any(known is not None for known in alike))


def is_black(sample: U8) -> bool:
    """(h, w, 3) uint8, full range -> is there no picture in it?"""
    mean = float(sample.mean())
    if mean < BLACK_MEAN:
        return True
    return mean < FLAT_BLACK_MEAN and int(sample.max()) - int(sample.min()) <= FLAT_SPREAD
