"""One rendered phantom under each artefact, side by side, so that a person can look. No data set's picture is in it."""

from pathlib import Path

import cv2
import numpy as np

from edge.errors import InputRefused
from edge.frame import U8
from edge.sources.phantom_still import render_still
from export.distil.artefacts import Kind, artefacts_of, painted

__all__ = ["draw_sheet"]

PHANTOMS: dict[Kind, str] = {"skin": "derm-star", "ultrasound": "us-mass"}
ACROSS, WIDTH_PX, HEIGHT_PX, CAPTION_PX = 4, 400, 300, 24


def _captioned(pixels: U8, text: str) -> U8:
    strip = np.full((CAPTION_PX, pixels.shape[1], 3), 20, np.uint8)
    cv2.putText(strip, text, (6, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (230, 230, 230), 1, cv2.LINE_AA)
    return np.vstack([pixels, strip])


def draw_sheet(kind: Kind, strength: float, seed: int, path: Path) -> None:
    """Writes a PNG: the clean phantom, then one cell for each artefact. Raises InputRefused where it cannot be written."""
    still = render_still(PHANTOMS[kind], seed, width_px=WIDTH_PX, height_px=HEIGHT_PX)
    cells = [_captioned(still, "clean")]
    cells += [_captioned(painted(still, kind, each, strength, (seed,)), each.name) for each in artefacts_of(kind)]
    cells += [np.zeros_like(cells[0])] * (-len(cells) % ACROSS)
    sheet = np.vstack([np.hstack(cells[at : at + ACROSS]) for at in range(0, len(cells), ACROSS)])
    done, data = cv2.imencode(".png", sheet[..., ::-1])
    assert done, "PNG takes every 8 bit picture"
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise InputRefused(f"{path}: {error.strerror}", do="name a file in a folder that can be written") from error
