"""The crop holds still while the hand does not, and follows when the picture truly changes."""

import cv2
import numpy as np

from edge.frame import U8
from edge.preprocess.field import FieldKind
from edge.preprocess.follow import CHECK_EVERY_NS, FieldMemory, follow
from edge.preprocess.small import small_grey

FRAME_NS = 33_333_333
SIZE = (640, 480)


def ring(x: int = 320, y: int = 240, radius: int = 180, level: int = 170) -> U8:
    pixels = np.full((480, 640, 3), 4, np.uint8)
    cv2.circle(pixels, (x, y), radius, (level, level - 20, level - 40), -1)
    return small_grey(pixels)


def run(pictures: list[U8], step_ns: int = FRAME_NS) -> list[tuple[int, int, int, int]]:
    memory: FieldMemory | None = None
    boxes = []
    for index, picture in enumerate(pictures):
        field, memory = follow(memory, picture, SIZE, "dermatoscope", index * step_ns)
        boxes.append((field.x, field.y, field.w, field.h))
    return boxes


def test_a_trembling_ring_never_moves_the_crop() -> None:
    rng = np.random.default_rng(0)
    jitter = rng.integers(-8, 9, (150, 2))
    assert len(set(run([ring(320 + int(dx), 240 + int(dy)) for dx, dy in jitter]))) == 1


def test_a_ring_that_moved_for_good_is_followed_within_a_second() -> None:
    boxes = run([ring()] * 10 + [ring(x=380)] * 40)
    assert boxes[9] == boxes[0]
    assert abs(boxes[-1][0] - boxes[0][0] - 60) <= 8
    assert len(set(boxes)) == 2
    changed_at = next(i for i, box in enumerate(boxes) if box != boxes[0])
    assert (changed_at - 10) * FRAME_NS <= 2 * CHECK_EVERY_NS + FRAME_NS


def test_one_odd_detection_changes_nothing() -> None:
    checks = [ring()] + [ring(x=380)] + [ring()] * 3
    assert len(set(run(checks, step_ns=CHECK_EVERY_NS))) == 1


def test_another_picture_is_looked_at_at_once() -> None:
    full = np.full((120, 160), 170, np.uint8)
    boxes = run([ring(radius=120)] * 3 + [full] * 2)
    assert boxes[2] != (0, 0, *SIZE)
    assert boxes[3] == (0, 0, *SIZE)


def test_a_lost_field_is_told_at_once_and_so_is_its_return() -> None:
    empty = np.zeros((120, 160), np.uint8)
    memory: FieldMemory | None = None
    kinds = []
    for index, picture in enumerate([ring()] * 3 + [empty] * 3 + [ring()] * 3):
        field, memory = follow(memory, picture, SIZE, "dermatoscope", index * FRAME_NS)
        kinds.append(field.kind)
    assert kinds == [FieldKind.RING] * 3 + [FieldKind.NONE] * 3 + [FieldKind.RING] * 3


def test_a_change_of_resolution_forgets_the_old_box() -> None:
    _, memory = follow(None, ring(), SIZE, "dermatoscope", 0)
    field, memory = follow(memory, ring(), (1280, 960), "dermatoscope", 1)
    assert memory.size == (1280, 960)
    assert field.x + field.w <= 1280
    assert field.w > 640


def test_a_clock_that_jumps_back_leads_to_a_new_look_and_no_stuck_field() -> None:
    _, memory = follow(None, ring(), SIZE, "dermatoscope", 10**15)
    _, memory = follow(memory, ring(), SIZE, "dermatoscope", 5)
    assert memory.checked_ns == 5
