"""Unmodified clients of others against a simulated device. Each lives in an environment of its own, named by a variable:

SMPMGR: the program smpmgr. SMPCLIENT_PYTHON, MCUMGR_PYTHON: interpreters that have smpclient, mcumgr-toolkit.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.firmware_bridge.benches import Bench, Bundles, a_bench, bundles, device, rows, wait_for

pytest.importorskip("serial")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    return bundles(tmp_path_factory.mktemp("made"))


@pytest.fixture
def bench(tmp_path: Path, made: Bundles) -> Iterator[Bench]:
    with a_bench(tmp_path / "bench", made, 1) as one:
        yield one


@pytest.fixture
def manual(tmp_path: Path, made: Bundles) -> Iterator[Bench]:
    with a_bench(tmp_path / "bench", made, 1, "--confirm", "manual") as one:
        yield one


@pytest.fixture(scope="session")
def smpmgr() -> str:
    found = os.environ.get("SMPMGR") or shutil.which("smpmgr")
    if found is None:
        pytest.skip("smpmgr is not installed; SMPMGR names the program")
    return found


@pytest.fixture(scope="session")
def smpclient() -> str:
    return python_with("smpclient", "SMPCLIENT_PYTHON")


@pytest.fixture(scope="session")
def toolkit() -> str:
    return python_with("mcumgr_toolkit", "MCUMGR_PYTHON")


def python_with(module: str, variable: str) -> str:
    python = os.environ.get(variable)
    if python is None and importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed; {variable} names an interpreter that has it")
    return python or sys.executable


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def state(bench: Bench) -> dict[str, object]:
    return rows(device("info", "--ports", str(bench.ports), "--json"))[0]


def version(bench: Bench) -> object:
    running = state(bench)["running"]
    assert isinstance(running, dict)
    return running["version"]


def settled(bench: Bench) -> str:
    """Waits for the end of a trial; the version that runs then."""
    wait_for(lambda: state(bench)["trial"] == "none", 30)
    return str(version(bench))


def waiting_hash(bench: Bench) -> str:
    waiting = state(bench)["waiting"]
    assert isinstance(waiting, dict)
    return str(waiting["hash"])


def test_smpmgr_upgrades_and_the_new_model_is_tried_and_confirmed(smpmgr: str, bench: Bench, made: Bundles) -> None:
    port = bench.port()
    assert "hello" in run(smpmgr, "--port", port, "os", "echo", "hello")
    assert "1.0.0" in run(smpmgr, "--port", port, "image", "state-read")
    run(smpmgr, "--port", port, "--line-buffers", "500", "upgrade", str(made.new.path))
    wait_for(lambda: bench.port() != port, 30)
    wait_for(lambda: state(bench)["trial"] != "none" or version(bench) == "1.0.1", 30)
    assert settled(bench) == "1.0.1"


def test_smpmgr_tests_confirms_and_reverts_where_a_person_confirms(smpmgr: str, manual: Bench, made: Bundles) -> None:
    port = manual.port()
    run(smpmgr, "--port", port, "--line-buffers", "500", "image", "upload", str(made.new.path))
    wait_for(lambda: not state(manual)["installing"], 30)
    run(smpmgr, "--port", port, "image", "state-write", waiting_hash(manual))
    wait_for(lambda: state(manual)["trial"] == "runs", 30)
    assert device("rollback", "--port", port).exit_code == 0
    assert settled(manual) == "1.0.0"
    run(smpmgr, "--port", port, "image", "state-write", waiting_hash(manual))
    wait_for(lambda: state(manual)["trial"] == "runs", 30)
    run(smpmgr, "--port", port, "image", "state-write", "--confirm")
    assert settled(manual) == "1.0.1"


SMPCLIENT = """
import asyncio, sys
from pathlib import Path
from smpclient import SMPClient
from smpclient.transport.serial import SMPSerialTransport
async def main():
    async with SMPClient(SMPSerialTransport(), sys.argv[1]) as client:
        first = True
        async for at in client.upload(Path(sys.argv[2]).read_bytes()):
            if first: print("FROM", at)
            first = False
        print("UPLOADED", at)
asyncio.run(main())
"""


def test_smpclient_resumes_after_an_unplug(smpclient: str, tmp_path: Path, made: Bundles) -> None:
    with a_bench(tmp_path / "bench", made, 1, "--fault", "1=replug") as bench:
        port = bench.port()
        cut = subprocess.Popen([smpclient, "-c", SMPCLIENT, port, made.new.path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: not bench.is_here() or cut.poll() is not None, 30)
        cut.kill()
        cut.wait(20)
        wait_for(bench.is_here, 30)
        assert bench.port() != port
        done = run(smpclient, "-c", SMPCLIENT, bench.port(), str(made.new.path))
        assert f"UPLOADED {len(made.new.data)}" in done


TOOLKIT = """
import sys
from mcumgr_toolkit import MCUmgrClient
client = MCUmgrClient.serial(sys.argv[1], 115200, 2000)
client.use_auto_frame_size()
print("ECHO", client.os_echo("hi"))
client.firmware_update(open(sys.argv[2], "rb").read())
print("UPDATED")
"""


def test_mcumgr_toolkit_updates_the_firmware(toolkit: str, bench: Bench, made: Bundles) -> None:
    port = bench.port()
    said = run(toolkit, "-c", TOOLKIT, port, str(made.new.path))
    assert "ECHO hi" in said
    assert "UPDATED" in said
    wait_for(lambda: bench.port() != port, 30)
    assert settled(bench) == "1.0.1"
