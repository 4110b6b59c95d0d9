"""The demo as a person starts it: a real capture process, real faults, and the words at the end."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.demo.faults import FaultKind, find_fault
from edge.demo.plays import STEADY
from edge.demo.stage import Play, Stage
from edge.demo.trial import banner_ms
from edge.pipeline.options import LiveModel
from edge.reading import State
from edge.sinks.table import open_sink
from tests.builders import BuiltBundle, a_bundle

LONG_NS = 40_000_000_000  # a loaded machine may take long; what is timed is the banner


@pytest.fixture
def built(tmp_path: Path) -> BuiltBundle:
    return a_bundle(tmp_path / "bundle")


def a_stage(built: BuiltBundle, said: list[str]) -> Stage:
    def open_model(name: str, _step: object) -> LiveModel:
        from edge.model import open_model as open_verified

        return open_verified(name, built.trust)

    return Stage([open_sink("null:")], open_model, said.append)


def later() -> int:
    return time.monotonic_ns() + LONG_NS


@pytest.mark.parametrize("kind", [FaultKind.CRASH, FaultKind.BLACK, FaultKind.SLOW_SINK])
def test_an_ordered_fault_gets_its_banner_and_the_label_comes_back(built: BuiltBundle, kind: FaultKind) -> None:
    said: list[str] = []
    stage = a_stage(built, said)
    try:
        stage.start(Play("phantom", "", str(built.path), f"phantom:derm?{STEADY}"))
        assert stage.wait(lambda s: s.is_ready, later())
        fault = find_fault(kind.value)
        assert fault is not None
        stage.order(fault)
        assert stage.wait(lambda s: s.trial is None or s.trial.banner_ns is not None, later())
        stage.repair()
        assert stage.wait(lambda s: len(s.trials) == 1, later())
    finally:
        stage.close()
    assert banner_ms(stage.trials[0]) is not None
    assert stage.trials[0].back_ns is not None
    assert stage.trials[0].stayed
    assert sum(summary.stale_labels for summary in stage.summaries) == 0


def test_a_play_that_cannot_begin_is_said_and_the_first_one_goes_on(built: BuiltBundle) -> None:
    said: list[str] = []
    stage = a_stage(built, said)
    home = Play("phantom", "", str(built.path), f"phantom:derm?{STEADY}")
    stage._home = home
    try:
        stage.start(Play("own", "", "/no/such.bundle", f"phantom:derm?{STEADY}"))
        deadline = later()
        while time.monotonic_ns() < deadline and not (stage.play == home and stage.is_ready):
            stage.pause(0.1)
        assert stage.play == home
        assert stage._view is not None
        assert stage._view.reading.state is State.READY
        assert stage.trouble is not None
    finally:
        stage.close()
    assert any("/no/such.bundle" in line for line in said)


def test_headless_without_its_model_is_one_line_and_its_exit_code() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "edge.cli.main", "demo", "--headless", "--seconds", "20", "--model", "/no/such.bundle"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode in (2, 3)
    assert "Traceback" not in ended.stderr
    assert "/no/such.bundle" in ended.stderr
