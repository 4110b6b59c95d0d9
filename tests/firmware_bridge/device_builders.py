"""What is asked of a server in tests, without a port: one request, one upload, and waiting for its verification."""

import hashlib
import threading
import time

from firmware_bridge.device.own import Own
from firmware_bridge.device.server import Server
from firmware_bridge.wire.cbor import decode, encode
from firmware_bridge.wire.console import Deframer, frame
from firmware_bridge.wire.own import TrustState
from firmware_bridge.wire.smp import Header, pack, unpack

AT = "2026-01-01T00:00:00Z"


class NoTrust:
    """A TrustPort that is not asked for changes."""

    def state(self) -> TrustState:
        return TrustState(serial="d-1", nonce="0" * 32)

    def change(self, data: bytes) -> bool:
        raise AssertionError(f"nobody was to change trust: {data!r}")


def an_own() -> Own:
    return Own("d-1", "usb", "auto", (), lambda: 1 << 30, lambda: None, lambda pem: None, NoTrust())


def ask(server: Server, op: int, group: int, command: int, now_ns: int = 0, **request: object) -> dict[str, object]:
    (reply,) = server.feed(frame(pack(Header(op, 1, group, 9, command), encode(request))), now_ns)
    (message,) = Deframer().feed(reply)
    parts = unpack(message)
    assert parts is not None
    assert parts[0] == Header(op + 1, 1, group, 9, command)
    return dict(decode(parts[1]))


def send(server: Server, data: bytes, stop_b: int | None = None) -> dict[str, object]:
    reply = ask(server, 2, 1, 1, off=0, data=data[:100], len=len(data), sha=hashlib.sha256(data).digest(), image=1)
    while isinstance(at_b := reply["off"], int) and at_b < (len(data) if stop_b is None else stop_b):
        reply = ask(server, 2, 1, 1, off=at_b, data=data[at_b : at_b + 8000])
    return reply


def settle(server: Server) -> None:
    """Waits, at most 10 s, until the upload is verified."""
    end_s, waiting = time.monotonic() + 10, threading.Event()
    while ask(server, 0, 64, 0)["installing"] and time.monotonic() < end_s:
        waiting.wait(0.02)
