"""A camera driver's answers, told by a fake of cv2.VideoCapture; V4L2 hardware is not run here."""

import time
from collections import deque
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import UsageError
from edge.reading import Reason
from edge.sources.camera import CameraSource
from edge.sources.camera_settings import ask_settings
from edge.sources.lost import SourceLost
from edge.sources.uri import SourceUri, parse_uri
from edge.sources.v4l2 import Capability, Mode, Node

MS = 1_000_000


class FakeCapture:
    """Keeps properties as a UVC driver does: takes the sizes it has, ignores the rest; buffers of a given age."""

    def __init__(self, *, sizes: tuple[tuple[int, int], ...] = ((640, 480), (1280, 720)), controls: bool = True) -> None:
        self.sizes = sizes
        self.props = {cv2.CAP_PROP_FRAME_WIDTH: 640.0, cv2.CAP_PROP_FRAME_HEIGHT: 480.0, cv2.CAP_PROP_FPS: 30.0}
        self.props[cv2.CAP_PROP_FOURCC] = float(cv2.VideoWriter.fourcc(*"YUYV"))
        if controls:
            self.props |= {cv2.CAP_PROP_AUTO_EXPOSURE: 3.0, cv2.CAP_PROP_EXPOSURE: 156.0, cv2.CAP_PROP_AUTO_WB: 1.0}
            self.props |= {cv2.CAP_PROP_WB_TEMPERATURE: 4600.0}
        self.ages_ms: list[float] = []
        self.picture = np.full((480, 640, 3), (200, 20, 20), np.uint8)  # BGR: blue
        self.left = 1_000
        self.opens = True
        self.released = False
        self._stamp_ms = 0.0

    def isOpened(self) -> bool:
        return self.opens

    def release(self) -> None:
        self.released = True

    def get(self, prop: int, /) -> float:
        return self._stamp_ms if prop == cv2.CAP_PROP_POS_MSEC else self.props.get(prop, -1.0)

    def set(self, prop: int, value: float, /) -> bool:
        if prop == cv2.CAP_PROP_FRAME_WIDTH:
            fits = [size for size in self.sizes if size[0] == int(value)]
            if fits:
                self.props[cv2.CAP_PROP_FRAME_WIDTH], self.props[cv2.CAP_PROP_FRAME_HEIGHT] = map(float, fits[0])
            return bool(fits)
        if prop == cv2.CAP_PROP_FRAME_HEIGHT:
            return True
        if prop == cv2.CAP_PROP_EXPOSURE and value > 5000:
            return False
        if prop not in self.props:
            return False
        self.props[prop] = value
        return True

    def grab(self) -> bool:
        self.left -= 1
        age_ms = self.ages_ms.pop(0) if self.ages_ms else 2.0
        self._stamp_ms = time.monotonic() * 1000 - age_ms
        return self.left >= 0

    def retrieve(self) -> tuple[bool, cv2.typing.MatLike]:
        return True, self.picture


def a_node(tmp_path: Path) -> Node:
    path = tmp_path / "video2"
    path.touch()
    by_id = tmp_path / "usb-HD_Cam_ABC123-video-index0"
    return Node(path, 2, "HD Cam", "ABC123", by_id, None, Capability("uvcvideo", "HD Cam", "usb-1", True))


def a_camera(tmp_path: Path, capture: FakeCapture, uri: str = "camera:2") -> CameraSource:
    parsed = parse_uri(uri)
    modes = (Mode("MJPG", 1280, 720, (30.0,)), Mode("YUYV", 640, 480, (30.0, 15.0)))
    return CameraSource(parsed, a_node(tmp_path), ask_settings(parsed), capture, lambda path: modes)


def test_frames_are_rgb_and_carry_the_drivers_own_time(tmp_path: Path) -> None:
    capture = FakeCapture()
    with a_camera(tmp_path, capture) as camera:
        frame = next(iter(camera))
    assert frame.pixels[0, 0].tolist() == [20, 20, 200]
    assert 2 * MS <= time.monotonic_ns() - frame.captured_ns < 1000 * MS
    assert capture.released


def test_it_is_reopened_by_its_identity_with_the_same_options(tmp_path: Path) -> None:
    with a_camera(tmp_path, FakeCapture(), "camera:2?fps=30") as camera:
        assert camera.reopen == SourceUri("camera", str(tmp_path / "usb-HD_Cam_ABC123-video-index0"), (("fps", "30"),))
        assert camera.info.name == "HD Cam ABC123"


def test_buffers_that_grew_old_in_the_queue_are_given_back_unread_and_counted(tmp_path: Path) -> None:
    capture = FakeCapture()
    with a_camera(tmp_path, capture) as camera:
        frames = iter(camera)
        assert next(frames).index == 0
        capture.ages_ms = [180.0, 147.0, 114.0, 5.0]
        frame = next(frames)
        assert frame.index == 4
        assert camera.take_losses() == (("source behind", 3),)
        assert camera.take_losses() == ()


@pytest.mark.parametrize("age_ms", [-5000.0, 90_000.0, 1e12])
def test_a_time_stamp_of_another_clock_is_not_believed(age_ms: float, tmp_path: Path) -> None:
    capture = FakeCapture()
    with a_camera(tmp_path, capture) as camera:
        capture.ages_ms = [age_ms]
        frame = next(iter(camera))
    assert 0 <= time.monotonic_ns() - frame.captured_ns < 1000 * MS


def test_what_stays_automatic_is_warned_of_and_recorded(tmp_path: Path) -> None:
    with a_camera(tmp_path, FakeCapture()) as camera:
        assert {"exposure=automatic", "white_balance=automatic", "size=640x480", "fourcc=YUYV", "fps=30"} <= set(camera.info.settings)
        assert sum("is automatic" in warning for warning in camera.info.warnings) == 2
        assert not any("focus" in warning for warning in camera.info.warnings)  # it has none


def test_what_is_fixed_is_set_read_back_and_recorded(tmp_path: Path) -> None:
    capture = FakeCapture()
    with a_camera(tmp_path, capture, "camera:2?exposure=100&white_balance=5000") as camera:
        assert {"exposure=100", "white_balance=5000"} <= set(camera.info.settings)
        assert not camera.info.warnings
    assert capture.props[cv2.CAP_PROP_AUTO_EXPOSURE] == 1
    assert capture.props[cv2.CAP_PROP_AUTO_WB] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("size=1920x1080", "has no mode 1920x1080 (it gave 640x480) -> it offers: MJPG 1280x720@30, YUYV 640x480@30/15"),
        ("exposure=9999", "does not take exposure=9999 (it stays at 156)"),
        ("focus=20", "has no focus"),
        ("focus=auto", "has no automatic focus"),
    ],
)
def test_a_setting_that_the_camera_does_not_take_is_refused_with_what_it_has(options: str, words: str, tmp_path: Path) -> None:
    capture = FakeCapture()
    with pytest.raises(UsageError) as caught:
        a_camera(tmp_path, capture, f"camera:2?{options}")
    assert words in caught.value.line()
    assert capture.released


def test_a_rate_that_the_camera_does_not_keep_is_a_warning(tmp_path: Path) -> None:
    capture = FakeCapture()
    capture.set = lambda prop, value: True if prop == cv2.CAP_PROP_FPS else FakeCapture.set(capture, prop, value)  # type: ignore[method-assign]
    with a_camera(tmp_path, capture, "camera:2?fps=60") as camera:
        assert any("60 fps asked for, the camera gives 30" in warning for warning in camera.info.warnings)


def test_a_camera_held_by_another_program_is_lost_with_a_hint(tmp_path: Path) -> None:
    capture = FakeCapture()
    capture.opens = False
    with pytest.raises(SourceLost, match="does not open") as caught:
        a_camera(tmp_path, capture)
    assert "another program" in caught.value.line()


def test_a_driver_that_stops_is_stalled_and_one_whose_node_is_gone_is_unplugged(tmp_path: Path) -> None:
    for vanishes, reason in ((False, Reason.STALLED), (True, Reason.UNPLUGGED)):
        capture = FakeCapture()
        with a_camera(tmp_path, capture) as camera:
            frames = iter(camera)
            next(frames)
            capture.left = 0
            if vanishes:
                (tmp_path / "video2").unlink()
            with pytest.raises(SourceLost) as caught:
                next(frames)
            assert caught.value.reason is reason


def test_a_driver_that_goes_on_succeeding_after_the_plug_was_pulled_is_found_out(tmp_path: Path) -> None:
    with a_camera(tmp_path, FakeCapture()) as camera:
        frames = iter(camera)
        next(frames)
        (tmp_path / "video2").unlink()
        with pytest.raises(SourceLost, match="unplugged"):
            deque(frames, maxlen=0)


def test_a_screen_in_studio_range_is_expanded_when_seen_or_told(tmp_path: Path) -> None:
    screen = np.full((480, 640, 3), 16, np.uint8)
    screen[:, 200:400] = 235
    for uri, white in (("camera:2", 255), ("camera:2?range=limited", 255), ("camera:2?range=full", 235)):
        capture = FakeCapture()
        capture.picture = screen
        with a_camera(tmp_path, capture, uri) as camera:
            assert next(iter(camera)).pixels[0, 300, 0] == white


def test_an_interlaced_grabber_is_mended_at_its_sizes_or_when_told(tmp_path: Path) -> None:
    combed = np.full((576, 720, 3), 40, np.uint8)
    combed[::2, 200:400] = 220
    combed[1::2, 240:440] = 220
    pal, vga = (720, 576), (640, 480)
    for options, size, is_mended in (("", pal, True), ("", vga, False), ("?deinterlace=yes", vga, True), ("?deinterlace=no", pal, False)):
        capture = FakeCapture()
        capture.props[cv2.CAP_PROP_FRAME_WIDTH], capture.props[cv2.CAP_PROP_FRAME_HEIGHT] = map(float, size)
        capture.picture = combed[: size[1], : size[0]]
        with a_camera(tmp_path, capture, f"camera:2{options}") as camera:
            pixels = next(iter(camera)).pixels
        assert (int(pixels[101, 420, 0]) < 100) is is_mended, (options, size)
