"""The pictures that a measurement is made from: a photograph's file, or any source that a device would be run with, camera included."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.errors import InputRefused, UsageError
from edge.frame import U8, Source
from edge.profile import Setting
from edge.sources.dicom import DicomSource
from edge.sources.dicom_regions import Region
from edge.sources.picture import load_picture
from edge.sources.sniff import Kind, kind_of_file
from edge.sources.table import open_source

__all__ = ["Taken", "setting_of", "take"]

SETTLE = 15  # pictures of a live camera until exposure and focus hold still


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """pictures: (h, w, 3) uint8 RGB, all of one size. camera: as the source names itself, None for a file. regions: of a DICOM file."""

    what: str
    pictures: tuple[U8, ...]
    camera: str | None
    notes: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        height, width = self.pictures[0].shape[:2]
        return width, height


def take(what: str, count: int) -> Taken:
    """A file's picture; up to `count` pictures of a clip or cine, spread over it; of a camera, `count` after it has settled.

    Raises what `open_source` raises; InputRefused where no picture came or their size changed.
    """
    path = Path(what)
    if path.is_file() and kind_of_file(path) is Kind.PICTURE:
        picture = load_picture(path)
        return Taken(what, (picture.pixels,), None, picture.notes)
    with open_source(what) as source:
        pictures = tuple(_spread(source, count))
        regions = source.regions if isinstance(source, DicomSource) else ()
        info = source.info
    if not pictures:
        raise InputRefused(f"{what}: no picture came", do="check the source with: sonoderm run")
    if len({picture.shape for picture in pictures}) > 1:
        raise InputRefused(f"{what}: its pictures change in size", do="fix the camera's size, as in camera:0?size=1280x720")
    is_file = isinstance(source, DicomSource) or path.is_file()
    return Taken(what, pictures, None if is_file else info.name, (*info.warnings, *info.settings), regions)


def _spread(source: Source, count: int) -> Iterator[U8]:
    total = source.info.frames
    if total is None:
        for at, frame in enumerate(source):
            if at >= SETTLE:
                yield frame.pixels.copy()
            if at + 1 >= SETTLE + count:
                return
    else:
        wanted = {round(n * (total - 1) / max(count - 1, 1)) for n in range(count)}
        for at, frame in enumerate(source):
            if at in wanted:
                yield frame.pixels.copy()


def setting_of(taken: Taken, camera: str | None, optic: str) -> Setting:
    """What the measurement is filed under. Raises UsageError where a file cannot know its camera and none was named."""
    name = camera or taken.camera
    if not name:
        raise UsageError(
            f"{taken.what} does not say which camera it is of",
            do="--camera NAME, as sonoderm doctor and run name it, or measure with the camera itself: camera:0",
        )
    width, height = taken.size
    try:
        return Setting(camera=name[:200], optic=optic[:200], width_px=width, height_px=height)
    except ValueError as error:
        raise UsageError(f"that is no camera to measure: {error}", do="--camera NAME") from error
