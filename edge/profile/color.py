"""The way from a camera's code values to sRGB, as formulas in float64 and as the tables that the device applies.

    linear = decode((code - black) / (1 - black)) ** power      each channel by itself, codes between 0 and 1
    sRGB   = encode(matrix · linear)

decode, encode: IEC 61966-2-1. A uint8 code has 256 values, so the first line is a table; the second is one with 65,536 steps of light,
where the steepest part of `encode` rises by 0.05 code values a step.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.frame import F32, U8
from edge.profile.record import ColorResponse

__all__ = ["F64", "ColorTables", "color_tables", "decode", "encode", "linear_of"]

F64 = NDArray[np.float64]
FULL_LIGHT: Final = 65535  # what linear light of 1 is in the tables


@dataclass(frozen=True, slots=True, eq=False)
class ColorTables:
    """light: (1, 256, 3) float32, linear light by code value. code: (65536,) uint8, sRGB code value by light in steps of 1 / FULL_LIGHT.

    matrix: (3, 4) float32, linear camera to such steps, and a half, so that cutting the fraction off rounds.
    """

    light: F32
    matrix: F32
    code: U8


def decode(code: F64) -> F64:
    """sRGB code value -> linear light. Odd about 0, so that a value out of the gamut keeps its sign and can be compared."""
    size = np.abs(code)
    return np.asarray(np.sign(code) * np.where(size <= 0.04045, size / 12.92, ((size + 0.055) / 1.055) ** 2.4))


def encode(linear: F64) -> F64:
    """linear light -> sRGB code value; the inverse of `decode`."""
    size = np.abs(linear)
    return np.asarray(np.sign(linear) * np.where(size <= 0.0031308, size * 12.92, 1.055 * size ** (1 / 2.4) - 0.055))


def linear_of(code: F64, power: F64, black: F64) -> F64:
    """(..., 3) code 0..1 -> (..., 3) linear light of the camera's own channels. power, black: (3,). Odd about black."""
    curved = decode((code - black) / (1 - black))
    return np.asarray(np.sign(curved) * np.abs(curved) ** power)


def color_tables(response: ColorResponse) -> ColorTables:
    """Made once, when the profile is loaded."""
    codes = np.repeat(np.arange(256.0)[:, None] / 255, 3, axis=1)
    light = linear_of(codes, np.array(response.power), np.array(response.black))
    code = np.rint(encode(np.arange(FULL_LIGHT + 1) / FULL_LIGHT) * 255)
    matrix = np.column_stack([np.array(response.matrix) * FULL_LIGHT, np.full(3, 0.5)])
    return ColorTables(light[None].astype(np.float32), matrix.astype(np.float32), code.astype(np.uint8))
