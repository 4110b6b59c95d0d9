"""Phantoms are the same for the same seed and time, move as a hand does, and never stand still."""

import itertools

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.errors import UsageError
from edge.frame import Frame
from edge.sources import phantom_derm, phantom_ultrasound
from edge.sources.phantom import open_source
from edge.sources.phantom_hand import Moment, at, steady, take
from edge.sources.phantom_still import LABELS, render_still
from edge.sources.tremor import Pose, hold, move
from edge.sources.uri import SourceUri

MIDDLE = Pose(0, 0, 0, 1)
SMALL = (("size", "160x120"),)


def frames_of(target: str, n: int, *options: tuple[str, str]) -> list[Frame]:
    with open_source(SourceUri("phantom", target, options)) as source:
        return list(itertools.islice(source, n))


@pytest.mark.parametrize("label", LABELS)
def test_a_still_depends_on_label_seed_size_and_time_alone(label: str) -> None:
    first = render_still(label, 7, width_px=200, height_px=150)
    assert first.shape == (150, 200, 3)
    assert first.dtype == np.uint8
    assert first.flags.c_contiguous
    assert np.array_equal(first, render_still(label, 7, width_px=200, height_px=150))
    assert not np.array_equal(first, render_still(label, 8, width_px=200, height_px=150))


def test_an_unknown_label_is_refused() -> None:
    with pytest.raises(ValueError, match="derm-disc"):
        render_still("derm-square", 0)


def test_a_cyst_is_black_with_bright_tissue_behind_and_a_mass_casts_a_shadow() -> None:
    """The two inclusions differ in what lies below them, over many seeds."""

    def below(form: str, seed: int) -> tuple[float, float]:
        scene = phantom_ultrasound.draw(seed, form, 640, 480, "linear")
        picture = phantom_ultrasound.look(scene, Moment(MIDDLE), 0)[..., 0].astype(float)
        return float(np.median(picture[180:215, 300:340])), float(picture[300:380, 290:350].mean())

    cysts, masses = (np.array([below(form, seed) for seed in range(8)]) for form in ("cyst", "mass"))
    assert np.median(cysts[:, 0]) < 25
    assert np.median(masses[:, 0]) > 35
    assert np.median(cysts[:, 1]) > 1.3 * np.median(masses[:, 1])


def test_a_star_has_a_rougher_outline_than_a_disc() -> None:
    def roundness(form: str, seed: int) -> float:
        red = cv2.GaussianBlur(phantom_derm.draw(seed, form, 320, 240).canvas[..., 0], (0, 0), 3)
        _, dark = cv2.threshold(red, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
        shapes, _ = cv2.findContours(dark, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        largest = max(shapes, key=cv2.contourArea)
        return 4 * np.pi * cv2.contourArea(largest) / cv2.arcLength(largest, True) ** 2

    discs, stars = ([roundness(form, seed) for seed in range(8)] for form in ("disc", "star"))
    assert np.median(discs) > np.median(stars) + 0.15


@pytest.mark.parametrize("target", ["derm", "ultrasound"])
def test_a_live_phantom_is_rendered_paced_and_never_repeats_a_frame(target: str) -> None:
    frames = frames_of(target, 90, *SMALL)
    assert all(frame.rendered and not frame.still for frame in frames)
    assert frames[30].time_s == 1.0
    assert len({frame.pixels.tobytes() for frame in frames}) == 90
    again = frames_of(target, 45, *SMALL)[44]
    assert np.array_equal(again.pixels, frames[44].pixels)


@pytest.mark.parametrize("target", ["derm", "ultrasound"])
def test_the_subject_changes_as_a_scene_and_the_hand_lifts_in_between(target: str) -> None:
    frames = frames_of(target, 60, ("each", "2"), ("fps", "10"), ("mishaps", "no"), *SMALL)
    assert [frame.scene for frame in frames[::20]] == [0, 1, 2]
    level = [float(frame.pixels[60:100, 40:120].mean()) for frame in frames]
    assert min(level[19:21]) < 0.5 * np.median(level)
    assert level[30] > 0.7 * np.median(level)


def test_a_phantom_may_end() -> None:
    frames = frames_of("ultrasound", 10**6, ("seconds", "1"), ("kind", "cyst"), ("view", "sector"), *SMALL)
    assert len(frames) == 30


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("knee", ()),
        ("derm", (("kind", "cyst"),)),
        ("derm", (("view", "linear"),)),
        ("ultrasound", (("size", "8000x8000"),)),
        ("derm", (("size", "10x10"),)),
        ("derm", (("fps", "0"),)),
        ("derm", (("seed", "one"),)),
    ],
)
def test_what_no_phantom_can_do_is_refused(target: str, options: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(UsageError):
        frames_of(target, 1, *options)


@pytest.mark.parametrize("seed", range(5))
def test_tremor_is_small_smooth_and_has_its_fast_part_between_8_and_12_hz(seed: int) -> None:
    hand = hold(seed)
    times = np.arange(0, 40, 1 / 100)
    poses = [hand.pose(float(t)) for t in times]
    right = np.array([pose.right for pose in poses])
    assert np.abs(right).max() < 0.06
    assert max(abs(pose.turn_rad) for pose in poses) < 0.1
    assert max(abs(pose.zoom - 1) for pose in poses) < 0.06
    power = np.abs(np.fft.rfft(right * np.hanning(len(right)))) ** 2
    hz = np.fft.rfftfreq(len(right), 1 / 100)
    assert power[(hz > 7.5) & (hz < 12.5)].sum() > 0.98 * power[hz > 2].sum()
    assert power[hz < 0.6].sum() > power[hz > 2].sum()


def test_a_hand_at_rest_shows_the_picture_itself() -> None:
    picture: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 255, (50, 70, 3), np.uint8)
    assert np.array_equal(move(picture, MIDDLE, width_px=70, height_px=50), picture)


def test_mishaps_come_in_every_kind_and_leave_the_first_seconds_alone() -> None:
    seen = set()
    for seed in range(6):
        hand = take(seed)
        assert steady(hand, 3.0).defocus == 0
        for time_s in np.arange(0, 90, 0.1):
            moment = at(hand, float(time_s))
            kinds = {
                name
                for name, there in (
                    ("focus", moment.defocus > 0.01),
                    ("gain", abs(moment.gain - 1) > 0.2),
                    ("contact", moment.contact < 0.5),
                )
                if there
            }
            assert not (kinds and time_s < 5)
            seen |= kinds
    assert seen == {"focus", "gain", "contact"}


@pytest.mark.parametrize(("module", "form"), [(phantom_derm, "disc"), (phantom_ultrasound, "mass")])
def test_gain_focus_and_contact_do_to_the_picture_what_they_say(module: object, form: str) -> None:
    scene = module.draw(3, form, 320, 240)  # type: ignore[attr-defined]

    def shown(moment: Moment) -> NDArray[np.float64]:
        return np.asarray(module.look(scene, moment, 0)[60:200, 90:230].astype(np.float64))  # type: ignore[attr-defined]

    plain = shown(Moment(MIDDLE))
    assert shown(Moment(MIDDLE, gain=0.5)).mean() < 0.9 * plain.mean()
    assert shown(Moment(MIDDLE, gain=1.5)).mean() > 1.05 * plain.mean()

    def detail(picture: NDArray[np.float64]) -> float:
        return float(cv2.Laplacian(cv2.GaussianBlur(picture[..., 1], (0, 0), 1.5), cv2.CV_64F).std())  # less the sensor's noise

    assert detail(shown(Moment(MIDDLE, defocus=0.03))) < 0.7 * detail(plain)
    assert np.abs(shown(Moment(MIDDLE, contact=0.1)) - plain).mean() > 15
