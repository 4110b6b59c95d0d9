"""Where the scanner says that its picture lies: the ultrasound regions. PS3.3, C.8.5.5."""

from dataclasses import dataclass

from pydicom import Dataset

__all__ = ["Region", "read_regions"]

CENTIMETRES = 3
SPATIAL = {1: "2D", 2: "M-mode", 3: "spectral", 4: "wave form", 5: "graphics"}


@dataclass(frozen=True, slots=True)
class Region:
    """left, top, right, bottom: pixels, 0-based, both ends inside. kind: "2D" … data_type: the DICOM code (1 tissue, 2 colour flow …).

    mm_per_px_x, mm_per_px_y: None where the region is not measured in centimetres.
    """

    left_px: int
    top_px: int
    right_px: int
    bottom_px: int
    kind: str
    data_type: int
    mm_per_px_x: float | None
    mm_per_px_y: float | None


def read_regions(dataset: Dataset) -> tuple[Region, ...]:
    """The regions in the file's order; damaged ones are left out (a region is a hint, never a reason to refuse)."""
    found = []
    for item in dataset.get("SequenceOfUltrasoundRegions") or ():
        try:
            found.append(_region(item))
        except (AttributeError, TypeError, ValueError):
            continue
    return tuple(found)


def _region(item: Dataset) -> Region:
    return Region(
        left_px=int(item.RegionLocationMinX0),
        top_px=int(item.RegionLocationMinY0),
        right_px=int(item.RegionLocationMaxX1),
        bottom_px=int(item.RegionLocationMaxY1),
        kind=SPATIAL.get(int(item.get("RegionSpatialFormat", 0)), "other"),
        data_type=int(item.get("RegionDataType", 0)),
        mm_per_px_x=_millimetres(item.get("PhysicalDeltaX"), item.get("PhysicalUnitsXDirection")),
        mm_per_px_y=_millimetres(item.get("PhysicalDeltaY"), item.get("PhysicalUnitsYDirection")),
    )


def _millimetres(delta: object, unit: object) -> float | None:
    if unit != CENTIMETRES or not isinstance(delta, (int, float)) or not delta:
        return None
    return abs(float(delta)) * 10
