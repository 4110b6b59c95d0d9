"""The server over a real slot store in a folder; the last test lets smpclient drive it over a pty where that is installed."""

import contextlib
import os
import pty
import subprocess
import sys
import threading
import time
import tty
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bundle.open import open_bundle
from edge.bundle.slotfiles import DiskFiles, writing
from firmware_bridge.device.server import Server
from firmware_bridge.device.slotport import ThreadedSlots
from firmware_bridge.device.slots import SlotStore
from firmware_bridge.serve import serve
from firmware_bridge.wire.console import Deframer, frame
from firmware_bridge.wire.smp import Header, pack
from tests.builders import BuiltBundle, a_bundle
from tests.firmware_bridge.device_builders import AT, an_own, ask, send, settle


def a_server(folder: Path, built: BuiltBundle) -> tuple[Server, SlotStore]:
    folder.mkdir()
    store = SlotStore(DiskFiles(folder), built.trust, lock=lambda: writing(folder))
    store.init(built.manifest.name)
    server = Server(ThreadedSlots(store), an_own(), wall=lambda: AT, baud=0, files={"/history": lambda: b"x"}, about="s")
    return server, store


def spare(reply: dict[str, object]) -> dict[str, object]:
    images = reply["images"]
    assert isinstance(images, list)
    assert len(images) == 1
    return dict(images[0])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuiltBundle:
    return a_bundle(tmp_path_factory.mktemp("made"))


def test_an_upload_with_resume_and_a_test_request_end_in_a_pending_slot(tmp_path: Path, built: BuiltBundle) -> None:
    server, store = a_server(tmp_path / "slots", built)
    assert ask(server, 0, 0, 6) == {"buf_size": 65535, "buf_count": 4}
    send(server, built.data, stop_b=200)
    expected_b = ask(server, 2, 1, 1, off=5, data=b"wrong")["off"]
    assert isinstance(expected_b, int)
    assert expected_b >= 200
    assert send(server, built.data) == {"off": len(built.data), "match": True}
    settle(server)
    waiting = spare(ask(server, 0, 1, 0))
    assert (waiting["slot"], waiting["pending"]) == (1, False)
    assert spare(ask(server, 2, 1, 0, hash=waiting["hash"], confirm=False))["pending"]
    assert store.record().pending == "test"


def test_what_is_asked_while_an_upload_is_verified_is_done_afterwards_and_may_be_asked_twice(tmp_path: Path, built: BuiltBundle) -> None:
    server, store = a_server(tmp_path / "slots", built)
    image_hash = bytes.fromhex(open_bundle(built.path, built.trust).image.mcuboot_sha256)
    send(server, built.data)
    assert "rc" not in ask(server, 2, 1, 0, hash=image_hash, confirm=False)  # in time or not: tools ask once
    end_s, waiting = time.monotonic() + 10, threading.Event()
    while store.record().pending is None and time.monotonic() < end_s:
        server.feed(b"", 0)
        waiting.wait(0.02)
    assert store.record().pending == "test"
    assert "rc" not in ask(server, 2, 1, 0, hash=image_hash, confirm=False)


@pytest.mark.parametrize(("reset_s", "pending"), [(59, "test"), (61, None)])
def test_a_reset_within_a_minute_of_an_upload_is_a_test_request(
    tmp_path: Path, built: BuiltBundle, reset_s: int, pending: str | None
) -> None:
    server, store = a_server(tmp_path / "slots", built)
    send(server, built.data)
    assert ask(server, 2, 0, 5, now_ns=reset_s * 10**9) == {}
    end_s, waiting = time.monotonic() + 10, threading.Event()
    while not (server.reset_due and store.record().slot("b")) and time.monotonic() < end_s:
        server.feed(b"", reset_s * 10**9)
        waiting.wait(0.02)
    assert store.record().pending == pending


def test_a_damaged_bundle_is_refused_with_its_reason_and_never_tried(tmp_path: Path, built: BuiltBundle) -> None:
    server, store = a_server(tmp_path / "slots", built)
    send(server, built.data[:-1] + b"\x00" if built.data[-1] else built.data[:-1] + b"\x01")
    settle(server)
    reply = ask(server, 2, 1, 0, hash=bytes(32), confirm=False)
    assert reply["rc"] == 5
    assert "read the state" not in str(reply["rsn"])
    assert store.record().slot("b") is None


@pytest.mark.parametrize("where", [(2, 9, 0), (2, 3, 0), (0, 70, 1), (0, 0, 2), (2, 1, 5), (0, 8, 0), (2, 8, 0), (2, 1, 1), (0, 2, 0)])
def test_what_is_not_served_is_refused_in_the_form_all_clients_show(
    tmp_path: Path, built: BuiltBundle, where: tuple[int, int, int]
) -> None:
    reply = ask(a_server(tmp_path / "slots", built)[0], *where)
    assert reply.keys() == {"rc", "rsn"}
    assert reply["rc"] in range(1, 12)


def test_echo_is_read_and_written_and_files_outside_the_list_stay_closed(tmp_path: Path, built: BuiltBundle) -> None:
    server, _ = a_server(tmp_path / "slots", built)
    assert ask(server, 0, 0, 0, d="hi") == ask(server, 2, 0, 0, d="hi") == {"r": "hi"}
    assert ask(server, 0, 8, 0, name="/history", off=0) == {"off": 0, "data": b"x", "len": 1}
    assert ask(server, 0, 8, 0, name="/etc/passwd", off=0)["rc"] == 5


def test_any_request_gets_one_reply(tmp_path: Path, built: BuiltBundle) -> None:
    server, _ = a_server(tmp_path / "slots", built)

    @given(op=st.sampled_from([0, 2]), group=st.integers(0, 10), command=st.integers(0, 10), payload=st.binary(max_size=60))
    def one_reply(op: int, group: int, command: int, payload: bytes) -> None:
        assert len(server.feed(frame(pack(Header(op, 0, group, 0, command), payload)), 0)) == 1

    one_reply()


CLIENT = """
import asyncio, sys
from pathlib import Path
from smpclient import SMPClient
from smpclient.requests.image_management import ImageStatesRead, ImageStatesWrite
from smpclient.requests.os_management import EchoWrite
from smpclient.transport.serial import SMPSerialTransport
async def main():
    async with SMPClient(SMPSerialTransport(), sys.argv[1]) as client:
        print("ECHO", (await client.request(EchoWrite(d="hi"))).r)
        async for at in client.upload(Path(sys.argv[2]).read_bytes()): pass
        print("UPLOADED", at)
        for _ in range(100):
            images = (await client.request(ImageStatesRead())).images
            if images: break
            await asyncio.sleep(0.05)
        reply = await client.request(ImageStatesWrite(hash=images[0].hash, confirm=False))
        print("PENDING", reply.images[0].pending)
asyncio.run(main())
"""


def test_smpclient_flashes_over_a_pty(tmp_path: Path, built: BuiltBundle) -> None:
    python = os.environ.get("SMPCLIENT_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import smpclient"], capture_output=True, check=False).returncode:
        pytest.skip("smpclient is not installed; SMPCLIENT_PYTHON names an interpreter that has it")
    server, store = a_server(tmp_path / "slots", built)
    (tmp_path / "image").write_bytes(built.data)
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    stop = threading.Event()
    device = threading.Thread(target=pump, args=(server, ours, stop))
    device.start()
    try:
        command = [python, "-c", CLIENT, os.ttyname(theirs), str(tmp_path / "image")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    finally:
        stop.set()
        device.join()
        os.close(ours)
        os.close(theirs)
    assert done.stdout.split() == ["ECHO", "hi", "UPLOADED", str(len(built.data)), "PENDING", "True"], done.stderr
    assert store.record().pending == "test"


def pump(server: Server, handle: int, stop: threading.Event) -> None:
    os.set_blocking(handle, False)
    while not stop.wait(0.002):
        with contextlib.suppress(BlockingIOError):
            for reply in server.feed(os.read(handle, 65536), time.monotonic_ns()):
                os.write(handle, reply)


def test_serve_answers_on_a_port_and_ends_after_a_reset(tmp_path: Path, built: BuiltBundle) -> None:
    pytest.importorskip("serial")
    server, _ = a_server(tmp_path / "slots", built)
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    device = threading.Thread(target=serve, args=(server, os.ttyname(theirs), 115200, lambda: False))
    device.start()
    threading.Event().wait(0.2)  # pyserial drops what came before it opened the port
    os.write(ours, frame(pack(Header(2, 1, 0, 1, 5), b"")))
    device.join(10)
    assert not device.is_alive()
    assert len(Deframer().feed(os.read(ours, 4096))) == 1
    os.close(ours)
    os.close(theirs)
