"""A known delay is measured to a frame: in numbers, and through the serial target, the capture process and the whole pipeline."""

import json
import os
import pty
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from calibration.latency.command import app
from calibration.latency.delay import Shown, Toggle, measure
from calibration.latency.record import Plan
from calibration.latency.target import open_target
from edge.errors import InputRefused, MachineLacks, SourceUnreachable, UsageError
from tests.builders import a_bundle
from tests.calibration.latency.blinking_camera import install

MS = 1_000_000
FRAME_NS = 33 * MS


def a_recording(delay_ns: int, *, step: float = 80, toggles: int = 20, seed: int = 0) -> tuple[list[Toggle], list[Shown]]:
    """Views every 33 ms; each shows the target as it was `delay_ns` before its capture, and reaches the sink 12 ms after it."""
    at_ns, changes = 1_000 * MS, list[Toggle]()
    for number, hold_s in enumerate(Plan(toggles, (600, 1080), seed).holds_s()):
        changes.append(Toggle(at_ns, number % 2 == 0))
        at_ns += round(hold_s * 1e9)
    rng = np.random.default_rng(seed)
    shown = []
    for captured_ns in range(0, at_ns, FRAME_NS):
        past = [toggle for toggle in changes if toggle.at_ns <= captured_ns - delay_ns]
        cells = rng.normal(90, 2, 768).astype(np.float32)
        cells[300:360] += step if past and past[-1].is_on else 0
        shown.append(Shown(captured_ns + 12 * MS, captured_ns, cells))
    return changes, shown


@settings(max_examples=25, deadline=None)
@given(delay_ms=st.integers(0, 480), seed=st.integers(0, 50))
def test_a_known_delay_comes_out_to_one_frame(delay_ms: int, seed: int) -> None:
    found = measure(*a_recording(delay_ms * MS, seed=seed))
    assert abs(np.median(found.stamp_ms) - (delay_ms + 16.5)) <= 33
    assert np.median(found.label_ms) - np.median(found.stamp_ms) == pytest.approx(12, abs=0.01)
    assert found.frame_ms == pytest.approx(33)


def test_a_delay_longer_than_the_changes_are_apart_is_refused_and_never_taken_for_a_short_one() -> None:
    with pytest.raises(InputRefused, match="longer than they are apart"):
        measure(*a_recording(1_500 * MS))


def test_a_target_that_is_not_in_the_picture_is_refused() -> None:
    with pytest.raises(InputRefused, match="not to be seen"):
        measure(*a_recording(100 * MS, step=0))


def test_too_few_views_are_refused() -> None:
    with pytest.raises(InputRefused, match="too few"):
        measure([], [])


# targets


@pytest.mark.parametrize("text", ["lamp:", "serial:", ""])
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        open_target(text)


def test_a_port_that_is_not_there_and_a_file_that_is_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachable, match="ttyNONE"):
        open_target("serial:/dev/ttyNONE")
    (tmp_path / "file").touch()
    with pytest.raises(SourceUnreachable, match="no serial port"):
        open_target(f"serial:{tmp_path / 'file'}")


def test_a_window_without_a_screen_is_refused_before_it_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(MachineLacks, match="no screen"), open_target("window:"):
        pass


# the whole way


class Lamp:
    """The far end of the serial line: notes in a file when it was told what."""

    def __init__(self, file: Path) -> None:
        self._near, far = pty.openpty()
        self.port = os.ttyname(far)
        self._far, self._file = far, file
        file.touch()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                byte = os.read(self._near, 1)
            except OSError:
                return
            if byte in {b"0", b"1"}:
                with self._file.open("a", encoding="ascii") as file:
                    file.write(f"{time.monotonic_ns()} {byte.decode()}\n")

    def close(self) -> None:
        os.close(self._far)
        os.close(self._near)


@pytest.fixture
def lamp(tmp_path: Path) -> Iterator[Lamp]:
    made = Lamp(tmp_path / "lamp")
    yield made
    made.close()


def test_a_camera_of_known_delay_is_measured_through_the_whole_pipeline(
    lamp: Lamp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(install(tmp_path / "installed"))
    built = a_bundle(tmp_path)
    delay_ms = 140
    words = [f"blink:{tmp_path / 'lamp'}?delay_ms={delay_ms}&fps=25", "--model", str(built.path), "--trust", str(built.trust_dir)]
    ended = CliRunner().invoke(app, [*words, "--target", f"serial:{lamp.port}", "--toggles", "10", "--hold-ms", "500", "--json"])
    assert ended.exit_code == 0, (ended.output, ended.exception)
    facts = json.loads(ended.stdout)
    frame_ms = 40
    assert facts["n"] >= 8
    assert abs(facts["stamp_median_ms"] - (delay_ms + frame_ms / 2)) <= frame_ms
    assert facts["label_median_ms"] >= facts["stamp_median_ms"]
