"""A camera before a blinking target, run by the capture process: `blink:FILE?delay_ms=N&fps=N`. FILE has a line `ns state` for each change.

The picture of a moment shows the target as it was `delay_ms` before: what optics, exposure and cable take, known to the test.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Self

import numpy as np

from edge.frame import Frame, Source, SourceInfo
from edge.sources.uri import SourceUri

OPTIONS = frozenset({"delay_ms", "fps"})


def install(folder: Path) -> str:
    """Writes into `folder` what an installer would -> the entry that sys.path (or PYTHONPATH) then needs."""
    info = folder / "sonoderm_blinking_camera-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sonoderm-blinking-camera\nVersion: 1.0\n", encoding="ascii")
    (info / "entry_points.txt").write_text("[sonoderm.sources]\nblink = blinking_camera\n", encoding="ascii")
    shutil.copyfile(__file__, folder / "blinking_camera.py")
    return str(folder)


def open_source(uri: SourceUri) -> Source:
    return BlinkingCamera(uri)


class BlinkingCamera:
    def __init__(self, uri: SourceUri) -> None:
        self._file = Path(uri.target)
        self._delay_ns = round((uri.number("delay_ms", low=0, high=5000) or 0) * 1e6)
        self._period_s = 1 / (uri.number("fps", low=1, high=240) or 30)
        self._info = SourceInfo(uri=str(uri), name="blinking camera", fps=1 / self._period_s)

    @property
    def info(self) -> SourceInfo:
        return self._info

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        room = np.random.default_rng(3).integers(40, 110, (240, 320, 3), np.uint8)
        due_s, index, never = time.monotonic(), 0, Event()
        while True:
            due_s = max(due_s + self._period_s, time.monotonic() - self._period_s)
            never.wait(max(0.0, due_s - time.monotonic()))
            now_ns = time.monotonic_ns()
            pixels = np.roll(room, index, axis=1)
            if self._was_on(now_ns - self._delay_ns):
                pixels[80:160, 100:200] = 230
            yield Frame(pixels, now_ns, index, self._info.name)
            index += 1

    def _was_on(self, at_ns: int) -> bool:
        is_on = False
        for line in self._file.read_text(encoding="ascii").splitlines():
            changed_ns, state = line.split()
            if int(changed_ns) > at_ns:
                break
            is_on = state == "1"
        return is_on
