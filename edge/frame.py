"""A picture and when it was taken; and what a source says of itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["F32", "U8", "Frame", "Source", "SourceInfo"]

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture.

    pixels: (height, width, 3) uint8, RGB, upright, full range 0..255, C-contiguous.
    captured_ns: CLOCK_MONOTONIC, taken as near to the driver as possible.
    index: counts up from 0 within one opening of a source.
    """

    pixels: U8
    captured_ns: int
    index: int
    source: str
    still: bool = False  # a still shown again on purpose: repetition is no frozen driver
    scene: int = 0  # changes when the source itself knows that the subject changed (dir:)
    rendered: bool = False  # drawn by us, no patient: every view says RENDERED PHANTOM
    time_s: float | None = None  # presentation time within a clip or cine
    path: str | None = None  # the file the picture came from, where there is one


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source knows of itself once it is open."""

    uri: str
    name: str  # identity for people and for profiles: device name and serial, or file name
    fps: float | None = None  # nominal; None when unknown
    frames: int | None = None  # None when unknown: a header's count is a hint, never an end condition
    paced: bool = False  # frames carry time_s and are to be delivered at that pace when live
    settings: tuple[str, ...] = ()  # exposure, white balance, focus … as the driver reports them
    warnings: tuple[str, ...] = ()  # what a person should know (automatic exposure, guessed frame time …)


class Source(Protocol):
    """Anything that frames come from. Opened by its module's `open_source`, used as a context manager.

    Iteration ends at the end of the input; loss raises `errors.SourceUnreachable`; a damaged
    input raises `errors.InputRefused` once the good frames were delivered.
    """

    @property
    def info(self) -> SourceInfo: ...
    def __iter__(self) -> Iterator[Frame]: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...
