"""What the camera saw on each patch, and why not to believe it: too dark, clipped, in glare, out of focus.

A patch is read in its middle only, so that a little blur, a little misplacement and the shadow of its edge do not count.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from calibration.color.find import Found
from calibration.color.reference import NAMES, NEUTRAL
from calibration.color.space import F64
from edge.errors import InputRefused
from edge.frame import U8

__all__ = ["LeftOut", "Seen", "read_patches"]

HALF = 0.22  # steps: the middle half of a patch
CLIPPED_AT, CRUSHED_AT = 253, 2
CLIPPED_SHARE = 0.02
DARK_WHITE = 90.0  # code value of the white patch: below it the dark patches lie within a few steps of black
UNEVEN = 14.0  # code values between the quarters of one patch
BLEED = 0.06  # of the contrast to what is around, at the edge of what is read
FEWEST = 20
FEWEST_PX = 30
WHITE = NEUTRAL[0]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """patch: 0..23."""

    patch: int
    why: str

    def __str__(self) -> str:
        return f"patch {self.patch + 1} ({NAMES[self.patch]}): {self.why}"


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """code: (24, 3) float64, mean code values 0..255. pixels: of each patch, (n, 3) uint8, what that is the mean of.

    place: (24, 2), -1..1 over the chart. noise: of one pixel, code values.
    left_out: patches that are shown and not used. bleed: 0 where sharp; share of the surroundings at the edge of what is read.
    """

    code: F64
    pixels: tuple[U8, ...]
    place: F64
    noise: float
    left_out: tuple[LeftOut, ...]
    bleed: float

    @property
    def used(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """(24,) bool."""
        used = np.ones(len(self.code), bool)
        used[[each.patch for each in self.left_out]] = False
        return used


def read_patches(pixels: U8, found: Found) -> Seen:
    """pixels: (h, w, 3) uint8 RGB. Raises InputRefused where the picture is not fit to be measured with, and says why."""
    inside = [_inside(pixels, found.square(at, HALF)) for at in range(len(NAMES))]
    smallest = min(len(each.colors) for each in inside)
    if smallest < FEWEST_PX:
        raise InputRefused(
            f"the chart is too small in the picture: {smallest} pixels for a patch", do="go nearer, so that it fills the picture"
        )
    code = np.array([_trimmed_mean(each.colors) for each in inside])
    if code[WHITE].max() < DARK_WHITE:
        raise InputRefused(
            f"the picture is too dark: its white patch has {code[WHITE].max():.0f} of 255", do="more light, or a longer exposure"
        )
    left_out = tuple(LeftOut(at, why) for at, each in enumerate(inside) if (why := _fault(each)))
    white = [each for each in left_out if each.patch == WHITE and each.why.startswith("clipped")]
    if white:
        raise InputRefused("the white patch is clipped: the picture is overexposed", do="less light, or a shorter exposure")
    if len(NAMES) - len(left_out) < FEWEST:
        shown = "; ".join(map(str, left_out[:4]))
        more = f" and {len(left_out) - 4} more" if len(left_out) > 4 else ""
        raise InputRefused(
            f"{len(left_out)} of 24 patches cannot be used: {shown}{more}", do="even light, no glare, no shadow, and less of it"
        )
    bleed = _bleed(pixels, found)
    if bleed > BLEED:
        raise InputRefused(
            f"the picture is out of focus: neighbors bleed {bleed:.0%} into the patches", do="focus on the chart and hold still"
        )
    noise = float(np.median([each.colors.std(axis=0).mean() for each in inside]))
    return Seen(code, tuple(each.colors.astype(np.uint8) for each in inside), _place(found), noise, left_out, bleed)


@dataclass(frozen=True, slots=True, eq=False)
class _Inside:
    """colors: (n, 3) float64. quarters: (4, 3) their means by quarter of the square."""

    colors: F64
    quarters: F64


def _inside(pixels: U8, square: F64) -> _Inside:
    height, width = pixels.shape[:2]
    left, top = np.maximum(np.floor(square.min(axis=0)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(square.max(axis=0)).astype(int) + 1, (width, height))
    if right - left < 2 or bottom - top < 2:
        return _Inside(np.zeros((0, 3)), np.zeros((4, 3)))
    part = pixels[top:bottom, left:right].astype(np.float64)
    y, x = np.mgrid[top:bottom, left:right]
    basis = np.stack([(square[1] - square[0]), (square[3] - square[0])], axis=1)
    u, v = np.linalg.solve(basis, np.stack([x.ravel() - square[0, 0], y.ravel() - square[0, 1]]))
    within = (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)
    colors = part.reshape(-1, 3)[within]
    quarter = (u[within] > 0.5) + 2 * (v[within] > 0.5)
    means = [colors[quarter == n].mean(axis=0) if (quarter == n).any() else np.zeros(3) for n in range(4)]
    return _Inside(colors, np.array(means))


def _trimmed_mean(colors: F64) -> F64:
    """Mean of the middle four fifths, channel by channel: a speck of dust or a dead pixel does not count."""
    ordered = np.sort(colors, axis=0)
    cut = len(ordered) // 10
    return np.asarray(ordered[cut : len(ordered) - cut].mean(axis=0))


def _fault(inside: _Inside) -> str | None:
    if ((inside.colors >= CLIPPED_AT).mean(axis=0) > CLIPPED_SHARE).any():
        return "clipped, too bright"
    if ((inside.colors <= CRUSHED_AT).mean(axis=0) > 0.5).any():
        return "clipped, too dark or out of the camera's gamut"
    spread = np.ptp(inside.quarters, axis=0).max()
    return f"uneven by {spread:.0f} code values: glare, shadow or dirt" if spread > UNEVEN else None


def _place(found: Found) -> F64:
    """Each patch's place in the picture, relative to the chart's middle and size: what the light may depend on."""
    middle = found.centers.mean(axis=0)
    return np.asarray((found.centers - middle) / np.abs(found.centers - middle).max())


def _bleed(pixels: U8, found: Found) -> float:
    """Median over patches and directions of how far the surroundings reach in: change at +-HALF over the contrast to beyond the edge."""
    shares = []
    steps = np.linspace(-0.8, 0.8, 65)
    aside = np.linspace(-0.15, 0.15, 7)
    for at in range(len(NAMES)):
        for along, across in ((found.right[at], found.down[at]), (found.down[at], found.right[at])):
            where = (found.centers[at] + steps[:, None, None] * along + aside[None, :, None] * across).astype(np.float32)
            line = cv2.remap(pixels, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            profile = line.astype(np.float64).mean(axis=1)
            middle = profile[np.abs(steps) <= 0.1].mean(axis=0)
            edge = profile[np.abs(np.abs(steps) - HALF) <= 0.03].mean(axis=0) - middle  # both sides: a slope of the light cancels out
            around = profile[np.abs(steps) >= 0.5].mean(axis=0) - middle
            channel = int(np.abs(around).argmax())
            if abs(around[channel]) > 30:
                shares.append(abs(edge[channel] / around[channel]))
    return float(np.median(shares)) if shares else 1.0
