"""`sonoderm flash` and `sonoderm device` against simulated devices in another process, over pseudo-terminals."""

import csv
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from edge.errors import CheckFailed, NotTrusted
from tests.builders import a_bundle, a_key
from tests.firmware_bridge.benches import CLASS, VENDOR, Bundles, a_bench, bundles, device, error_of, flash, flash_beside, rows, wait_for
from tests.firmware_bridge.noisy import Noise, NoisyCable, OneForgedChunk

pytest.importorskip("serial")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    return bundles(tmp_path_factory.mktemp("made"))


def test_two_devices_are_flashed_reported_skipped_and_rolled_back(tmp_path: Path, made: Bundles) -> None:
    report = tmp_path / "fleet.csv"
    with a_bench(tmp_path / "bench", made, 2) as bench:
        planned = flash(bench, made.new, "--dry-run")
        assert [(row["outcome"], row["version"]) for row in rows(planned)] == [("would flash", "1.0.0")] * 2

        done = flash(bench, made.new, "--report", str(report), "--operator", "=Ada")
        assert done.exit_code == 0, done.output
        assert {(row["serial"], row["outcome"], row["old_version"], row["version"]) for row in rows(done)} == {
            ("sim-01", "flashed", "1.0.0", "1.0.1"),
            ("sim-02", "flashed", "1.0.0", "1.0.1"),
        }
        again = flash(bench, made.new, "--report", str(report))
        assert [row["outcome"] for row in rows(again)] == ["already", "already"]
        with report.open(newline="") as file:
            kept = list(csv.DictReader(file))
        assert [row["outcome"] for row in kept] == ["flashed", "flashed", "already", "already"]
        assert kept[0]["operator"] == "'=Ada"  # never a formula
        assert kept[0]["vendor_id"] == str(VENDOR)

        back = device("rollback", "--port", bench.port(1))
        assert back.exit_code == 0, back.output
        log = device("log", "--port", bench.port(1), "--json")
        assert "test of 1.0.0 asked for" in log.stdout
        shown = device("slots", "--ports", str(bench.ports))
        assert "sim-02" in shown.stdout
        assert [row["serial"] for row in rows(device("info", "--ports", str(bench.ports), "--json"))] == ["sim-01", "sim-02"]


def test_what_a_device_would_refuse_is_refused_before_the_first_byte(tmp_path: Path, made: Bundles) -> None:
    with a_bench(tmp_path / "bench", made, 1) as bench:
        stranger = a_bundle(tmp_path / "stranger", key=a_key(), version="3.0.0")
        refused = error_of(flash(bench, stranger, "--trust", str(stranger.trust_dir)))
        assert isinstance(refused, NotTrusted)
        assert "does not trust key" in refused.what
        unknown = error_of(flash(bench, stranger))
        assert isinstance(unknown, NotTrusted)
        other = a_bundle(tmp_path / "other", key=made.new.key, security_counter=3, version="2.0.0", vendor_id=VENDOR, class_id=VENDOR)
        assert "the bundle is for class" in error_of(flash(bench, other)).what
        renamed = a_bundle(tmp_path / "name", key=made.new.key, security_counter=3, name="another", vendor_id=VENDOR, class_id=CLASS)
        assert "this device runs p-colour" in error_of(flash(bench, renamed)).what
        log = device("log", "--port", bench.port(), "--json").stdout
        assert log.count("installed") == 1


def test_a_device_set_to_manual_waits_for_a_yes_also_on_a_uart(tmp_path: Path, made: Bundles) -> None:
    with a_bench(tmp_path / "bench", made, 1, "--confirm", "manual", "--link", "uart") as bench:
        tried = flash(bench, made.new)
        assert [row["outcome"] for row in rows(tried)] == ["on trial"], tried.output
        assert device("confirm", "--ports", str(bench.ports)).exit_code == 0
        assert [row["outcome"] for row in rows(flash(bench, made.new))] == ["already"]
        assert isinstance(error_of(device("confirm", "--ports", str(bench.ports))), CheckFailed)


def test_a_cable_that_is_pulled_and_back_goes_on_and_an_examination_is_waited_for(tmp_path: Path, made: Bundles) -> None:
    with a_bench(tmp_path / "bench", made, 2, "--fault", "1=replug", "--fault", "2=examination") as bench:
        done = flash(bench, made.new, "--replug-s", "30")
    assert [row["outcome"] for row in rows(done)] == ["flashed", "flashed"], done.output
    assert "sim-01: the port is gone, waiting for it" in done.stderr
    assert "sim-02: waiting for the end of the examination" in done.stderr


def test_eight_devices_at_once_five_of_them_failing_in_five_ways(tmp_path: Path, made: Bundles) -> None:
    fleet_of(tmp_path, made, 8, replug_s=10)


@pytest.mark.slow
def test_fifty_devices_at_once_five_of_them_failing_in_five_ways(tmp_path: Path, made: Bundles) -> None:
    fleet_of(tmp_path, made, 50, replug_s=60)


def fleet_of(folder: Path, made: Bundles, count: int, replug_s: int) -> None:
    kinds = {2: "unplug", 3: "hardware", 5: "disk-full", 6: "slow", 8: "busy"}
    faults = [word for number, kind in kinds.items() for word in ("--fault", f"{number}={kind}")]
    report = folder / "fleet.csv"
    with a_bench(folder / "bench", made, count, *faults) as bench:
        busy_port = bench.port(8)
        done = flash(bench, made.new, "--report", str(report), "--replug-s", str(replug_s))
        logs = {
            row["serial"]: device("log", "--port", bench.port(int(str(row["serial"])[4:])), "--json").stdout
            for row in rows(done)
            if row["serial"] and row["serial"] != "sim-02"
        }
    by_name = {str(row["serial"] or row["port"]): row for row in rows(done)}
    failed = {name: str(row["reason"]) for name, row in by_name.items() if row["outcome"] == "failed"}
    assert failed.keys() == {"sim-02", "sim-03", "sim-05", "sim-06", busy_port}
    assert f"5 of {count} devices were not flashed" in error_of(done).what
    assert "did not come back" in failed["sim-02"]
    assert "it goes on from there" in failed["sim-02"]
    assert "the bundle is for class" in failed["sim-03"]
    assert "No space left on device" in failed["sim-05"]
    assert "went back: speed" in failed["sim-06"]
    assert "is in use by" in failed[busy_port]
    assert sum(row["outcome"] == "flashed" for row in by_name.values()) == count - 5
    for name, row in by_name.items():
        if name in logs:
            assert (row["outcome"] == "flashed") == ("confirmed 1.0.1" in logs[name]), name
    with report.open(newline="") as file:
        assert {row["serial"] or row["port"]: row["outcome"] for row in csv.DictReader(file)} == {
            name: row["outcome"] for name, row in by_name.items()
        }


def test_noise_up_to_a_byte_in_a_thousand_delivers_the_right_model_and_more_is_named(tmp_path: Path, made: Bundles) -> None:
    rates = {"sim-01": 1e-5, "sim-02": 1e-4, "sim-03": 1e-3, "sim-04": 1e-2}
    with a_bench(tmp_path / "bench", made, 4) as bench, ExitStack() as stack:
        cables = [stack.enter_context(NoisyCable(bench.ports, serial, Noise(rate, seed=3))) for serial, rate in rates.items()]
        *fair, worst = (cable.port for cable in cables)
        stopped = stack.enter_context(flash_beside(worst, made.new, at_most_s=30))
        done = flash(bench, made.new, ports=tuple(fair))
        said, _ = stopped.communicate()
        stack.close()
        runs = {row["serial"]: row["running"] for row in rows(device("info", "--ports", str(bench.ports), "--json"))}
    assert done.exit_code == 0, done.output
    assert {(row["port"], row["serial"]) for row in rows(done)} == set(zip(fair, rates, strict=False))
    (new_digest,) = {row["digest"] for row in rows(done)}
    assert {row["outcome"] for row in rows(done)} == {"flashed"}
    assert [runs[serial]["digest"] == new_digest for serial in rates] == [True, True, True, False]  # type: ignore[index]
    assert runs["sim-04"]["version"] == "1.0.0"  # type: ignore[index]
    failed = msgspec.json.decode(said)  # nothing, had it been ended by its time
    assert failed["outcome"] == "failed"
    assert "damaged" in failed["reason"]
    assert "cable" in failed["reason"]


@pytest.fixture
def hears_control_c() -> Iterator[None]:
    """A shell starts what it puts in the background deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("hears_control_c")
def test_control_c_stops_between_two_messages_and_says_what_is_kept(tmp_path: Path, made: Bundles) -> None:
    with a_bench(tmp_path / "bench", made, 1, "--fault", "1=unplug") as bench:

        def press() -> None:
            wait_for(lambda: not bench.is_here(), 60)
            signal.raise_signal(signal.SIGINT)

        finger = threading.Thread(target=press)
        finger.start()
        stopped = flash(bench, made.new, "--replug-s", "100")
        finger.join()
    assert stopped.exit_code != 0
    assert [row["exit_code"] for row in rows(stopped)] == [130]
    assert "interrupted [what arrived is kept] -> flash again: it goes on from there" in stopped.stderr


def test_a_damaged_chunk_whose_crc_fits_is_found_by_the_device_and_sent_again(tmp_path: Path, made: Bundles) -> None:
    forger = OneForgedChunk()
    with a_bench(tmp_path / "bench", made, 1) as bench, NoisyCable(bench.ports, "sim-01", forger) as cable:
        done = flash(bench, made.new, ports=(cable.port,))
    assert forger.done
    assert [(row["outcome"], row["version"]) for row in rows(done)] == [("flashed", "1.0.1")], done.output
    assert "it arrived damaged: sending it again" in done.stderr
