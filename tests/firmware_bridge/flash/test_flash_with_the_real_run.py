"""The whole device as a clinic has it: `device serve` and `run --model slot:DIR` as two processes, and `flash` at the other end."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.firmware_bridge.benches import CLASS, VENDOR, bundles, device, error_of, flash_at, rows, wait_for
from tests.firmware_bridge.served import a_cable, served_for_ever

pytest.importorskip("serial")

RUN = "from edge.cli.main import main; main()"


@pytest.mark.slow
def test_an_empty_device_gets_its_first_model_then_the_next_and_refuses_a_stranger(tmp_path: Path) -> None:
    made = bundles(tmp_path / "made")
    slots, trust = tmp_path / "slots", made.old.trust_dir
    kind = ("--vendor", str(VENDOR), "--class", str(CLASS))
    assert device("init", "--slots", str(slots), "--model", made.old.manifest.name, "--trust", str(trust), *kind).exit_code == 0
    command = [sys.executable, "-c", RUN, "run", "phantom:derm?seed=1", "--model", f"slot:{slots}", "--trust", str(trust)]
    command += ["--sink", f"jsonl:{tmp_path / 'readings.jsonl'}"]
    with a_cable() as ends, served_for_ever(ends, slots, trust), (tmp_path / "talk").open("wb") as talk:
        run = subprocess.Popen(command, stdout=talk, stderr=talk)
        try:
            wait_for((slots / "run.json").exists, 60)
            first = flash_at(ends[0], made.old)
            assert [row["outcome"] for row in rows(first)] == ["flashed"], first.output
            second = flash_at(ends[0], made.new)
            assert [(row["outcome"], row["old_version"], row["version"]) for row in rows(second)] == [("flashed", "1.0.0", "1.0.1")]
            assert "it runs on trial" in second.stderr
            log = device("log", "--port", ends[0], "--json").stdout
            assert log.index("confirmed 1.0.0") < log.index("confirmed 1.0.1")
        finally:
            run.terminate()
            run.wait(30)
        wait_for(lambda: rows(device("info", "--port", ends[0], "--json"))[0]["run"] is None, 30)
        assert "does not trust key" in error_of(flash_at(ends[0], bundles(tmp_path / "strange", licence="MIT").new)).what
