"""`dir:` the pictures of a folder, of a label table, or one picture: each a scene of its own.

As stills: every picture once, standing for one second (`hold=`); who plays it live shows it again at 10 fps. With `motion=tremor`
a hand moves over each for six seconds at 30 fps, with the noise of a sensor: frames that differ, as a camera's do. A picture that cannot be
read is passed over, and the source ends with PartialInput, which names it.

Options: where=COLUMN=VALUE (tables; may be repeated), root=FOLDER (tables), motion=tremor, seed=N, hold=SECONDS, fps=N (motion), loop=yes.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from edge.errors import InputRefused, PartialInput
from edge.frame import U8, Frame, Source, SourceInfo
from edge.sources.folder_list import Listing, list_pictures
from edge.sources.phantom_noise import sensor_noise
from edge.sources.picture import read_picture
from edge.sources.tremor import SENSOR_NOISE_LEVELS, hold, move, with_sensor_noise
from edge.sources.uri import SourceUri

__all__ = ["OPTIONS", "PictureSource", "open_source"]

OPTIONS = frozenset({"where", "root", "motion", "seed", "hold", "fps", "loop"})
STILL_HOLD_S = 1.0
MOTION_HOLD_S = 6.0
MOTION_FPS = 30.0
MOTION_LONG_SIDE_PX = 1280  # a hand-held view is a video: larger pictures are shrunk first, as a camera would
INSET = 1.06  # the view is smaller than the picture by this much, so that drift and tremor stay inside it


def open_source(uri: SourceUri) -> Source:
    """List the pictures. Raises InputRefused (no such folder, no picture in it) and UsageError (an option, a column of the table)."""
    listing = list_pictures(uri)
    moves = uri.choice("motion", ("tremor", "none")) == "tremor"
    seed = uri.integer("seed", low=0, high=2**32 - 1) or 0
    hold_s = uri.number("hold", low=0.1, high=3600) or (MOTION_HOLD_S if moves else STILL_HOLD_S)
    fps = uri.number("fps", low=1, high=120) or MOTION_FPS
    loops = uri.choice("loop", ("yes", "no")) == "yes"
    count = len(listing.paths) * (round(hold_s * fps) if moves else 1)
    info = SourceInfo(
        uri=str(uri),
        name=Path(uri.target).name or uri.target,
        fps=fps if moves else 1 / hold_s,
        frames=None if loops else count,
        paced=True,
        settings=(f"motion=tremor seed={seed}",) if moves else (),
        warnings=listing.warnings,
    )
    return PictureSource(listing, info, hold_s=hold_s, motion_fps=fps if moves else None, seed=seed, loops=loops)


class PictureSource:
    """motion_fps None: stills. Iterates once over all pictures, or round and round."""

    def __init__(self, listing: Listing, info: SourceInfo, *, hold_s: float, motion_fps: float | None, seed: int, loops: bool) -> None:
        self._listing, self._info = listing, info
        self._hold_s, self._motion_fps, self._seed, self._loops = hold_s, motion_fps, seed, loops

    @property
    def info(self) -> SourceInfo:
        return self._info

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def __iter__(self) -> Iterator[Frame]:
        index = scene = 0
        while True:
            refused: list[InputRefused] = []
            for path in self._listing.paths:
                try:
                    pixels = read_picture(path)
                except InputRefused as error:
                    refused.append(error)
                    continue
                for frame in self._shown(path, pixels, scene, index):
                    yield frame
                    index += 1
                scene += 1
            if refused:
                raise _refusal(refused, len(self._listing.paths))
            if not self._loops:
                return

    def _shown(self, path: Path, pixels: U8, scene: int, index: int) -> Iterator[Frame]:
        """One picture's frames. index: of the first."""
        start_s = scene * self._hold_s
        if self._motion_fps is None:
            yield self._frame(pixels, index, scene, start_s, path)
            return
        pixels = _as_video(pixels)
        high, wide = pixels.shape[:2]
        hand = hold(self._seed * 100_003 + scene)
        noise = sensor_noise(np.random.default_rng((self._seed, scene)), (high + 24, wide + 24, 3), SENSOR_NOISE_LEVELS)
        for tick in range(round(self._hold_s * self._motion_fps)):
            time_s = tick / self._motion_fps
            view = move(pixels, hand.pose(time_s), width_px=wide, height_px=high, inset=INSET)
            yield self._frame(with_sensor_noise(view, noise, tick), index + tick, scene, start_s + time_s, path)

    def _frame(self, pixels: U8, index: int, scene: int, time_s: float, path: Path) -> Frame:
        return Frame(
            pixels=pixels,
            captured_ns=time.monotonic_ns(),
            index=index,
            source=self._info.name,
            still=self._motion_fps is None,
            scene=scene,
            time_s=time_s,
            path=str(path),
        )


def _as_video(pixels: U8) -> U8:
    shrink = max(pixels.shape[:2]) / MOTION_LONG_SIDE_PX
    if shrink <= 1:
        return pixels
    size = (max(1, round(pixels.shape[1] / shrink)), max(1, round(pixels.shape[0] / shrink)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _refusal(refused: list[InputRefused], n: int) -> InputRefused:
    """What the source ends with when some pictures could not be read."""
    first = refused[0]
    if len(refused) == n == 1:
        return first
    if len(refused) == n:
        return InputRefused(f"none of {n} pictures can be read; the first: {first.what}", do=first.do)
    return PartialInput(
        f"{len(refused)} of {n} pictures cannot be read; the first: {first.what}",
        state="the others were shown",
        do=first.do,
    )
