"""How noisy a line is, and the message size that carries most over it. Pure.

Each byte on the wire is damaged with probability p, so a message of n bytes is lost with 1 - exp(-p n). p follows the outcomes by
stochastic gradient on log p of that likelihood. The best size for d bytes of data with `OVERHEAD_B` around them maximises
d / (d + o) * exp(-p w (d + o)), which for small p w is d = sqrt(o / (p w)); w: base64 and line marks.
"""

import math
from collections import deque
from typing import Final

__all__ = ["BASE64", "OVERHEAD_B", "SMALLEST_B", "Noise", "wire_b"]

OVERHEAD_B: Final = 45  # header, map, length and CRC of a request
REPLY_WIRE_B: Final = 45
BASE64: Final = 1.36  # four for three, and three of marks a line of 127
SMALLEST_B: Final = 64
_STEP: Final = 0.5
_CLEANEST, _WORST = 1e-8, 0.5
_LAST: Final = 32
_HOPELESS: Final = 20  # of the last 32 at the smallest size; at one error in 1000 bytes that is 1 in 10^8, at one in 100 it is sure


def wire_b(data_b: int) -> int:
    """Bytes of both directions for a message with so much data."""
    return int((data_b + OVERHEAD_B) * BASE64) + REPLY_WIRE_B


class Noise:
    def __init__(self, largest_b: int) -> None:
        self.largest_b = largest_b
        self._log_p: float | None = None  # None: nothing was lost yet
        self._at_smallest: deque[bool] = deque(maxlen=_LAST)
        self.lost = 0

    @property
    def p(self) -> float:
        """Probability that a byte is damaged."""
        return 0.0 if self._log_p is None else math.exp(self._log_p)

    @property
    def size_b(self) -> int:
        """Bytes of data for the next message."""
        if self._log_p is None:
            return self.largest_b
        best = math.sqrt(OVERHEAD_B / (self.p * BASE64))
        return max(min(int(best), self.largest_b), min(SMALLEST_B, self.largest_b))

    @property
    def is_hopeless(self) -> bool:
        """Some come through, and most do not. Where none does, nobody may be there: that is silence, not noise."""
        return len(self._at_smallest) == _LAST and _HOPELESS <= sum(self._at_smallest) < _LAST

    def arrived(self, data_b: int) -> None:
        self._note(data_b, lost=False)
        if self._log_p is not None:
            self._move(-self.p * wire_b(data_b))

    def was_lost(self, data_b: int) -> None:
        self.lost += 1
        self._note(data_b, lost=True)
        if self._log_p is None:
            self._log_p = math.log(0.7 / wire_b(data_b))  # one loss: the median of what explains it
        else:
            x = self.p * wire_b(data_b)
            self._move(2 * x / math.expm1(x) if x < 30 else 0.0)  # up twice as fast as down: a lost large message costs most

    def _note(self, data_b: int, *, lost: bool) -> None:
        if data_b <= SMALLEST_B:
            self._at_smallest.append(lost)

    def _move(self, gradient: float) -> None:
        assert self._log_p is not None
        self._log_p = min(max(self._log_p + _STEP * gradient, math.log(_CLEANEST)), math.log(_WORST))
