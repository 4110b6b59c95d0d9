"""The quick way: a grey card that fills the middle of the picture, to gains of the three channels in linear light.

It takes away a cast of the light and nothing else; a chart does more. Brightness is left as it is: a card does not say how bright it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from calibration.color.read import CLIPPED_AT, CLIPPED_SHARE
from calibration.color.space import F64, decode
from edge.errors import InputRefused
from edge.frame import U8
from edge.profile import ColorResponse

__all__ = ["GreyCard", "merge_cards", "read_grey_card"]

MIDDLE = 0.4  # of either side
DARK, CELLS, UNEVEN, STRONGEST = 40.0, 4, 0.12, 7.0
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # ITU-R BT.709


@dataclass(frozen=True, slots=True, eq=False)
class GreyCard:
    """code: (3,) mean code values. gains: (3,) of linear light, so that the card becomes neutral at the same luminance."""

    code: F64
    gains: F64

    @property
    def color(self) -> ColorResponse:
        """As a profile holds it."""
        red, green, blue = (round(float(gain), 6) for gain in self.gains)
        return ColorResponse(matrix=((red, 0.0, 0.0), (0.0, green, 0.0), (0.0, 0.0, blue)))


def read_grey_card(pixels: U8) -> GreyCard:
    """pixels: (h, w, 3) uint8 RGB. Raises InputRefused: too dark, clipped, not even, or not grey in any light."""
    height, width = pixels.shape[:2]
    top, left = round(height * (1 - MIDDLE) / 2), round(width * (1 - MIDDLE) / 2)
    middle = pixels[top : height - top, left : width - left]
    if ((middle >= CLIPPED_AT).mean(axis=(0, 1)) > CLIPPED_SHARE).any():
        raise InputRefused("the card is clipped: the picture is overexposed", do="less light, or a shorter exposure")
    cells = cv2.resize(middle, (CELLS, CELLS), interpolation=cv2.INTER_AREA).reshape(-1, 3).astype(np.float64)
    code = cells.mean(axis=0)
    if code.max() < DARK:
        raise InputRefused(f"the picture is too dark: its middle has {code.max():.0f} of 255", do="more light, or a longer exposure")
    spread = float((np.ptp(cells, axis=0) / np.maximum(code, 1)).max())
    if spread > UNEVEN:
        raise InputRefused(
            f"the middle of the picture varies by {spread:.0%}: no grey card, or uneven light", do="let the card fill the picture"
        )
    linear = decode(np.maximum(code, 1) / 255)
    gains = linear @ _LUMINANCE / linear
    if gains.max() > STRONGEST or gains.min() < 1 / STRONGEST:
        raise InputRefused(
            "the middle of the picture is too strongly colored to be a grey card", do="use the chart, or set the white balance first"
        )
    return GreyCard(code, gains)


def merge_cards(cards: Sequence[GreyCard]) -> GreyCard:
    """The mean of several photographs of one card."""
    return GreyCard(np.mean([card.code for card in cards], axis=0), np.mean([card.gains for card in cards], axis=0))
