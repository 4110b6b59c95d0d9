"""`demo:SWITCH?of=SOURCE&other=SOURCE`: a source with the faults of a bad driver, on order, in the capture process, where they are real.

Pictures are those of `of=`; `other=` is what the probe is moved to by the order "wrong-organ". A hang is a wait that never ends and a
crash is SIGSEGV: the first ends the read, the second the process, and neither is told to anybody. Both are carried out once, so that
the process that takes their place works again.
"""

import os
import resource
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Self

import numpy as np

from edge.demo.faults import FaultKind, Switch
from edge.errors import InputRefused, UsageError
from edge.frame import Frame, Source, SourceInfo
from edge.reading import Reason
from edge.sources.lost import SourceLost
from edge.sources.table import open_source as open_any
from edge.sources.uri import SourceUri

__all__ = ["OPTIONS", "DemoSource", "open_source"]

OPTIONS = frozenset({"of", "other"})
BEHIND_NS = 200_000_000  # a renderer that is later than this does not catch up, it goes on from here
OTHER_SCENES = 1_000_000  # scenes of the other source are told apart from those of the first
OTHER_AFTER = 15  # frames: the first label does not wait for what may be asked later
STILL_NS = 100_000_000


def open_source(uri: SourceUri) -> Source:
    """Raises UsageError without `of=`, InputRefused for no switch, SourceLost while "unplug" is ordered, and as the source in it."""
    first = uri.get("of")
    if first is None:
        raise UsageError("demo: needs the source to play", do="demo:SWITCH?of=phantom:derm")
    try:
        switch = Switch(Path(uri.target))
    except (OSError, ValueError) as failed:
        raise InputRefused(f"demo: {uri.target} is no fault switch: {failed}", do="it is made by: sonoderm demo") from failed
    if switch.ordered is FaultKind.UNPLUG:
        switch.close()
        raise SourceLost("demo: unplugged", reason=Reason.UNPLUGGED)
    return DemoSource(switch, first, uri.get("other"))


class DemoSource:
    """Keeps its own time, so that no picture waits between the order and the read that obeys it."""

    def __init__(self, switch: Switch, first: str, other: str | None) -> None:
        self._switch = switch
        self._stack = ExitStack()
        self._first = self._stack.enter_context(open_any(first))
        self._other_uri = other
        self._index = 0
        self._last: Frame | None = None
        info = self._first.info
        self._info = replace(info, paced=False, frames=None, settings=(*info.settings, "with faults on order"))

    @property
    def info(self) -> SourceInfo:
        return self._info

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()
        self._switch.close()

    def __iter__(self) -> Iterator[Frame]:
        first = _timed(self._first, 0)
        frame = next(first, None)
        with ThreadPoolExecutor(1, thread_name_prefix="other") as opener:
            other: Future[Iterator[Frame] | None] | None = None
            while frame is not None:
                yield self._obey(frame)
                if self._index == OTHER_AFTER:
                    other = opener.submit(self._open_other)  # ready before it is asked for: a probe that is moved shows no gap
                moved = self._switch.ordered is FaultKind.WRONG_ORGAN
                there = other.result() if moved and other is not None else None
                frame = next(there or first, None)

    def _open_other(self) -> Iterator[Frame] | None:
        if self._other_uri is None:
            return None
        source = self._stack.enter_context(open_any(self._other_uri))
        frames = iter(source)
        ready = next(frames, None)
        return None if ready is None else _timed(source, OTHER_SCENES, chain([ready], frames))

    def _obey(self, frame: Frame) -> Frame:
        """The frame as a driver with the ordered fault would give it, if it gives one at all."""
        kind = self._switch.ordered
        captured_ns = time.monotonic_ns()
        frame = replace(frame, captured_ns=captured_ns, index=self._index)
        self._index += 1
        match kind:
            case FaultKind.UNPLUG:
                raise SourceLost("demo: unplugged", reason=Reason.UNPLUGGED)
            case FaultKind.HANG:
                self._switch.order(FaultKind.NONE)
                threading.Event().wait()
            case FaultKind.CRASH:
                self._switch.order(FaultKind.NONE)
                _crash()
            case FaultKind.BLACK:
                return replace(frame, pixels=np.zeros_like(frame.pixels))
            case FaultKind.FREEZE if self._last is not None:
                return replace(frame, pixels=self._last.pixels, scene=self._last.scene, still=False)
            case FaultKind.WRONG_ORGAN:
                return frame
        self._switch.tell_good(captured_ns)
        self._last = frame
        return frame


def _timed(source: Source, scenes_from: int, frames: Iterable[Frame] | None = None) -> Iterator[Frame]:
    """Frames of a recorded source at its own pace; those of a camera as they come. A still is given again at 10 fps."""
    start_ns: int | None = None
    for frame in source if frames is None else frames:
        frame_ = replace(frame, scene=frame.scene + scenes_from)
        if not source.info.paced or frame.time_s is None:
            yield frame_
            continue
        now_ns = time.monotonic_ns()
        due_ns = round(frame.time_s * 1e9)
        if start_ns is None or now_ns - (start_ns + due_ns) > BEHIND_NS:
            start_ns = now_ns - due_ns
        while (left_ns := start_ns + due_ns - time.monotonic_ns()) > 0:
            time.sleep(min(left_ns, STILL_NS) / 1e9)
        yield frame_


def _crash() -> None:
    """As a broken driver would: the process is gone in the middle of a call."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.kill(os.getpid(), signal.SIGSEGV)
    threading.Event().wait()
