"""Drawn strangers are fixed by their number, unlike each other, and the limit that goes to a device obeys the direction of design §4."""

import datetime

import numpy as np
import pytest

from calibration.scope.overlay import require_allowed, with_limit
from calibration.scope.rendered import HEIGHT_PX, KINDS, WIDTH_PX, doppler, drawn, generator
from edge.errors import UsageError
from edge.profile import OverlayEntry

DAY = datetime.date(2026, 6, 1)
DIGEST = "ab" * 32


def moved(limit: float, old: OverlayEntry | None, until: datetime.date) -> OverlayEntry:
    return with_limit(limit, old, digest=DIGEST, form="u8s8", engine="onnxruntime", expires_on=until)


@pytest.mark.parametrize("kind", [kind for kind, _ in KINDS])
def test_a_drawing_is_fixed_by_its_number(kind: str) -> None:
    one, again, other = drawn(kind, 3), drawn(kind, 3), drawn(kind, 4)
    assert one.shape == (HEIGHT_PX, WIDTH_PX, 3)
    assert one.dtype == np.uint8
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("size", [(353, 274), (40, 31)])
def test_color_flow_is_colored_lies_over_a_part_and_leaves_the_picture_as_it_was(size: tuple[int, int]) -> None:
    picture = np.full((*size, 3), 90, np.uint8)
    flow = doppler(picture, generator("doppler", 1))
    assert (picture == 90).all()
    changed = (flow != picture).any(2)
    assert 0.03 < changed.mean() < 0.8
    assert (flow[..., 0].astype(int) - flow[..., 2]).max() > 50
    assert (flow[..., 2].astype(int) - flow[..., 0]).max() > 50


def test_a_bolder_limit_needs_a_signature() -> None:
    require_allowed(1.9, 2.0, is_signed=False)
    require_allowed(2.5, None, is_signed=False)
    require_allowed(2.5, 2.0, is_signed=True)
    with pytest.raises(UsageError, match="an unsigned profile may not"):
        require_allowed(2.5, 2.0, is_signed=False)


def test_what_else_an_overlay_holds_stays_and_lives_no_longer() -> None:
    site = OverlayEntry(digest=DIGEST, form="u8s8", engine="onnxruntime", expires_on=DAY, temperature=1.5)
    found = moved(1.9, site, DAY + datetime.timedelta(90))
    assert (found.temperature, found.out_of_scope_above, found.expires_on) == (1.5, 1.9, DAY)
    fresh = moved(1.9, None, DAY)
    assert (fresh.temperature, fresh.out_of_scope_above, fresh.expires_on) == (None, 1.9, DAY)
