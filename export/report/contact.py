"""Mistakes as a contact sheet: small pictures of patients, in a file of its own that stays on the workstation."""

import base64
from collections.abc import Sequence

import cv2
import numpy as np

from calibration.report.markup import document, missing, text
from edge.frame import U8
from export.data.shots import Shot, read_shot
from export.report.facts import Mistake

__all__ = ["MOST", "contact_sheet"]

WARNING = "stays on the workstation: holds patient pictures"
SIDE_PX = 176
MOST = 200  # the surest first: what a person can look through


def contact_sheet(title: str, side: str, n: int, mistakes: Sequence[Mistake]) -> str:
    """The file as text. n: pictures looked at. Raises InputRefused for a picture that cannot be read."""
    shown = sorted(mistakes, key=lambda mistake: -mistake.confidence)[:MOST]
    head = (
        f'<h1>{text(title)}: mistakes</h1><p class="warn"><strong>{WARNING}</strong></p>'
        f"<p>{len(mistakes)} of n = {n} pictures ({text(side)}) "
        f"have another likeliest class than their label; {len(shown)} are shown, the surest first.</p>"
    )
    body = f'<div class="sheet">{"".join(map(_one, shown))}</div>' if shown else missing("No mistake.")
    return document(f"{title}: mistakes ({WARNING})", [head, body])


def _one(mistake: Mistake) -> str:
    said = f"{mistake.truth}, said {mistake.said} {mistake.confidence:.0%} ({mistake.state})"
    name = text(mistake.picture.name)
    picture = _jpeg(read_shot(Shot(mistake.picture, mistake.frame)))
    return (
        f'<figure><img alt="{name}" src="data:image/jpeg;base64,{base64.b64encode(picture).decode()}">'
        f"<figcaption>{text(said)}<br>{name}</figcaption></figure>"
    )


def _jpeg(pixels: U8) -> bytes:
    """(h, w, 3) RGB -> a JPEG at most SIDE_PX on a side; no metadata comes along."""
    height, width = pixels.shape[:2]
    scale = min(1.0, SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.imencode(".jpg", np.ascontiguousarray(small[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 80])[1]).tobytes()
