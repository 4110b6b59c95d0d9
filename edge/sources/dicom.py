"""`dicom:` an ultrasound or dermoscopy object, frame by frame, in RGB, at its own pace.

Frames are read and decoded one at a time: a cine of gigabytes costs the memory of one frame. A single picture, and a cine slower than
5 frames a second, is marked as a still, so that showing it again is not taken for a frozen driver.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from edge.errors import InputRefused, PartialInput
from edge.frame import Frame, Source, SourceInfo
from edge.sources.dicom_colour import to_rgb
from edge.sources.dicom_file import DicomFile, read_file
from edge.sources.dicom_fragments import Piece, find_frames, walk
from edge.sources.dicom_plan import PixelPlan, plan_pixels
from edge.sources.dicom_regions import Region
from edge.sources.dicom_samples import Samples, contradiction, decode_frame, frame_b
from edge.sources.dicom_syntaxes import Codec, missing_decoders, require_decoder
from edge.sources.dicom_time import Timing, time_frames
from edge.sources.picture_header import BrokenPictureError
from edge.sources.regular import require_file
from edge.sources.uri import SourceUri

__all__ = ["OPTIONS", "DicomSource", "missing_decoders", "open_source"]

OPTIONS: frozenset[str] = frozenset()
STILL_BELOW_FPS = 5.0
MAX_FRAME_B = 400_000_000
HEAD_B = 65_536


def open_source(uri: SourceUri) -> Source:
    """Open a DICOM object. Raises InputRefused (not ultrasound or dermoscopy, damaged, …) and MachineLacks (a decoder)."""
    return DicomSource(Path(uri.target), str(uri))


@dataclass(frozen=True, slots=True)
class _Layout:
    """frames: the pieces of each whole frame. missing: how many the file declares and does not hold."""

    frames: tuple[tuple[Piece, ...], ...]
    missing: int


class DicomSource:
    """A DICOM file on disk. Iterates from its first frame to its last; may be iterated again."""

    def __init__(self, path: Path, uri: str) -> None:
        self._path = path
        self._file = _open(path)
        try:
            self._dicom = read_file(path, self._file, path.stat().st_size)
            self._plan = plan_pixels(self._dicom)
            require_decoder(self._dicom.syntax, str(path))
            self._layout = _lay_out(self._dicom, self._plan)
        except BaseException:
            self._file.close()
            raise
        self._timing = time_frames(self._plan.cine, self._plan.frames)
        self._info = _describe(path, uri, self._dicom, self._plan, self._timing, self._contradiction())

    @property
    def info(self) -> SourceInfo:
        return self._info

    @property
    def regions(self) -> tuple[Region, ...]:
        """Where the scanner says that its pictures lie."""
        return self._plan.regions

    @property
    def transfer_syntax(self) -> str:
        """Its name, in words."""
        return self._dicom.syntax.name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Frame]:
        still = self._plan.frames == 1 or self._timing.fps < STILL_BELOW_FPS
        for index in range(len(self._layout.frames)):
            try:
                pixels = to_rgb(self.samples(index), self._plan)
            except BrokenPictureError as error:
                raise self._broken(index, str(error)) from None
            yield Frame(
                pixels=pixels,
                captured_ns=time.monotonic_ns(),
                index=index,
                source=self._info.name,
                still=still,
                time_s=self._timing.times_s[index],
                path=str(self._path),
            )
        if self._layout.missing:
            raise self._broken(len(self._layout.frames), "the file ends before its pixels do")

    def _contradiction(self) -> str | None:
        piece = self._layout.frames[0][0]
        self._dicom.body.seek(piece.at)
        try:
            return contradiction(self._dicom.body.read(min(piece.size_b, HEAD_B)), self._plan, self._dicom.syntax)
        except BrokenPictureError:
            return None  # said when the frame is decoded

    def samples(self, index: int) -> Samples:
        """One frame as decoded, before palette, window and colour. Raises BrokenPictureError."""
        pieces = self._layout.frames[index]
        if sum(piece.size_b for piece in pieces) > MAX_FRAME_B:
            raise BrokenPictureError("a frame is larger than the limit")
        data = bytearray()
        for piece in pieces:
            self._dicom.body.seek(piece.at)
            data += self._dicom.body.read(piece.size_b)
        swapped = not self._dicom.syntax.little and self._dicom.pixels_vr == "OW" and self._plan.bits_allocated == 8
        return decode_frame(bytes(data), self._plan, self._dicom.syntax, swapped=swapped)

    def _broken(self, good: int, reason: str) -> InputRefused:
        if not good:
            return InputRefused(f"{self._path}: {reason}", do="copy or export it again")
        return PartialInput(
            f"{self._path}: partial, {good} of {self._plan.frames} frames read: {reason}",
            state="results hold for the part that was read",
            do="copy or export it again",
        )


def _open(path: Path) -> BinaryIO:
    try:
        require_file(path, do="dicom: takes one file")
        return path.open("rb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        raise InputRefused(f"{path}: cannot be read ({reason})", do="check the path and its permissions") from None


def _lay_out(dicom: DicomFile, plan: PixelPlan) -> _Layout:
    """Where each frame lies. Raises InputRefused when not even one is whole."""
    start = dicom.pixels_at or 0
    if dicom.syntax.codec is Codec.NATIVE:
        if dicom.pixels_b is None:
            raise InputRefused(
                f"{dicom.path}: its pixels are compressed, and the file does not say how", do="export it again, as DICOM Part 10"
            )
        size = frame_b(plan)
        end = min(dicom.body_b, start + dicom.pixels_b)
        whole = min(plan.frames, (end - start) // size)
        frames: tuple[tuple[Piece, ...], ...] = tuple((Piece(start + index * size, size),) for index in range(whole))
    else:
        if dicom.pixels_b is not None:
            raise InputRefused(f"{dicom.path}: it declares {dicom.syntax.name}, but its pixels are not packed so", do="export it again")
        frames = find_frames(dicom.body, walk(dicom.body, start, dicom.body_b), plan.frames)[: plan.frames]
    if not frames:
        raise InputRefused(f"{dicom.path}: the file ends before its first picture does", do="copy it again")
    return _Layout(frames, plan.frames - len(frames))


def _describe(path: Path, uri: str, dicom: DicomFile, plan: PixelPlan, timing: Timing, note: str | None) -> SourceInfo:
    warnings = [*dicom.notes, *([note] if note else [])]
    if plan.palette is not None:
        warnings += plan.palette.notes
    if plan.frames > 1:
        warnings.append(f"frame times from {timing.used}" if not timing.guessed else timing.used)
    return SourceInfo(
        uri=uri,
        name=path.name,
        fps=timing.fps if plan.frames > 1 else 1.0,
        frames=plan.frames,
        paced=True,
        warnings=tuple(warnings),
    )
