"""The scan region and the text masks of one screen. What a DICOM file states about its regions comes first; pixels refine it."""

from dataclasses import dataclass

import cv2
import numpy as np

from calibration.geometry.shape import Kind, Shape, fit_shape
from calibration.geometry.silhouette import lit_mask, silhouette
from calibration.geometry.text import ENOUGH_PICTURES, Box, find_text
from calibration.profile.parts import Geometry
from calibration.profile.pictures import Taken
from edge.errors import CheckFailed, InputRefused
from edge.frame import U8
from edge.sources.dicom_regions import Region

__all__ = ["Located", "locate"]

FILLS = 0.97  # of the picture: nothing to cut away
MOST_MASKS = 64
TISSUE = 1  # DICOM's RegionDataType (PS3.3, C.8.5.5.1.2)
WITHIN_TAG = 0.5  # of the tag's box that a shape must fill to be believed


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """polygon: whole pixels. how: what told the region. text: boxes on the tissue. notes: what a person should know."""

    polygon: tuple[tuple[int, int], ...]
    how: str
    text: tuple[Box, ...]
    share: float
    notes: tuple[str, ...]

    @property
    def geometry(self) -> Geometry:
        """As a profile holds it."""
        masks = tuple(((x, y), (x + w - 1, y), (x + w - 1, y + h - 1), (x, y + h - 1)) for x, y, w, h in self.text)
        return Geometry(self.polygon, masks)


def locate(taken: Taken) -> Located:
    """Raises InputRefused where no scan region is to be seen, CheckFailed where the picture is nothing but scan region."""
    width, height = taken.size
    tagged = _tagged(taken.regions, width, height)
    lit = lit_mask(taken.pictures)
    if tagged is not None:
        shape, how = _within_tag(lit, tagged)
        notes = _notes_on(taken.regions)
    else:
        mask = silhouette(lit)
        if mask is None:
            raise InputRefused(
                f"{taken.what}: no scan region is to be seen", do="give a picture with tissue on it, gain up and probe on the skin"
            )
        shape = fit_shape(mask)
        how = f"pixels of {len(taken.pictures)} picture{'s' * (len(taken.pictures) > 1)}: {shape.kind}"
        notes = ()
        if shape.kind is Kind.OUTLINE:
            notes = ("the region has the shape of no probe: look at the picture, a clip with the probe on the skin may help",)
    polygon = _whole_pixels(shape, width, height)
    filled = np.zeros((height, width), np.uint8)
    cv2.fillPoly(filled, [np.array(polygon, np.int32)], (1,))
    share = float(filled.mean())
    text = find_text(taken.pictures, filled)
    if len(taken.pictures) < ENOUGH_PICTURES:
        notes = (*notes, "grey letters on the tissue are told from it in a clip only: give one where there are any")
    if share > FILLS and not text:
        raise CheckFailed(f"{taken.what}: the picture is scan region all over", state="nothing needs to be masked", do="leave it as it is")
    if len(text) > MOST_MASKS:
        notes = (*notes, f"{len(text)} marks on the tissue: only the largest {MOST_MASKS} are masked")
        text = tuple(sorted(text, key=lambda box: -box[2] * box[3])[:MOST_MASKS])
    return Located(polygon, how, text, share, notes)


def _tagged(regions: tuple[Region, ...], width: int, height: int) -> Box | None:
    """The box of the largest 2D tissue region that lies in the picture."""
    boxes = [_box(region, width, height) for region in regions if region.kind == "2D" and region.data_type == TISSUE]
    return max((box for box in boxes if box[2] > 8 and box[3] > 8), key=lambda box: box[2] * box[3], default=None)


def _box(region: Region, width: int, height: int) -> Box:
    left, top = max(0, region.left_px), max(0, region.top_px)
    return left, top, min(width - 1, region.right_px) - left + 1, min(height - 1, region.bottom_px) - top + 1


def _notes_on(regions: tuple[Region, ...]) -> tuple[str, ...]:
    others = [region for region in regions if region.kind != "2D" or region.data_type != TISSUE]
    tissue = len(regions) - len(others)
    notes = []
    if tissue > 1:
        notes.append(f"the file states {tissue} tissue regions: the largest is taken")
    if others:
        kinds = ", ".join(sorted({region.kind for region in others}))
        notes.append(f"{len(others)} regions of other kinds ({kinds}) are left out")
    return tuple(notes)


def _within_tag(lit: U8, box: Box) -> tuple[Shape, str]:
    """The tag gives a box; a sector inside it is found by its pixels, so that what stands in the box's corners is cut away too."""
    x, y, w, h = box
    corners = np.array([(x, y), (x + w - 1, y), (x + w - 1, y + h - 1), (x, y + h - 1)], np.float64)
    whole = Shape(Kind.CORNERS, corners, 0.0)
    mask = silhouette(np.ascontiguousarray(lit[y : y + h, x : x + w]))
    if mask is None:
        return whole, "the DICOM file's region"
    shape = fit_shape(mask)
    filled = np.zeros((h, w), np.uint8)
    cv2.fillPoly(filled, [np.rint(shape.polygon).astype(np.int32)], (1,))
    if shape.kind is not Kind.SECTOR or filled.mean() < WITHIN_TAG:
        return whole, "the DICOM file's region"
    return Shape(shape.kind, shape.polygon + np.array((x, y)), shape.cost), f"the DICOM file's region, and in it pixels: {shape.kind}"


def _whole_pixels(shape: Shape, width: int, height: int) -> tuple[tuple[int, int], ...]:
    points = np.clip(np.rint(shape.polygon), 0, (width - 1, height - 1)).astype(int)
    kept = [tuple(point) for point in points.tolist()]
    return tuple((x, y) for at, (x, y) in enumerate(kept) if at == 0 or (x, y) != kept[at - 1])
