"""`sonoderm run` as a person or a script meets it: exit codes, one line for each trouble, a clean end by signals."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.cli.main import main
from tests.builders import BuiltBundle, a_bundle
from tests.fake_driver import World, install
from tests.run_log import first_line

RED_BGR = (20, 20, 220)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> BuiltBundle:
    return a_bundle(tmp_path_factory.mktemp("bundle"))


def model_of(bundle: BuiltBundle) -> list[str]:
    return ["--model", str(bundle.path), "--trust", str(bundle.trust_dir)]


def a_red_cine(folder: Path, n: int = 2) -> Path:
    """Pictures of textured red; as `dir:` each stands for a second."""
    folder.mkdir()
    for i in range(n):
        noise = np.random.default_rng(i).integers(-15, 16, (240, 320, 3))
        pattern = 25 * np.sin(np.arange(320) / 6)[None, :, None]
        cv2.imwrite(str(folder / f"{i}.png"), np.clip(np.array(RED_BGR) + noise + pattern, 0, 255).astype(np.uint8))
    return folder


def sonoderm(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_a_run_to_the_end_of_its_pictures(tmp_path: Path, bundle: BuiltBundle, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.jsonl"
    source = f"dir:{a_red_cine(tmp_path / 'red')}"
    code, out, err = sonoderm(["run", source, *model_of(bundle), "--sink", f"jsonl:{log}", "--json"], capsys)
    assert code == 0, err
    summary = json.loads(out)
    assert (summary["v"], summary["ended"], summary["stale_labels"], summary["pending"]) == (1, "the source ended", 0, 0)
    assert summary["captured"] == summary["inferred"] + sum(summary["dropped"].values())
    assert summary["scenes"] == 2
    assert summary["first_label_s"] > 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[0]["state"] == "STARTING"
    assert (lines[-1]["state"], lines[-1]["reason"]) == ("NO SIGNAL", "ended")
    assert {line["label"] for line in lines} == {None, "red"}
    assert {line["state"] for line in lines} == {"STARTING", "READY", "NO SIGNAL"}, "stills are no slow machine"
    assert not any("lost" in line for line in lines), "the log got every view"
    assert all(line["age_ms"] < 500 for line in lines if line["state"] == "READY")


def test_a_run_of_given_length_says_its_summary_on_stderr(tmp_path: Path, bundle: BuiltBundle, capsys: pytest.CaptureFixture[str]) -> None:
    source = f"dir:{a_red_cine(tmp_path / 'red')}?motion=tremor"
    code, out, err = sonoderm(["run", source, *model_of(bundle), "--sink", "null:", "--seconds", "2"], capsys)
    assert (code, out) == (0, "")
    assert "its time was up" in err
    assert "stale labels shown: 0" in err


@pytest.mark.parametrize(
    ("source", "extra", "code", "words"),
    [
        ("teapot:1", [], 2, "teapot"),
        ("dir:/nowhere/at/all", [], 3, "/nowhere/at/all"),
        ("camera:/dev/video97", [], 4, "video97"),
        ("phantom:derm", ["--sink", "printer:"], 2, "printer"),
        ("phantom:derm", ["--sink", "jsonl:/nowhere/log"], 6, "/nowhere/log"),
        ("phantom:derm", ["--seconds", "0"], 2, "seconds"),
        ("phantom:derm", ["--age-limit-ms", "50"], 2, "age-limit-ms"),
    ],
)
def test_each_trouble_at_the_start_is_one_line_and_its_own_exit_code(
    source: str, extra: list[str], code: int, words: str, bundle: BuiltBundle, capsys: pytest.CaptureFixture[str]
) -> None:
    sink = [] if "--sink" in extra else ["--sink", "null:"]
    found, out, err = sonoderm(["run", source, *model_of(bundle), *sink, *extra], capsys)
    assert (found, out) == (code, "")
    assert words in err
    assert len(err.strip().splitlines()) == 1, err


def test_a_model_that_nobody_trusts_never_runs(tmp_path: Path, bundle: BuiltBundle, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = tmp_path / "damaged.bundle"
    data = bytearray(bundle.path.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    arguments = ["run", "phantom:derm", "--model", str(damaged), "--trust", str(bundle.trust_dir), "--sink", "null:"]
    code, out, err = sonoderm(arguments, capsys)
    assert (code, out) == (5, "")
    assert "Traceback" not in err


class Started:
    """`sonoderm run` on the fake driver, in a process of its own."""

    def __init__(self, folder: Path, bundle: BuiltBundle, *extra: str, habit: str = "ok") -> None:
        folder.mkdir()
        self.world = World(folder / "world")
        self.world.set(habit)
        self.log = folder / "log.jsonl"
        path = os.pathsep.join([install(folder / "driver"), os.environ.get("PYTHONPATH", "")])
        command = [sys.executable, "-m", "edge.cli.main", "run", self.world.uri, *model_of(bundle), "--sink", f"jsonl:{self.log}", *extra]
        self.process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait_for(self, state: str, timeout_s: float = 30.0) -> None:
        """Until the log has a line of that state."""
        assert first_line(self.log, lambda line: line["state"] == state, timeout_s) is not None, f"no {state} within {timeout_s} s"

    def ended(self, timeout_s: float = 20.0) -> tuple[int, str]:
        try:
            _, err = self.process.communicate(timeout=timeout_s)
        finally:
            self.process.kill()
        return self.process.returncode, err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_the_run_cleanly_and_the_capture_process_with_it(
    number: signal.Signals, code: int, tmp_path: Path, bundle: BuiltBundle
) -> None:
    run = Started(tmp_path / "run", bundle)
    run.wait_for("UNSURE")  # noise is no colour: the model speaks
    children = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children").read_text().split()
    captures = [pid for pid in children if "edge.sources.child" in Path(f"/proc/{pid}/cmdline").read_text()]
    began = time.monotonic()
    run.process.send_signal(number)
    found, err = run.ended()
    assert found == code, err
    assert time.monotonic() - began < 8
    assert "Traceback" not in err
    assert "captured" in err
    assert not any(Path(f"/proc/{pid}").exists() for pid in captures)


def test_a_source_that_is_not_there_is_exit_4(tmp_path: Path, bundle: BuiltBundle) -> None:
    code, err = Started(tmp_path / "run", bundle, habit="gone").ended()
    assert code == 4
    assert "no such camera" in err


def test_with_exit_on_loss_an_unplugged_source_is_exit_4(tmp_path: Path, bundle: BuiltBundle) -> None:
    run = Started(tmp_path / "run", bundle, "--exit-on-loss")
    run.wait_for("UNSURE")
    run.world.set("gone")
    code, err = run.ended()
    assert code == 4
    assert "unplugged" in err
    assert json.loads(run.log.read_text().splitlines()[-1])["state"] == "NO SIGNAL"


def test_without_it_the_run_goes_on_and_comes_back(tmp_path: Path, bundle: BuiltBundle) -> None:
    run = Started(tmp_path / "run", bundle)
    run.wait_for("UNSURE")
    run.world.set("crash")
    run.wait_for("NO SIGNAL")
    run.world.set("ok")
    run.log.write_text("")
    run.wait_for("UNSURE")
    run.process.terminate()
    assert run.ended()[0] == 0
