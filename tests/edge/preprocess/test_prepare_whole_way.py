"""One function is the whole way from a picture to the tensor, whatever the picture."""

from typing import Literal

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bundle.manifest import InputSpec
from edge.frame import U8
from edge.preprocess.color import correct_color
from edge.preprocess.field import FieldKind
from edge.preprocess.fit import fit
from edge.preprocess.prepare import prepare
from edge.preprocess.small import SMALL_PX
from edge.profile import ColorResponse, Corrections, color_tables

Fit = Literal["crop", "letterbox", "squash"]
Seen = Literal["dermatoscope", "ultrasound", "none"]
FITS: tuple[Fit, ...] = ("crop", "letterbox", "squash")


def a_spec(*, width: int = 192, height: int = 144, fit: Fit = "crop", field: Seen = "none", grey: bool = False) -> InputSpec:
    return InputSpec(width_px=width, height_px=height, fit=fit, field=field, grey=grey)


def noise(width: int, height: int, seed: int = 0) -> U8:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


sides = st.one_of(st.integers(1, 40), st.integers(41, 2000))


@settings(max_examples=150, deadline=None)
@given(
    width=sides,
    height=sides,
    fill=st.sampled_from(["noise", "black", "white", "grey", "one bright pixel"]),
    fit_kind=st.sampled_from(FITS),
    field=st.sampled_from(["dermatoscope", "ultrasound", "none"]),
    grey=st.booleans(),
)
def test_any_picture_gives_a_tensor_of_the_right_size(width: int, height: int, fill: str, fit_kind: Fit, field: str, grey: bool) -> None:
    level = {"white": 255, "grey": 128}.get(fill, 0)
    pixels = noise(width, height) if fill == "noise" else np.full((height, width, 3), level, np.uint8)
    if fill == "one bright pixel":
        pixels[height // 2, width // 2] = 255
    prepared = prepare(pixels, a_spec(fit=fit_kind, field=field, grey=grey))  # type: ignore[arg-type]
    assert prepared.tensor.shape == (144, 192, 3)
    assert prepared.tensor.dtype == np.uint8
    assert prepared.tensor.flags.c_contiguous
    box = prepared.field
    assert 0 <= box.x <= box.x + box.w <= width
    assert 0 <= box.y <= box.y + box.h <= height
    assert min(box.w, box.h) >= 1
    assert 0.0 <= box.share <= 1.0
    assert prepared.small.ndim == 2
    assert max(prepared.small.shape) == SMALL_PX


@pytest.mark.parametrize("size", [(1, 1), (3, 4000), (4000, 3), (2, 2), (1, 500), (1920, 1080), (10000, 20)])
@pytest.mark.parametrize("fit_kind", FITS)
def test_odd_shapes_pass(size: tuple[int, int], fit_kind: Fit) -> None:
    assert prepare(noise(*size), a_spec(fit=fit_kind, field="ultrasound")).tensor.shape == (144, 192, 3)


def test_a_picture_that_is_all_field_is_fitted_as_training_did() -> None:
    rng = np.random.default_rng(3)
    rough = cv2.resize(rng.normal(0, 25, (30, 40, 3)).astype(np.float32), (200, 150))
    pixels = np.clip(160 + rough, 0, 255).astype(np.uint8)
    spec = a_spec(field="dermatoscope")
    assert np.array_equal(prepare(pixels, spec).tensor, fit(pixels, spec))


@pytest.mark.parametrize(("width", "height"), [(400, 200), (200, 400), (333, 777), (640, 480)])
def test_letterbox_keeps_the_aspect_and_pads_evenly(width: int, height: int) -> None:
    tensor = prepare(np.full((height, width, 3), 200, np.uint8), a_spec(width=208, height=208, fit="letterbox")).tensor
    rows = np.flatnonzero(tensor.max(axis=(1, 2)))
    columns = np.flatnonzero(tensor.max(axis=(0, 2)))
    assert (np.ptp(columns) + 1) / (np.ptp(rows) + 1) == pytest.approx(width / height, rel=0.02)
    assert abs(int(rows[0]) - (207 - int(rows[-1]))) <= 1
    assert abs(int(columns[0]) - (207 - int(columns[-1]))) <= 1


@pytest.mark.parametrize("size", [(200, 150), (341, 256), (640, 480), (1280, 720)])
def test_the_small_copy_has_one_size_for_every_camera(size: tuple[int, int]) -> None:
    assert prepare(noise(*size), a_spec()).small.shape == (round(160 * size[1] / size[0]), 160)


def test_the_field_is_what_reaches_the_tensor() -> None:
    pixels = np.zeros((480, 640, 3), np.uint8)
    cv2.circle(pixels, (300, 250), 150, (180, 150, 140), -1)
    prepared = prepare(pixels, a_spec(fit="squash", field="dermatoscope"))
    assert prepared.field.kind is FieldKind.RING
    assert prepared.tensor[72, 3].max() > 100
    assert prepared.tensor[2, 2].max() < 60


def test_a_scan_region_takes_the_place_of_detection_and_masks_its_outside() -> None:
    keep = np.zeros((480, 640, 3), np.uint8)
    keep[100:300, 200:500] = 255
    keep[150:200, 300:400] = 0
    corrections = Corrections((640, 480), region=(200, 100, 300, 200), keep=keep)
    prepared = prepare(np.full((480, 640, 3), 200, np.uint8), a_spec(width=300, height=200, fit="squash", field="ultrasound"), corrections)
    assert prepared.corrected
    assert prepared.field.kind is FieldKind.REGION
    assert (prepared.field.x, prepared.field.y, prepared.field.w, prepared.field.h) == (200, 100, 300, 200)
    assert prepared.tensor[75, 150].max() == 0
    assert prepared.tensor[10, 10].min() == 200


def test_corrections_of_another_size_are_not_applied_and_it_shows() -> None:
    corrections = Corrections((1280, 720), region=(0, 0, 1280, 720))
    prepared = prepare(noise(640, 480), a_spec(), corrections)
    assert not prepared.corrected
    assert prepared.field.kind is FieldKind.WHOLE


def test_colors_are_corrected_after_the_resize_and_held_in_range() -> None:
    swapped = color_tables(ColorResponse(matrix=((0, 0, 1), (0, 1, 0), (4, 0, 0))))
    pixels = np.full((480, 640, 3), (150, 60, 20), np.uint8)
    tensor = prepare(pixels, a_spec(), Corrections((640, 480), color=swapped)).tensor
    assert tuple(int(v) for v in tensor[70, 90]) == (20, 60, 255)
    rough = noise(640, 480)
    assert np.array_equal(
        prepare(rough, a_spec(), Corrections((640, 480), color=swapped)).tensor, correct_color(prepare(rough, a_spec()).tensor, swapped)
    )


def test_a_grey_model_is_given_grey_with_or_without_a_color_correction() -> None:
    red = color_tables(ColorResponse(matrix=((2, 0, 0), (0, 1, 0), (0, 0, 1))))
    tensor = prepare(noise(192, 144), a_spec(grey=True), Corrections((192, 144), color=red)).tensor
    assert np.array_equal(tensor[..., 0], tensor[..., 2])


def test_the_picture_handed_in_is_never_changed() -> None:
    pixels = noise(640, 480)
    before = pixels.copy()
    prepare(pixels, a_spec(field="ultrasound"), Corrections((640, 480), keep=np.zeros((480, 640, 3), np.uint8)))
    assert np.array_equal(pixels, before)
