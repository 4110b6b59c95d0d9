"""A driver with every habit that a driver may have: the module behind `fake:`, run by the capture process in place of a real one.

What it does is written in a file that the test may change at any moment (`World`); the driver looks at it before each picture:

    ok        pictures in motion, at its rate            black     pictures without any light
    repeat    the last picture again and again           torn      says that pictures were incomplete
    resize    another picture size                       slow      one picture in three quarters of a second
    stall     no pictures, but it obeys again later      hang      blocks in a system call for ever
    hang-gil  the same, and holds the interpreter lock   crash     leaves with exit code 3
    segv      a segmentation fault                       raise     an exception that nobody expects
    gone      unplugged: an error now, and at opening    end       the end of its input

Every picture carries the moment of its capture in its pixels (`read_stamp`), so that age can be measured from a screen. As a source of
an installed package it is found through the entry-point group `sonoderm.sources`: `install` writes what an installer would.
"""

import ctypes
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np

from edge.errors import InputRefused
from edge.frame import U8, Frame, Source, SourceInfo
from edge.reading import Reason
from edge.sources.lost import SourceLost
from edge.sources.uri import SourceUri

OPTIONS = frozenset({"fps", "size"})

STAMP_BLOCK_PX = 8
STAMP_BITS = 64
_SMALL, _LARGE = (640, 480), (800, 600)


class World:
    """What the fake driver is to do, kept in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set("ok")

    def set(self, habit: str) -> None:
        """From the next picture on."""
        new = self.path.with_suffix(f".{os.getpid()}.new")
        new.write_text(habit, encoding="ascii")
        new.replace(self.path)

    @property
    def uri(self) -> str:
        return f"fake:{self.path}?fps=30"


def install(folder: Path) -> str:
    """Write into `folder` what an installer would -> the entry that sys.path (or PYTHONPATH) then needs, in front.

    A copy, for the folder of the tests itself must not be searched: it holds a folder `edge`.
    """
    info = folder / "sonoderm_fake_driver-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sonoderm-fake-driver\nVersion: 1.0\n", encoding="ascii")
    (info / "entry_points.txt").write_text("[sonoderm.sources]\nfake = fake_driver\n", encoding="ascii")
    shutil.copyfile(__file__, folder / "fake_driver.py")
    return str(folder)


def stamp(pixels: U8, captured_ns: int) -> None:
    """Write a time into the top rows, one block a bit, most significant first."""
    bits = np.array([captured_ns >> (STAMP_BITS - 1 - n) & 1 for n in range(STAMP_BITS)], np.uint8) * 255
    pixels[:STAMP_BLOCK_PX, : STAMP_BITS * STAMP_BLOCK_PX] = np.repeat(bits, STAMP_BLOCK_PX)[None, :, None]


def read_stamp(pixels: U8) -> int:
    """The time in a picture, ns."""
    middle = STAMP_BLOCK_PX // 2
    row = pixels[middle, middle : STAMP_BITS * STAMP_BLOCK_PX : STAMP_BLOCK_PX, 1]
    return int("".join("1" if value > 127 else "0" for value in row), 2)


def open_source(uri: SourceUri) -> Source:
    return FakeCamera(uri)


class FakeCamera:
    def __init__(self, uri: SourceUri) -> None:
        self._world = Path(uri.target)
        self._period_s = 1 / (uri.number("fps", low=1, high=240) or 30)
        self._size_px = uri.size_px("size") or _SMALL
        self._losses: list[tuple[str, int]] = []
        self._never = threading.Event()
        if self._habit() == "gone":
            raise SourceLost("fake: no such camera", reason=Reason.UNPLUGGED)
        if self._habit() == "refuse":
            raise InputRefused("fake: this is no camera", do="use another")
        if self._habit() == "hang-open":
            self._never.wait()
        self._info = SourceInfo(uri=str(uri), name="fake camera", fps=1 / self._period_s)

    @property
    def info(self) -> SourceInfo:
        return self._info

    def take_losses(self) -> tuple[tuple[str, int], ...]:
        losses, self._losses = tuple(self._losses), []
        return losses

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        noise = {size: np.random.default_rng(7).integers(60, 200, (size[1], size[0], 3), np.uint8) for size in (self._size_px, _LARGE)}
        due_s, index, last = time.monotonic(), 0, noise[self._size_px]
        while True:
            habit = self._habit()
            due_s = max(due_s + (0.75 if habit == "slow" else self._period_s), time.monotonic() - self._period_s)
            self._never.wait(max(0.0, due_s - time.monotonic()))
            if not self._obey(habit):
                continue
            if habit == "end":
                return
            captured_ns = time.monotonic_ns()
            if habit == "black":
                last = np.zeros_like(noise[self._size_px])
            elif habit != "repeat":
                last = np.roll(noise[_LARGE if habit == "resize" else self._size_px], index * 3, axis=1)
                stamp(last, captured_ns)
            if habit == "torn":
                self._losses.append(("torn", 1))
            yield Frame(last, captured_ns, index, self._info.name)
            index += 1

    def _obey(self, habit: str) -> bool:
        """Do the bad ones; False when there is no picture this time."""
        match habit:
            case "stall":
                return False
            case "gone":
                raise SourceLost("fake: unplugged", reason=Reason.UNPLUGGED)
            case "hang":
                self._never.wait()
            case "hang-gil":
                ctypes.PyDLL(None).pause()
            case "crash":
                sys.stderr.write("fake: about to leave\n")
                sys.stderr.flush()
                os._exit(3)
            case "segv":
                ctypes.string_at(0)
            case "raise":
                raise ZeroDivisionError("fake: a driver's own mistake")
        return True

    def _habit(self) -> str:
        try:
            return self._world.read_text(encoding="ascii").strip() or "ok"
        except FileNotFoundError:
            return "gone"
