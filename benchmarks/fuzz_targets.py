"""What is fuzzed: each decoder of foreign bytes with valid seeds, and what must hold for any input.

A target returns for every input, or raises what its decoder documents; anything else is a finding. Where a checksum would turn nearly all
inputs away, the target feeds them raw first and then again under right checksums, so that what lies behind is reached too.
"""

import base64
import contextlib
import hashlib
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.bundle.archive import ArchiveFault, read_archive, write_archive
from edge.bundle.image import verify_image
from edge.bundle.keyfile import PublicKey
from edge.bundle.signing import SigningKey, sign_text
from edge.bundle.trust import Role, Trust, TrustedKey
from edge.bundle.trust_signed import CHANGE, AddKey, RemoveKey, Revoke, judge, read_change, words
from edge.bundle.trust_signed import encode as encode_change
from edge.errors import BundleRefused, InputRefused, NotTrusted
from edge.reading import Command, Reading, State
from firmware_bridge.display.frames import NO_TABLE, Frame, Pressed, Said, TablePart, Taken, Want, pack, unpack
from firmware_bridge.display.labeltable import BLOCK_CAP_B, hash_of, read_block
from firmware_bridge.display.receiver import Receiver
from firmware_bridge.display.sender import Sender
from firmware_bridge.display.statement import Statement
from firmware_bridge.display.wire import PAYLOAD_CAP_B, WIRE_CAP_B, Cutter, seal
from firmware_bridge.wire.cbor import CborRefused, decode, encode
from firmware_bridge.wire.console import LINE_CAP_B, MESSAGE_CAP_B, Deframer, frame
from firmware_bridge.wire.smp import Header
from firmware_bridge.wire.smp import pack as pack_smp
from firmware_bridge.wire.smp import unpack as unpack_smp

__all__ = ["TARGETS", "Target"]


@dataclass(frozen=True)
class Target:
    """modules: what is watched for new coverage. longest_b: of an input."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    modules: tuple[str, ...]
    longest_b: int = 4096


# ---- SMP on the cable --------------------------------------------------------------------------------------------------------------


def console(data: bytes) -> None:
    whole, pieces = Deframer(), Deframer()
    messages = whole.feed(data)
    half = len(data) // 2
    assert pieces.feed(data[:half]) + pieces.feed(data[half:]) == messages
    assert all(len(message) <= MESSAGE_CAP_B for message in messages)
    whole.feed(b"\n" + frame(data[:64]))
    held = Deframer()
    held.feed(data)
    assert len(held._line) <= LINE_CAP_B
    assert Deframer().feed(frame(data)) == [data]


def smp(data: bytes) -> None:
    read = unpack_smp(data)
    if read is not None:
        header, payload = read
        assert unpack_smp(pack_smp(header, payload)) == (header, payload)
        cbor(payload)


def cbor(data: bytes) -> None:
    with contextlib.suppress(CborRefused):
        value = decode(data)
        again = encode(value)
        assert encode(decode(again)) == again  # compared as bytes: a NaN is not equal to itself


# ---- bundles ------------------------------------------------------------------------------------------------------------------------

_KEY: Final = Ed25519PrivateKey.from_private_bytes(bytes(32))
_HASH: Final = hashlib.sha256(_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
_TRUST: Final = Trust((TrustedKey(_HASH.hex(), Role.BUNDLE, Path("fuzz.pub"), _KEY.public_key().public_bytes_raw()),))


def image(data: bytes) -> None:
    with contextlib.suppress(BundleRefused):
        verified = verify_image(data, _TRUST)
        assert data == _SIGNED, "bytes that nobody signed were believed"
        assert verified.payload == _ARCHIVE
    with contextlib.suppress(ArchiveFault):
        entries = read_archive(data)
        assert write_archive({e.name: data[e.start_b : e.start_b + e.size_b] for e in entries}) == data


def _signed(payload: bytes) -> bytes:
    protected = struct.pack("<HHHHI", 0x6908, 12, 0x50, 4, 7)
    header = struct.pack("<IIHHIIBBHII", 0x96F3B83D, 0, 32, len(protected), len(payload), 0, 1, 2, 3, 0, 0)
    signed = header.ljust(32, b"\0") + payload + protected
    digest = hashlib.sha256(signed).digest()
    values = ((0x10, digest), (0x01, _HASH), (0x24, _KEY.sign(digest)))
    trailing = b"".join(struct.pack("<HH", kind, len(value)) + value for kind, value in values)
    return signed + struct.pack("<HH", 0x6907, len(trailing) + 4) + trailing


_ARCHIVE: Final = write_archive({"manifest.json": b"{}", "model.onnx": bytes(40)})
_SIGNED: Final = _signed(_ARCHIVE)


# ---- changes of trust ----------------------------------------------------------------------------------------------------------------


def trust(data: bytes) -> None:
    """Raw, and as the body of a change that a trusted key signed."""
    with contextlib.suppress(NotTrusted, InputRefused):
        assert encode_change(read_change(data, _TRUST).change) in _CHANGES, "a change that nobody signed was believed"
    with contextlib.suppress(NotTrusted, InputRefused):
        body = data + b"\n"
        change = read_change(sign_text(body, _SIGNING, CHANGE), _TRUST).change
        assert encode_change(change) == body
        assert words(change).isprintable()
        judge(change, _TRUST, device="d-1", nonce="0" * 32)


_SIGNING: Final = SigningKey(_KEY, PublicKey.of(_KEY.public_key()))
_CHANGES: Final = (
    encode_change(AddKey(device="d-1", nonce="0" * 32, key="ab" * 32, name="clinic", role=Role.PROFILE)),
    encode_change(RemoveKey(device="d-1", nonce="0" * 32, hash=_HASH.hex(), role=Role.BUNDLE, even_the_last=True)),
    encode_change(Revoke(device="d-1", nonce="0" * 32, digest="cd" * 32, remark="lost", even_the_last=False)),
)
_ORDERS: Final = tuple(sign_text(body, _SIGNING, CHANGE) for body in _CHANGES)


# ---- display ------------------------------------------------------------------------------------------------------------------------

_BLOCK: Final = bytes([24, 0, 4]) + b"skin" + bytes([2, 3]) + b"mel" + bytes([1]) + b"M" + bytes([2]) + b"nv" + bytes([4]) + b"Naev"
_TABLE: Final = hash_of(_BLOCK)


def display(data: bytes) -> None:
    receiver, sender = Receiver(boot=1), Sender(115_200)
    block = read_block(_BLOCK)
    sender.say(Statement(Reading(None, None, State.NO_SIGNAL), block, 0, rendered=False, label=None, fits=0))
    now_ms = 0
    for wire in (data, *_under_right_checksums(data)):
        now_ms += 3
        receiver.feed(wire, now_ms)
        for command in sender.feed(wire):
            assert isinstance(command, Command)
        receiver.screen(now_ms)
        assert len(receiver.poll(now_ms)) <= WIRE_CAP_B
        sent = sender.next_frame(now_ms * 1_000_000)
        assert sent is None or len(sent) <= WIRE_CAP_B
    assert len(receiver._block) <= BLOCK_CAP_B
    assert len(receiver._input._rest) < WIRE_CAP_B
    for payload in Cutter().feed(data):
        assert len(payload) <= PAYLOAD_CAP_B
    read = read_block(data)
    assert read is None or len(read.labels) <= 32


def _under_right_checksums(data: bytes) -> list[bytes]:
    """The input cut by its own length bytes, each piece sealed."""
    frames: list[bytes] = []
    at = 0
    while at < len(data) and len(frames) < 64:
        size_b = 1 + data[at] % PAYLOAD_CAP_B
        payload = data[at + 1 : at + 1 + size_b]
        if payload:
            frames.append(seal(payload))
            frame_read = unpack(payload)
            assert frame_read is None or pack(frame_read) == payload, "a frame that is read is not the one that was sent"
        at += 1 + size_b
    return frames


def _pieces(*payloads: bytes) -> bytes:
    return b"".join(bytes([len(payload) - 1]) + payload for payload in payloads)


_SAID: Final = (
    Said(1, State.STARTING, reason=23),
    Said(2, State.READY, label=1, confidence=166, fits=3, expires_in_ms=400, table=_TABLE),
    Said(3, State.FROZEN, State.NO_SIGNAL, reason=8, label=0, expires_in_ms=500, frozen_age_s=65, table=_TABLE, rendered=True),
)
_PARTS: Final = tuple(TablePart(_TABLE, at, _BLOCK[at : at + 11]) for at in range(0, len(_BLOCK), 11))
_FRAMES: Final[tuple[Frame, ...]] = (*_SAID, *_PARTS, Taken(1, 1), Want(_TABLE, 11), Want(NO_TABLE, 0), Pressed(9, 1, Command.FREEZE))
_ALL: Final = tuple(map(pack, _FRAMES))

_UPLOAD: Final = encode({"off": 0, "data": bytes(20), "len": 999, "sha": bytes(32), "image": 1})
_MAPS: Final = (
    _UPLOAD,
    encode({"d": "hello", "n": -5, "list": [True, None, 1.5, {"x": 2**40}]}),
    b"\xbf\x61d\x7f\x61a\x61b\xff\x61e\x9f\x01\xff\xff",
    b"",
)
_MESSAGES: Final = (
    pack_smp(Header(2, 1, 1, 7, 1), _UPLOAD),
    pack_smp(Header(0, 0, 0, 7, 6), b"\xa0"),
    pack_smp(Header(2, 1, 0, 7, 0), _MAPS[1]),
    pack_smp(Header(0, 1, 64, 7, 0), b"\xbf\xff"),
)
_FRAMED: Final = tuple(map(frame, (*_MESSAGES, bytes(300))))
_ONE_LINE: Final = b"\x06\x09" + base64.b64encode(base64.b64decode(b"".join(line[2:] for line in _FRAMED[-1].split(b"\n")))) + b"\n"

TARGETS: Final[Mapping[str, Target]] = {
    "console": Target(console, (*_FRAMED, _ONE_LINE, b"boot\r\n" + _FRAMED[0]), ("firmware_bridge.wire.console",)),
    "smp": Target(smp, _MESSAGES, ("firmware_bridge.wire.smp", "firmware_bridge.wire.cbor"), 1024),
    "cbor": Target(cbor, _MAPS, ("firmware_bridge.wire.cbor",), 1024),
    "image": Target(image, (_SIGNED, _ARCHIVE), ("edge.bundle.image", "edge.bundle.archive"), 2048),
    "trust": Target(trust, (*_ORDERS, *(body.rstrip() for body in _CHANGES)), ("edge.bundle.trust_signed", "edge.bundle.signedtext"), 1024),
    "display": Target(
        display,
        (_pieces(*_ALL), b"".join(map(seal, _ALL)), _BLOCK),
        tuple(f"firmware_bridge.display.{name}" for name in ("wire", "frames", "labeltable", "receiver", "sender")),
        384,
    ),
}
