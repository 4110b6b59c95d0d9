"""From a profile to what preprocessing applies: the correction of this camera, optic and picture size, ready to use."""

import datetime
from dataclasses import dataclass

import cv2
import numpy as np

from edge.frame import U8
from edge.profile.color import ColorTables, color_tables
from edge.profile.read import LoadedProfile
from edge.profile.record import Correction, Setting

__all__ = ["Corrections", "Notes", "corrections_for"]

Notes = tuple[str, ...]  # what the detail line and the log must say


@dataclass(frozen=True, slots=True, eq=False)
class Corrections:
    """size: (width, height) of the pictures it is for; others are left as they are, and Prepared says so.

    region: (x, y, w, h), the box that is cropped in place of a detected field. keep: (height, width, 3) uint8, 255 = seen,
    0 = made black. color: applied to the tensor. None: not measured.
    """

    size: tuple[int, int]
    region: tuple[int, int, int, int] | None = None
    keep: U8 | None = None
    color: ColorTables | None = None


def _built(correction: Correction) -> Corrections:
    width, height = correction.setting.width_px, correction.setting.height_px
    region = keep = None
    if correction.scan_region is not None:
        outline = np.array(correction.scan_region, np.int32)
        left, top = (int(v) for v in outline.min(axis=0))
        right, bottom = (int(v) for v in outline.max(axis=0))
        region = (left, top, right - left + 1, bottom - top + 1)
        keep = np.zeros((height, width), np.uint8)
        cv2.fillPoly(keep, [outline], (255,))
    if correction.text_masks:
        keep = np.full((height, width), 255, np.uint8) if keep is None else keep
        for polygon in correction.text_masks:
            cv2.fillPoly(keep, [np.array(polygon, np.int32)], (0,))
    color = None if correction.color is None else color_tables(correction.color)
    if keep is not None:
        keep = np.ascontiguousarray(np.repeat(keep[..., None], 3, axis=2))
    return Corrections((width, height), region, keep, color)


def corrections_for(loaded: LoadedProfile, setting: Setting, today: datetime.date) -> tuple[Corrections | None, Notes]:
    """What to apply to pictures of `setting` on `today` (UTC), and what to say aloud.

    Never raises: a profile that does not fit is not applied.
    """
    name = loaded.profile.name
    if not loaded.profile.corrections:
        return None, ()
    if loaded.signer is None:
        return None, (f"corrections of profile {name} ignored: not signed by a profile key",)
    found = next((c for c in loaded.profile.corrections if c.setting == setting), None)
    if found is None:
        optic = f" with {setting.optic}" if setting.optic else ""
        return None, (f"profile {name} has no corrections for {setting.camera}{optic} at {setting.width_px}x{setting.height_px}",)
    if today > found.expires_on:
        return None, (f"corrections of profile {name} expired on {found.expires_on.isoformat()}: not applied, measure anew",)
    return _built(found), ()
