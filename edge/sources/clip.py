"""`file:` a video clip, frame by frame, timed by its own time stamps.

What a header says of count and rate is a hint at best (variable rate, remuxed, written to a pipe): the count never ends the loop
and never shows as a negative number, and the time of a frame is what the decoder says of that frame. A recording that was cut
gives its good frames first and then raises PartialInput; one without its index is refused by name at once.
"""

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from edge.errors import InputRefused, PartialInput
from edge.frame import U8, Frame, Source, SourceInfo
from edge.sources.container import Container, examine
from edge.sources.quiet import quiet_decoders
from edge.sources.regular import require_file
from edge.sources.uri import SourceUri

__all__ = ["OPTIONS", "ClipSource", "open_source"]

OPTIONS: frozenset[str] = frozenset()

MAX_FRAME_PX = 64_000_000  # beyond any camera or scanner; keeps a forged header from asking for gigabytes
_ONE_THREAD = [cv2.CAP_PROP_N_THREADS, 1, cv2.CAP_PROP_HW_ACCELERATION, cv2.VIDEO_ACCELERATION_NONE]
_UNTIMED_FPS = 25.0  # what FFmpeg assumes for a bare stream of pictures
_FEW_FRAMES = 2  # a decoder may withhold a frame at an edit without any damage


def open_source(uri: SourceUri) -> Source:
    """Open a clip. Raises InputRefused: absent, empty, never finished, or nothing in it that can be decoded."""
    return ClipSource(Path(uri.target), str(uri))


class ClipSource:
    """A clip on disk. Iterates once, from its first frame to its last."""

    def __init__(self, path: Path, uri: str) -> None:
        self._path = path
        self._container = _examine(path)
        cv2.setNumThreads(1)
        quiet_decoders()
        # An absolute path can be mistaken neither for a protocol nor for an option.
        self._capture = cv2.VideoCapture(str(path.resolve()), cv2.CAP_FFMPEG, _ONE_THREAD)
        if not self._capture.isOpened():
            raise InputRefused(f"{path}: no video that can be decoded", do="MP4, MKV, AVI and MJPEG are read: does it play elsewhere?")
        width, height = (int(self._capture.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > MAX_FRAME_PX:
            self._capture.release()
            raise InputRefused(f"{path}: pictures of {width}x{height} px are larger than any source we know", do="check the file")
        self._info = _describe(self._capture, self._container, path, uri)

    @property
    def info(self) -> SourceInfo:
        return self._info

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._capture.release()

    def __iter__(self) -> Iterator[Frame]:
        index, last_s = 0, -math.inf
        while self._capture.grab():
            captured_ns = time.monotonic_ns()
            good, picture = self._capture.retrieve()
            if not good or picture is None:
                break
            time_s = self._time_s(index, last_s)
            last_s = time_s
            yield Frame(
                pixels=_rgb(picture), captured_ns=captured_ns, index=index, source=self._info.name, time_s=time_s, path=str(self._path)
            )
            index += 1
        self._judge_the_end(index, last_s)

    def _time_s(self, index: int, last_s: float) -> float:
        """The decoder's time of the frame just grabbed; never earlier than the one before; counted where a stream carries none."""
        at_s = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
        if index and (not math.isfinite(at_s) or at_s <= last_s):
            return last_s + 1 / (self._info.fps or _UNTIMED_FPS)
        return at_s if math.isfinite(at_s) and at_s >= 0 else 0.0

    def _judge_the_end(self, read: int, last_s: float) -> None:
        container, where = self._container, str(self._path)
        if not read:
            raise InputRefused(f"{where}: no frame of it can be decoded", do="the file is damaged: record or copy it again")
        until = f"{read} frames read, to {last_s:.2f} s"
        if container.is_cut:
            raise PartialInput(
                f"{where}: partial, the file ends before its content does ({until})",
                state="results hold for the part that was read",
                do="copy it again, or record it again",
            )
        counted = self._info.frames
        # An MP4's count is a table of its samples, not an estimate: frames that the decoder could not give are damage.
        if container.kind == "mp4" and counted is not None and read + max(_FEW_FRAMES, counted // 20) < counted:
            raise PartialInput(
                f"{where}: partial, {counted - read} of {counted} frames cannot be decoded ({until})",
                state="results hold for the part that was read",
                do="the file is damaged inside: copy it again",
            )


def _examine(path: Path) -> Container:
    require_file(path, do="file: takes one clip; a folder of pictures is dir:")
    try:
        with path.open("rb") as file:
            container = examine(file)
    except OSError as error:
        raise InputRefused(f"{path}: cannot be read ({error.strerror})", do="check its permissions") from error
    if container.size_b == 0:
        raise InputRefused(f"{path}: the file is empty", do="copy it again, or record it again")
    if not container.has_index:
        raise InputRefused(
            f"{path}: the recording was never finished (its index is missing)", do="repair it with its recorder, or record it again"
        )
    return container


def _describe(capture: cv2.VideoCapture, container: Container, path: Path, uri: str) -> SourceInfo:
    fps = float(capture.get(cv2.CAP_PROP_FPS))
    count = float(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    warnings: list[str] = []
    if container.is_cut:
        warnings.append("the file ends before its content does: frames up to the cut are used")
    if container.kind == "other" and path.suffix.lower() in {".mjpeg", ".mjpg", ".h264", ".264", ".h265", ".hevc"}:
        warnings.append(f"a bare stream has no time stamps: {_UNTIMED_FPS:g} pictures a second are assumed")
    return SourceInfo(
        uri=uri,
        name=path.name,
        fps=fps if 0 < fps < 1000 else None,
        frames=int(count) if 0 < count < 1e9 else None,
        paced=True,
        warnings=tuple(warnings),
    )


def _rgb(bgr: cv2.typing.MatLike) -> U8:
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)
