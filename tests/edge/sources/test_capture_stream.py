"""`url:` through real sockets of this machine: MJPEG, an http clip, RTSP; and all the ways in which a network fails."""

import itertools
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import PartialInput, SonodermError, SourceUnreachable, UsageError
from edge.frame import Frame
from edge.reading import Reason
from edge.sources.events import Arrived, Ended, Event, Failed, Lost, Opened
from edge.sources.live import LiveSource
from edge.sources.lost import SourceLost
from edge.sources.table import open_source
from tests.clips import BLUE, RED, a_clip, index_first
from tests.loopback import ClipServer, MjpegCamera, RtspCamera

LONG_S = 40.0


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg's own http reader obeys this variable; the loopback address is nobody's to forward."""
    for name in [name for name in os.environ if name.lower() in {"http_proxy", "https_proxy", "all_proxy"}]:
        monkeypatch.delenv(name)


def some(uri: str, count: int) -> list[Frame]:
    frames: list[Frame] = []
    with open_source(uri) as source:
        for frame in source:
            frames.append(frame)
            if len(frames) == count:
                break
    return frames


def until(source: LiveSource, kind: type[Event]) -> Event:
    deadline = time.monotonic() + LONG_S
    while time.monotonic() < deadline and not source.is_over:
        event = source.next_event(0.1)
        if isinstance(event, kind):
            return event
    raise AssertionError(f"no {kind.__name__}")


@pytest.mark.parametrize(("boundary", "with_length"), [("frame", True), ("--frame", True), ("frame", False)])
def test_an_mjpeg_stream_delivers_living_pictures(boundary: str, with_length: bool) -> None:
    with MjpegCamera(boundary=boundary, with_length=with_length) as camera:
        frames = some(camera.uri, 8)
    assert [frame.pixels.shape for frame in frames] == [(48, 64, 3)] * 8
    levels = [int(frame.pixels[10, 60, 0]) for frame in frames]
    assert levels == sorted(levels)
    assert len(set(levels)) > 4


def test_a_stream_that_stalls_with_its_socket_open_is_lost_in_time_and_comes_back() -> None:
    with MjpegCamera(fps=10) as camera, LiveSource(camera.uri) as source:
        source.start()
        opened = until(source, Opened)
        assert isinstance(opened, Opened)
        assert not opened.info.paced
        for _ in range(5):
            until(source, Arrived)
        camera.habit = "stall"
        lost = until(source, Lost)
        assert isinstance(lost, Lost)
        assert lost.reason is Reason.STALLED
        camera.habit = "ok"
        until(source, Arrived)


def test_a_stream_that_closes_is_a_loss_and_no_end_and_comes_back() -> None:
    with MjpegCamera() as camera:
        port = camera.port
        with LiveSource(camera.uri) as source:
            source.start()
            until(source, Arrived)
            camera.__exit__()
            lost = until(source, Lost)
            assert isinstance(lost, Lost)
            assert lost.reason is Reason.UNPLUGGED
            assert source.next_event(0.3) is None
            with MjpegCamera(port=port):
                until(source, Arrived)


def test_pictures_cut_in_two_are_counted_and_never_shown() -> None:
    from edge.sources.child import CountsLosses

    with MjpegCamera(habit="torn") as camera, open_source(camera.uri) as source:
        frames = iter(source)
        camera_turns_good(camera)
        frame = next(frames)
        assert isinstance(source, CountsLosses)
        assert dict(source.take_losses()).get("torn", 0) == frame.index
        assert source.take_losses() == ()


def camera_turns_good(camera: MjpegCamera) -> None:
    deadline = time.monotonic() + LONG_S
    while camera.sent < 3 and time.monotonic() < deadline:
        camera.pause(0.02)
    camera.habit = "ok"


def test_user_and_password_are_sent_when_asked_for_and_written_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    with MjpegCamera(habit="401") as camera:
        with open_source(camera.uri.replace("http://", "http://admin:s3cret@")) as source:
            assert "s3cret" not in str(source.info)
            assert "admin" not in str(source.info)
        for wrong in ("http://admin:wr0ng@", "http://"):
            with pytest.raises(SourceUnreachable, match="refuses this user") as caught:
                open_source(camera.uri.replace("http://", wrong))
            assert "wr0ng" not in caught.value.line()
    assert "s3cret" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(("habit", "word"), [("404", "404"), ("silent", "no answer within"), ("nonsense", "no video")])
def test_a_server_that_gives_no_stream_is_named_with_what_it_gave(habit: str, word: str) -> None:
    with MjpegCamera(habit=habit) as camera, pytest.raises(SonodermError, match=word) as caught:
        open_source(f"{camera.uri}#open_timeout_s=0.5&read_timeout_s=0.5")
    assert caught.value.exit_code == 4
    assert "127.0.0.1" in caught.value.line()


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_closed_port_and_an_unknown_host_are_unreachable_at_once(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for address in (f"{scheme}://user:s3cret@127.0.0.1:{port}/x?token=t0ken", f"{scheme}://user:s3cret@no-such-host.invalid/x?token=t0ken"):
        with pytest.raises(SourceUnreachable) as caught:
            open_source(f"url:{address}")
        assert caught.value.exit_code == 4
        assert "s3cret" not in caught.value.line()
        assert "t0ken" not in caught.value.line()


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
@pytest.mark.parametrize("host", ["..", "a..b", "a" * 64 + ".de"])
def test_what_is_no_host_name_is_said_in_one_line(scheme: str, host: str) -> None:
    with pytest.raises(UsageError, match="is no host name") as caught:
        open_source(f"url:{scheme}://user:s3cret@{host}:554/x?token=t0ken")
    assert "s3cret" not in caught.value.line()
    assert "t0ken" not in caught.value.line()


def test_an_rtsp_server_that_never_answers_is_given_up_within_its_limit() -> None:
    with MjpegCamera(habit="silent") as camera:  # accepts, and says nothing in any language
        began = time.monotonic()
        with pytest.raises(SourceLost, match="no answer within"):
            open_source(f"url:rtsp://127.0.0.1:{camera.port}/live#open_timeout_s=0.5")
        assert time.monotonic() - began < 10


def test_an_http_clip_is_played_to_its_end(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp4"
    whole.write_bytes(index_first(a_clip(tmp_path / "a.mp4", fps=50, colours=(RED, BLUE) * 20).read_bytes()))
    with ClipServer(whole) as server:
        with open_source(server.uri) as source:
            assert source.info.paced
            frames = list(source)
        assert len(frames) == 40
        assert [frame.time_s for frame in frames] == pytest.approx([n / 50 for n in range(40)], abs=0.002)
        with LiveSource(server.uri) as live:
            live.start()
            until(live, Arrived)
            assert until(live, Ended) == Ended()


def test_an_http_clip_that_breaks_off_is_partial(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp4"
    whole.write_bytes(index_first(a_clip(tmp_path / "a.mp4", fps=50, colours=(RED, BLUE) * 20).read_bytes()))
    with ClipServer(whole, breaks_off=0.7) as server, open_source(server.uri) as source:
        frames = iter(source)
        assert next(frames).index == 0
        with pytest.raises((PartialInput, SourceLost), match=r"partial|nothing came|closed"):
            list(frames)


@pytest.fixture
def rtsp(tmp_path: Path) -> Iterator[RtspCamera]:
    path = tmp_path / "a.ts"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 25, (160, 120))
    ground = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    for n in range(250):
        writer.write(np.roll(ground, n, axis=1))
    writer.release()
    with RtspCamera(path, seconds=10.0) as camera:
        yield camera


def test_an_rtsp_camera_delivers_living_pictures(rtsp: RtspCamera) -> None:
    frames = some(rtsp.uri, 10)
    assert len(frames) == 10
    assert frames[0].pixels.shape == (120, 160, 3)
    assert all(late.captured_ns > early.captured_ns for early, late in itertools.pairwise(frames))
    assert not np.array_equal(frames[0].pixels, frames[1].pixels)
    assert rtsp.heard[:4] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]


def test_an_rtsp_camera_that_stalls_is_lost_and_comes_back(rtsp: RtspCamera) -> None:
    with LiveSource(rtsp.uri) as source:
        source.start()
        until(source, Arrived)
        rtsp.habit = "stall"
        lost = until(source, Lost)
        assert isinstance(lost, Lost)
        assert lost.reason is Reason.STALLED
        rtsp.habit = "ok"
        until(source, Arrived)


def test_a_live_stream_that_is_not_there_fails_at_the_first_attempt() -> None:
    with MjpegCamera(habit="404") as camera, LiveSource(camera.uri) as source:
        source.start()
        failed = source.next_event(LONG_S)
        assert isinstance(failed, Failed)
        assert failed.error.exit_code == 4
