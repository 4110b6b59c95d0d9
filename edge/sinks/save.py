"""`save:DIR`: keeps each frozen view: the picture as it was seen, the whole screen, and the line of its reading.

No picture is stored anywhere else. Names are time and frame, files are the user's alone (0600), nothing is overwritten.
"""

import os
from pathlib import Path

import cv2
import numpy as np

from edge.errors import MachineLacks, UsageError
from edge.frame import U8
from edge.reading import CommandPort, Sink, State, View
from edge.sinks.overlay import Composer
from edge.sinks.record import encode, view_line
from edge.sinks.table import Surroundings

__all__ = ["SaveSink", "make"]


class SaveSink:
    """Watches for FROZEN; each new frozen picture is kept once."""

    def __init__(self, folder: Path, around: Surroundings) -> None:
        self.name = f"save:{folder}"
        self._folder, self._around = folder, around
        self._kept: tuple[str | None, int | None] | None = None
        self._composer = Composer()

    def open(self, commands: CommandPort) -> None:
        """Freezing is the clinician's."""

    def show(self, view: View) -> None:
        reading = view.reading
        if reading.state is not State.FROZEN:
            self._kept = None
            return
        if view.pixels is None or self._kept == (reading.frozen_at, reading.frame):
            return
        self._kept = (reading.frozen_at, reading.frame)
        stem = f"{self._around.wall():%Y%m%d-%H%M%S}-{reading.frame if reading.frame is not None else 'x'}"
        now_ns = self._around.clock_ns()
        line = encode(view_line(view, now_ns=now_ns, at=self._around.wall())) + b"\n"
        files = {
            "picture.png": _png(view.pixels),
            "screen.png": _png(self._composer.compose(view, now_ns).pixels),
            "json": line,
        }
        try:
            for ending, data in files.items():
                keep(self._folder, stem, ending, data)
        except OSError as failed:
            self._around.say(f"{self.name}: the frozen view could not be kept: {failed.strerror}")
        else:
            self._around.say(f"kept {self._folder / stem}.*")

    def close(self) -> None:
        """Each file was closed when it was written."""


def keep(folder: Path, stem: str, ending: str, data: bytes) -> Path:
    """Writes all of `data` or no file at all; a name that is taken gets a number. Raises OSError."""
    for n in range(1000):
        path = folder / f"{stem}{f'-{n}' if n else ''}.{ending}"
        part = path.with_name(f".{path.name}.part")
        try:
            fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.link(part, path)  # unlike a rename, a link never replaces what is there
        except FileExistsError:
            continue
        finally:
            part.unlink(missing_ok=True)
        return path
    raise FileExistsError(17, f"a thousand files are called {stem}", str(folder))


def _png(pixels: U8) -> bytes:
    """(h, w, 3) uint8 RGB -> PNG, lossless."""
    ok, data = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    if not ok:
        raise OSError(5, "OpenCV could not write a PNG")
    return np.asarray(data, np.uint8).tobytes()


def make(target: str, around: Surroundings) -> Sink:
    """Creates the folder for the user alone. Raises UsageError without one, MachineLacks where it cannot be written."""
    if not target:
        raise UsageError("save: needs a folder", do="--save DIR")
    folder = Path(target)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as failed:
        raise MachineLacks(f"{folder} cannot be made: {failed.strerror}", do="name a folder that you may write") from failed
    if not os.access(folder, os.W_OK | os.X_OK):
        raise MachineLacks(f"{folder} cannot be written", do="name a folder that you may write")
    return SaveSink(folder, around)
