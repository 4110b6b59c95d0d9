"""`camera:` a V4L2 camera or frame grabber: `camera:0`, `camera:/dev/video2?size=1280x720&fps=30&fourcc=MJPG`, or by identity.

A target is a number, a path (a link of /dev/v4l/by-id too), a serial number, or the name of a by-id link. Whatever was typed, the
camera is reopened by its identity (`reopen`): never another one under the same number. Options: `size`, `fps`, `fourcc`, `exposure`,
`white_balance`, `focus` (a number in the driver's unit, or `auto`), `range` (full, limited, auto), `deinterlace` (no, yes, auto).
What stays automatic is named in `info.warnings`: an automatic exposure halves the frame rate in dim light, an automatic white
balance changes colours.

Capture time is the driver's own time stamp of the buffer. Buffers that grew old in the driver's queue are given back unread.
"""

import errno
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, Self

import cv2
import numpy as np

from edge.errors import MachineLacks
from edge.frame import U8, Frame, Source, SourceInfo
from edge.reading import Reason
from edge.sources.camera_settings import Settings, ask_settings, settle
from edge.sources.grabber import deinterlace, expand_limited, is_combed, is_limited
from edge.sources.lost import SourceLost
from edge.sources.quiet import quiet_decoders
from edge.sources.uri import SourceUri
from edge.sources.v4l2 import Mode, Node, list_nodes, modes_of

__all__ = ["OPTIONS", "CameraSource", "Driver", "find_camera", "open_source"]

OPTIONS = frozenset({"size", "fps", "fourcc", "exposure", "white_balance", "focus", "range", "deinterlace"})

_OLD_PERIODS = 1.5  # a buffer older than this was waiting while a newer one came
_MOST_OLD = 8  # more than any driver's queue: then the time stamps are wrong, not the buffers old
_BELIEVED_AGE_NS = 1_000_000_000  # a time stamp further off is of another clock
_LOOK_EVERY_NS = 500_000_000  # at the device node: some drivers go on "succeeding" when it is gone
_FIRST_FRAMES = 5
_INTERLACED_SIZES = frozenset({(720, 480), (720, 576), (704, 480), (704, 576), (640, 576), (768, 576), (1920, 1080)})


class Driver(Protocol):
    """What we use of cv2.VideoCapture."""

    def grab(self) -> bool: ...
    def retrieve(self) -> tuple[bool, cv2.typing.MatLike]: ...
    def get(self, prop: int, /) -> float: ...
    def set(self, prop: int, value: float, /) -> bool: ...
    def isOpened(self) -> bool: ...
    def release(self) -> None: ...


def open_source(uri: SourceUri) -> Source:
    """Open a camera. Raises SourceLost (not there, no picture), UsageError (an option it does not take), MachineLacks (permission)."""
    wanted = ask_settings(uri)
    node = find_camera(uri.target, list_nodes())
    quiet_decoders()
    cv2.setNumThreads(1)
    return CameraSource(uri, node, wanted, cv2.VideoCapture(str(node.path), cv2.CAP_V4L2))


def find_camera(target: str, nodes: tuple[Node, ...]) -> Node:
    """The node that a target means. Raises SourceLost naming the cameras that are there, MachineLacks without permission."""
    present = ", ".join(str(node) for node in nodes if node.captures) or "none"
    found = _match(target, nodes)
    if found is None:
        raise SourceLost(f"camera:{target}: no such camera", reason=Reason.UNPLUGGED, do=f"cameras here: {present}")
    if found.trouble is not None and found.trouble.startswith("no permission"):
        raise MachineLacks(f"camera:{target}: {found.trouble}", do="sudo usermod -aG video $USER, then log in again")
    if found.trouble is not None:
        raise SourceLost(f"camera:{target}: {found.path} {found.trouble}", reason=Reason.UNPLUGGED, do=f"cameras here: {present}")
    if not found.captures:
        raise SourceLost(
            f"camera:{target}: {found.path} delivers no pictures (a metadata node)", reason=Reason.UNPLUGGED, do=f"cameras here: {present}"
        )
    return found


def _match(target: str, nodes: tuple[Node, ...]) -> Node | None:
    if target.isdigit():
        return next((node for node in nodes if node.index == int(target)), None)
    if target.startswith("/"):
        real = Path(target).resolve()
        return next((node for node in nodes if real == node.path.resolve() or Path(target) in {node.by_id, node.by_path}), None)
    names = {node: {node.serial, *(link.name for link in (node.by_id, node.by_path) if link is not None)} for node in nodes}
    matching = [node for node in nodes if target in names[node]]
    return next((node for node in matching if node.captures), matching[0] if matching else None)


class CameraSource:
    """An open camera; iterates for as long as it delivers."""

    def __init__(
        self, uri: SourceUri, node: Node, wanted: Settings, driver: Driver, modes: Callable[[Path], tuple[Mode, ...]] = modes_of
    ) -> None:
        self._node, self._driver, self._uri = node, driver, uri
        try:
            if not driver.isOpened():
                raise SourceLost(
                    f"camera:{uri.target}: {node.path} does not open", reason=Reason.UNPLUGGED, do="is another program using it?"
                )
            outcome = settle(driver, wanted, lambda: _offered(node.path, modes))
            self._fps = outcome.fps
            self._old = 0
            first = self._first_frames()
            limited = wanted.range_ == "limited" or (wanted.range_ == "auto" and all(is_limited(picture) for picture in first))
            self._expands = limited
            self._combs = wanted.deinterlace
            if wanted.deinterlace == "auto" and outcome.size_px not in _INTERLACED_SIZES:
                self._combs = "no"
        except BaseException:
            driver.release()
            raise
        place = node.identity
        lost_by_number = () if place else ("this camera has no serial number and no port that could tell it from another one",)
        self._info = SourceInfo(
            uri=str(self.reopen),
            name=f"{node.name}{' ' + node.serial if node.serial else ''}",
            fps=self._fps,
            settings=(*outcome.settings, f"range={'limited' if limited else 'full'}", f"deinterlace={self._combs}"),
            warnings=(*outcome.warnings, *lost_by_number),
        )

    @property
    def info(self) -> SourceInfo:
        return self._info

    @property
    def reopen(self) -> SourceUri:
        """The same camera by what stays of it, with the same options."""
        return SourceUri("camera", str(self._node.identity or self._node.path), self._uri.options)

    def take_losses(self) -> tuple[tuple[str, int], ...]:
        """Buffers given back unread since last asked."""
        old, self._old = self._old, 0
        return (("source behind", old),) if old else ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._driver.release()

    def __iter__(self) -> Iterator[Frame]:
        index, looked_ns = 0, time.monotonic_ns()
        while True:
            captured_ns, skipped = self._grab_newest()
            index += skipped
            good, picture = self._driver.retrieve()
            if not good or picture is None:
                raise self._gone("delivers no picture")
            yield Frame(self._mended(_rgb(picture)), captured_ns, index, self._info.name)
            index += 1
            if captured_ns - looked_ns >= _LOOK_EVERY_NS:
                looked_ns = captured_ns
                if not self._node.path.exists():
                    raise self._gone("was unplugged")

    def _grab_newest(self) -> tuple[int, int]:
        """Take buffers until one is young -> (its capture time, how many old ones were given back)."""
        period_ns = 1e9 / (self._fps or 30.0)
        for old in range(_MOST_OLD + 1):
            if not self._driver.grab():
                raise self._gone("delivers nothing" if self._node.path.exists() else "was unplugged")
            now_ns = time.monotonic_ns()
            captured_ns = self._stamp_ns(now_ns)
            if now_ns - captured_ns <= _OLD_PERIODS * period_ns:
                self._old += old
                return captured_ns, old
        self._old += _MOST_OLD
        return captured_ns, _MOST_OLD

    def _stamp_ns(self, now_ns: int) -> int:
        """The driver's time stamp of the buffer (CLOCK_MONOTONIC, as V4L2 documents for capture); now, where that cannot be it."""
        stamp_ns = round(self._driver.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        return stamp_ns if 0 <= now_ns - stamp_ns <= _BELIEVED_AGE_NS else now_ns

    def _first_frames(self) -> list[U8]:
        """The first pictures, to judge the range by; they also prove that the camera delivers at all."""
        pictures: list[U8] = []
        for _ in range(_FIRST_FRAMES):
            good = self._driver.grab()
            good, picture = self._driver.retrieve() if good else (False, None)
            if not good or picture is None:
                raise self._gone("opens, but delivers no picture")
            pictures.append(_rgb(picture))
        return pictures

    def _mended(self, pixels: U8) -> U8:
        if self._combs == "yes" or (self._combs == "auto" and is_combed(pixels)):
            pixels = deinterlace(pixels)
        return expand_limited(pixels) if self._expands else pixels

    def _gone(self, what: str) -> SourceLost:
        reason = Reason.STALLED if self._node.path.exists() else Reason.UNPLUGGED
        return SourceLost(f"{self._node}: {what}", reason=reason, do="check the cable; another program may hold the camera")


def _offered(path: Path, modes: Callable[[Path], tuple[Mode, ...]]) -> str:
    try:
        return ", ".join(str(mode) for mode in modes(path)) or "the driver does not say"
    except OSError as error:
        return f"not to be had ({errno.errorcode.get(error.errno or 0, 'error')})"


def _rgb(bgr: cv2.typing.MatLike) -> U8:
    if bgr.ndim == 2:
        return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)
