"""The whole device as a clinic has it: `device serve` and `run --model slot:DIR` as two processes, and `flash` at the other end."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.bundle.slotrun import read_run
from tests.firmware_bridge.benches import CLASS, VENDOR, bundles, device, error_of, flash_at, rows, wait_for
from tests.firmware_bridge.served import a_cable, served_for_ever

pytest.importorskip("serial")

RUN = "from edge.cli.main import main; main()"


@contextmanager
def running(slots: Path, trust: Path, talk: Path) -> Iterator[None]:
    """`run` on these slots, with a source that never ends: an examination is always under way once there is a model."""
    command = [
        sys.executable,
        "-c",
        RUN,
        "run",
        "phantom:derm?seed=1",
        "--model",
        f"slot:{slots}",
        "--trust",
        str(trust),
        "--sink",
        "null:",
    ]
    with talk.open("ab") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            yield
        finally:
            process.terminate()


def waits_for_the_end_of_an_examination(slots: Path) -> bool:
    said = read_run(slots)
    return said is not None and said.waiting and said.in_examination


@pytest.mark.slow
def test_an_empty_device_gets_its_first_model_then_the_next_and_refuses_a_stranger(tmp_path: Path) -> None:
    made = bundles(tmp_path / "made")
    slots, trust, talk = tmp_path / "slots", made.old.trust_dir, tmp_path / "talk"
    kind = ("--vendor", str(VENDOR), "--class", str(CLASS))
    assert device("init", "--slots", str(slots), "--model", made.old.manifest.name, "--trust", str(trust), *kind).exit_code == 0
    over = threading.Event()

    def clinic() -> None:
        with running(slots, trust, talk):
            wait_for(lambda: waits_for_the_end_of_an_examination(slots), 120)
            wait_for(over.is_set, 8)  # the technician sees what is waited for, also where the server takes seconds to be back
        with running(slots, trust, talk):  # the device is started for the next patient
            over.wait(120)

    with a_cable() as ends, served_for_ever(ends, slots, trust):
        day = threading.Thread(target=clinic)
        day.start()
        try:
            wait_for((slots / "run.json").exists, 60)
            first = flash_at(ends[0], made.old)
            assert [row["outcome"] for row in rows(first)] == ["flashed"], first.output
            second = flash_at(ends[0], made.new)
        finally:
            over.set()
            day.join()
        assert [(row["outcome"], row["old_version"], row["version"]) for row in rows(second)] == [("flashed", "1.0.0", "1.0.1")], (
            second.output
        )
        assert "waiting for the end of the examination" in second.stderr
        assert "it runs on trial" in second.stderr
        log = device("log", "--port", ends[0], "--json").stdout
        assert log.index("confirmed 1.0.0") < log.index("confirmed 1.0.1")
        wait_for(lambda: rows(device("info", "--port", ends[0], "--json"))[0]["run"] is None, 30)
        assert "does not trust key" in error_of(flash_at(ends[0], bundles(tmp_path / "strange", licence="MIT").new)).what
