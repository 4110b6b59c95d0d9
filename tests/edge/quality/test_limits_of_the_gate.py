"""Values dense around each limit, degenerate inputs, and the subject of which nothing is assumed."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.frame import U8
from edge.preprocess.field import Detector, Field, FieldKind, whole_picture
from edge.quality import assess, thresholds_for
from edge.quality.contact import lost_share
from edge.quality.detail import FEATURES, LEAST_SIDE_PX, detail
from edge.quality.drift import speed
from edge.reading import Reason

DERM = thresholds_for("dermatoscope")


def seen(detector: Detector = "dermatoscope", kind: FieldKind = FieldKind.WHOLE) -> Field:
    return whole_picture(640, 480, detector, kind, 0.0 if kind is FieldKind.NONE else 1.0)


def texture(seed: int = 0, level: float = 140, contrast: float = 25) -> U8:
    """(120, 160) with detail at all scales, no blur, no saturation."""
    rng = np.random.default_rng(seed)
    total = np.zeros((120, 160), np.float32)
    for cell in (1, 2, 4, 8, 16, 32):
        noise = rng.normal(0, 1, (120 // cell + 2, 160 // cell + 2)).astype(np.float32)
        total += cv2.resize(noise, (160, 120), interpolation=cv2.INTER_LINEAR) * np.float32(cell**0.6)
    return np.asarray(np.clip(level + contrast * total / total.std(), 0, 240), np.uint8)


def test_a_textured_picture_passes_as_skin() -> None:
    assert assess(texture(), seen()) is None


@pytest.mark.parametrize(
    ("level", "reason"), [(0, Reason.NO_FIELD_OF_VIEW), (4, Reason.NO_FIELD_OF_VIEW), (5, Reason.TOO_DARK), (40, Reason.TOO_DARK)]
)
def test_levels_around_black_and_dark(level: int, reason: Reason) -> None:
    assert assess(np.full((120, 160), level, np.uint8), seen()) is reason


@pytest.mark.parametrize("delta", [-3, -2, -1, 0, 1, 2, 3])
def test_the_share_of_bright_pixels_that_lifts_a_picture_out_of_the_dark(delta: int) -> None:
    small = np.full((120, 160), DERM.dark_level, np.uint8)
    needed = int(np.ceil(DERM.bright_enough_share * small.size))
    small.reshape(-1)[: needed + delta] = DERM.dark_level + 1
    assert (assess(small, seen()) is Reason.TOO_DARK) is (delta < 0)


@pytest.mark.parametrize("delta", [-3, -2, -1, 0, 1, 2, 3])
def test_the_share_of_saturated_pixels_that_is_too_much(delta: int) -> None:
    small = np.minimum(texture(), DERM.bright_level - 1)
    allowed = int(DERM.bright_share * small.size)
    small.reshape(-1)[: allowed + delta] = DERM.bright_level
    assert (assess(small, seen()) is Reason.TOO_BRIGHT) is (delta > 0)


def test_gain_runs_from_dark_through_good_to_bright_and_never_back() -> None:
    order: list[Reason | None] = [Reason.NO_FIELD_OF_VIEW, Reason.TOO_DARK, None, Reason.TOO_BRIGHT]
    small = texture(level=120, contrast=20).astype(np.float32)
    said = [assess(np.clip(small * factor, 0, 255).astype(np.uint8), seen()) for factor in np.geomspace(0.005, 8, 60)]
    places = [order.index(reason) for reason in said]
    assert places == sorted(places)
    assert set(places) == {0, 1, 2, 3}


@pytest.mark.parametrize("lit", [0, 1, 9, 10, 50, 400])
def test_without_a_field_the_picture_is_dark_or_empty(lit: int) -> None:
    small = np.full((120, 160), 10, np.uint8)
    small.reshape(-1)[:lit] = 200
    wanted = Reason.NO_FIELD_OF_VIEW if lit > DERM.lit_share * small.size else Reason.TOO_DARK
    assert assess(small, seen(kind=FieldKind.NONE)) is wanted


@pytest.mark.parametrize("noise", [0, 1, 5, 15])
def test_a_wall_is_no_field_of_view_however_noisy(noise: int) -> None:
    small = np.clip(np.random.default_rng(0).normal(128, noise, (120, 160)), 0, 255).astype(np.uint8)
    assert assess(small, seen()) is Reason.NO_FIELD_OF_VIEW


@pytest.mark.parametrize("columns", range(0, 160, 8))
def test_contact_is_lost_when_half_of_the_columns_are(columns: int) -> None:
    small = texture()
    small[20:, :columns] = 6
    small[:20, :columns] = 200
    share = lost_share(small)
    assert share == pytest.approx(columns / 160, abs=0.06)
    assert (assess(small, seen("ultrasound")) is Reason.NO_CONTACT) is (share > thresholds_for("ultrasound").lost_share)


def test_reverberation_without_lateral_texture_is_no_contact_however_bright() -> None:
    small = texture()
    small[:, 40:] = small[:, 60:61]
    assert assess(small, seen("ultrasound")) is Reason.NO_CONTACT


@pytest.mark.parametrize("size", [(160, 120), (120, 160), (160, 90), (160, 36), (160, 32), (33, 160)])
def test_detail_is_finite_for_every_shape_that_can_be_judged(size: tuple[int, int]) -> None:
    for picture in (texture()[:, :], np.zeros((120, 160), np.uint8), np.full((120, 160), 255, np.uint8)):
        found = detail(np.asarray(cv2.resize(picture, size), np.uint8))
        assert found.shape == (len(FEATURES),)
        assert np.isfinite(found).all()


@settings(max_examples=150, deadline=None)
@given(
    width=st.integers(1, 160),
    height=st.integers(1, 160),
    seed=st.integers(0, 999),
    fill=st.sampled_from(["noise", "flat", "texture"]),
    detector=st.sampled_from(["dermatoscope", "ultrasound", "none"]),
    kind=st.sampled_from(FieldKind),
    dt_s=st.one_of(st.none(), st.just(0.0), st.floats(-1, 10)),
)
def test_no_small_copy_raises(
    width: int, height: int, seed: int, fill: str, detector: Detector, kind: FieldKind, dt_s: float | None
) -> None:
    rng = np.random.default_rng(seed)
    small = np.full((height, width), seed % 256, np.uint8)
    if fill == "noise":
        small = rng.integers(0, 256, (height, width), np.uint8)
    elif fill == "texture":
        small = np.asarray(cv2.resize(texture(seed), (width, height)), np.uint8)
    previous = np.asarray(cv2.resize(texture(), (width, height)), np.uint8)
    assert assess(small, seen(detector, kind), previous, dt_s) in {None, *Reason}


@pytest.mark.parametrize("shape", [(1, 1), (1, 160), (160, 1), (LEAST_SIDE_PX - 1, 160)])
def test_a_copy_too_narrow_to_judge_is_refused(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    small = np.asarray(cv2.resize(rng.integers(60, 200, (12, 16), np.uint8), shape[::-1]), np.uint8)
    assert assess(small, seen()) is not None


@pytest.mark.parametrize("color", [(220, 20, 20), (20, 200, 20), (20, 20, 220)])
def test_a_model_without_a_field_takes_a_flat_picture(color: tuple[int, int, int]) -> None:
    """The probe models of reference/cases.md look at flat colours: with field = none nothing is assumed of the subject."""
    grey = cv2.cvtColor(np.full((64, 64, 3), color, np.uint8), cv2.COLOR_RGB2GRAY)
    assert assess(np.asarray(cv2.resize(grey, (160, 160)), np.uint8), seen("none")) is None


def test_a_model_without_a_field_takes_a_black_picture_with_a_white_corner() -> None:
    small = np.zeros((160, 160), np.uint8)
    small[:80, :80] = 255
    assert assess(small, seen("none")) is None


@pytest.mark.parametrize("dx", [-6, -3, 0, 3, 6])
@pytest.mark.parametrize("dy", [-4, 0, 4])
def test_speed_is_the_shift_in_short_sides_per_second(dx: int, dy: int) -> None:
    rng = np.random.default_rng(1)
    wide = np.clip(128 + 40 * cv2.GaussianBlur(rng.normal(0, 4, (160, 220)).astype(np.float32), (0, 0), 3), 0, 255).astype(np.uint8)
    old, new = wide[20:140, 30:190], wide[20 + dy : 140 + dy, 30 + dx : 190 + dx]
    assert speed(np.ascontiguousarray(new), np.ascontiguousarray(old), 0.1) == pytest.approx(np.hypot(dx, dy) / 120 / 0.1, abs=0.1)


def test_a_sharp_picture_that_races_past_is_moving_and_a_slow_one_is_not() -> None:
    small = texture()
    fast = np.roll(small, 10, axis=1)
    assert assess(fast, seen(), small, 1 / 30) is Reason.MOVING
    assert assess(np.roll(small, 1, axis=1), seen(), small, 1 / 30) is None


def test_a_scene_cut_or_a_change_of_light_is_no_motion() -> None:
    small = texture()
    assert speed(texture(9), small, 1 / 30) == 0.0
    assert speed(np.clip(small * 0.7, 0, 255).astype(np.uint8), small, 1 / 30) == 0.0


@pytest.mark.parametrize("dt_s", [0.0, -0.1])
def test_a_clock_that_stands_or_goes_back_makes_no_speed(dt_s: float) -> None:
    small = texture()
    assert speed(np.roll(small, 8, axis=1), small, dt_s) == 0.0


def test_another_crop_is_not_compared() -> None:
    assert speed(texture(), np.zeros((90, 160), np.uint8), 0.03) == 0.0
