"""Black and frozen pictures: judged by content, with values dense around each limit."""

import numpy as np
import pytest

from edge.frame import U8, Frame
from edge.reading import Reason
from edge.sources.liveness import REMEMBERED, Liveness, is_black, silence_limit_ns

MS = 1_000_000


def a_picture(seed: int = 0, *, mean: int = 90, size_px: tuple[int, int] = (160, 120)) -> U8:
    noise = np.random.default_rng(seed).integers(-20, 21, (size_px[1], size_px[0], 3))
    return np.clip(noise + mean, 0, 255).astype(np.uint8)


def a_frame(pixels: U8, at_ms: float, *, still: bool = False, scene: int = 0) -> Frame:
    return Frame(pixels, round(at_ms * MS), 0, "test", still=still, scene=scene)


@pytest.mark.parametrize(
    ("fps", "limit_ms"),
    [
        (120, 180),
        (60, 180),
        (30, 180),
        (15, 180),
        (14, 178.57),
        (13.9, 179.86),
        (13.88, 180.1),
        (13, 192.3),
        (10, 250),
        (5, 500),
        (4, 500),
        (1, 500),
    ],
)
def test_the_silence_limit_is_180_ms_or_two_and_a_half_periods_and_never_above_the_age_limit(fps: float, limit_ms: float) -> None:
    assert silence_limit_ns(round(1e9 / fps)) == pytest.approx(max(180.0, limit_ms) * MS, rel=0.001)


@pytest.mark.parametrize("fps", [15, 20, 24, 25, 29.97, 30, 50, 60, 120])
def test_at_fifteen_fps_and_more_the_limit_leaves_seventy_ms_for_the_screen(fps: float) -> None:
    assert silence_limit_ns(round(1e9 / fps)) <= 180 * MS


@pytest.mark.parametrize(("waited_ms", "reason"), [(0, None), (179, None), (180, None), (181, Reason.STALLED), (5000, Reason.STALLED)])
def test_nothing_new_for_longer_than_the_limit_is_stalled(waited_ms: int, reason: Reason | None) -> None:
    liveness = Liveness(fps=30)
    for n in range(9):
        liveness.feed(a_frame(a_picture(n), n * 33))
    assert liveness.silence((8 * 33 + waited_ms) * MS) == reason


@pytest.mark.parametrize(
    ("repeated_ms", "reason"),
    [(33, None), (150, None), (179, None), (180, None), (181, Reason.FROZEN_PICTURE), (400, Reason.FROZEN_PICTURE)],
)
def test_the_same_picture_for_longer_than_the_limit_is_frozen(repeated_ms: int, reason: Reason | None) -> None:
    liveness = Liveness(fps=30)
    for n in range(9):
        liveness.feed(a_frame(a_picture(n), n * 33))
    for at_ms in range(10, repeated_ms, 33):
        liveness.feed(a_frame(a_picture(8), 8 * 33 + at_ms))
    assert liveness.feed(a_frame(a_picture(8), 8 * 33 + repeated_ms)) == reason
    assert liveness.last_living_ns == 8 * 33 * MS


def test_a_repeated_picture_is_frozen_also_between_its_frames() -> None:
    liveness = Liveness(fps=30)
    for n in range(6):
        liveness.feed(a_frame(a_picture(0), n * 33))
    assert liveness.silence(181 * MS) == Reason.FROZEN_PICTURE
    assert liveness.silence(600 * MS) == Reason.STALLED  # now nothing at all comes


@pytest.mark.parametrize("buffers", range(1, REMEMBERED + 1))
def test_a_driver_that_cycles_through_its_last_buffers_is_frozen_past_the_limit_and_one_new_picture_ends_it(buffers: int) -> None:
    liveness, last_ms = Liveness(fps=30), 29 * 33
    for n in range(30):
        assert liveness.feed(a_frame(a_picture(n), n * 33)) is None
    for n in range(30, 90):
        old = a_picture(30 - buffers + (n - 30) % buffers)
        assert liveness.feed(a_frame(old, n * 33)) == (Reason.FROZEN_PICTURE if n * 33 - last_ms > 180 else None)
    assert liveness.last_living_ns == last_ms * MS
    assert liveness.feed(a_frame(a_picture(99), 90 * 33)) is None


def test_among_cycling_buffers_one_new_picture_within_each_limit_is_life() -> None:
    liveness = Liveness(fps=30)
    for n in range(200):
        assert liveness.feed(a_frame(a_picture(1000 + n if n % 5 == 0 else n % 5), n * 33)) is None


def test_stills_that_loop_are_alive() -> None:
    liveness = Liveness(fps=10)
    assert all(liveness.feed(a_frame(a_picture(n % 3), n * 100, still=True)) is None for n in range(60))


def test_one_changed_byte_anywhere_is_life() -> None:
    for place in ((0, 0, 0), (0, 0, 2), (3, 5, 1), (119, 159, 2), (60, 81, 0)):
        liveness, pixels = Liveness(fps=30), a_picture(0)
        for n in range(20):
            pixels = pixels.copy()
            pixels[place] += 1
            assert liveness.feed(a_frame(pixels, n * 33)) is None


def test_a_twenty_five_fps_picture_over_a_thirty_fps_link_is_alive() -> None:
    liveness = Liveness(fps=30)
    for n in range(60):
        assert liveness.feed(a_frame(a_picture(n * 25 // 30), n * 33)) is None


def test_stills_and_new_scenes_may_repeat() -> None:
    liveness = Liveness(fps=10)
    assert all(liveness.feed(a_frame(a_picture(0), n * 100, still=True)) is None for n in range(30))
    liveness = Liveness(fps=10)
    assert all(liveness.feed(a_frame(a_picture(0), n * 100, scene=n)) is None for n in range(30))


def test_the_period_is_measured_once_five_gaps_are_known() -> None:
    liveness = Liveness(fps=30)
    for n in range(6):
        assert liveness.limit_ns == 180 * MS
        liveness.feed(a_frame(a_picture(n), n * 100))  # it says 30 fps and gives 10
    assert liveness.limit_ns == 250 * MS


def test_black_is_told_at_the_first_black_frame_and_forgotten_at_the_first_lit_one() -> None:
    liveness = Liveness(fps=30)
    assert liveness.feed(a_frame(a_picture(0), 0)) is None
    assert liveness.feed(a_frame(np.zeros((120, 160, 3), np.uint8), 33)) == Reason.BLACK
    assert liveness.silence(40 * MS) == Reason.BLACK
    assert liveness.feed(a_frame(a_picture(1), 66)) is None
    assert liveness.silence(70 * MS) is None


@pytest.mark.parametrize(("level", "black"), [(0, True), (1, True), (16, True), (23, True), (24, False), (90, False), (255, False)])
def test_a_flat_picture_is_black_up_to_near_the_black_of_a_limited_range_source(level: int, black: bool) -> None:
    assert is_black(np.full((60, 80, 3), level, np.uint8)) is black


@pytest.mark.parametrize(("mean", "black"), [(0.5, True), (1.0, True), (1.9, True), (2.1, False), (3.0, False), (8.0, False)])
def test_a_textured_picture_is_black_below_a_mean_of_two(mean: float, black: bool) -> None:
    sample = np.zeros((100, 100, 3), np.uint8)
    sample.reshape(-1)[: round(30_000 * mean / 20)] = 20
    assert is_black(sample) is black


def test_before_the_first_living_frame_nothing_is_lost() -> None:
    assert Liveness().silence(10**12) is None


def test_pictures_of_changing_size_are_alive() -> None:
    liveness = Liveness(fps=30)
    for n in range(20):
        assert liveness.feed(a_frame(a_picture(n, size_px=(160, 120) if n % 2 else (320, 240)), n * 33)) is None
