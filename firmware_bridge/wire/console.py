"""Console framing of SMP: base64 lines with a marker, a length and CRC-16/XMODEM; everything else on the line is noise.

First line 06 09, next lines 04 14, each ended by a bare newline. Body: u16 length (message + 2), message, CRC (big-endian).
"""

import base64
import binascii
from typing import Final

__all__ = ["LINE_CAP_B", "MESSAGE_CAP_B", "STANDARD_LINE_B", "Deframer", "frame"]

MESSAGE_CAP_B: Final = 65_533  # the length is a u16 and counts the CRC
LINE_CAP_B: Final = 88_000  # one line holds the largest message: some clients send it so
FIRST, NEXT = b"\x06\x09", b"\x04\x14"
STANDARD_LINE_B: Final = 127  # with marker and newline; what every peer takes


def frame(message: bytes, line_b: int = STANDARD_LINE_B) -> bytes:
    """One message -> its lines, each of at most line_b bytes. Raises ValueError when it is larger than MESSAGE_CAP_B."""
    if len(message) > MESSAGE_CAP_B:
        raise ValueError(f"a message of {len(message)} bytes does not fit {MESSAGE_CAP_B}")
    body = (len(message) + 2).to_bytes(2, "big") + message + binascii.crc_hqx(message, 0).to_bytes(2, "big")
    text = base64.b64encode(body)
    step = (line_b - len(FIRST) - 1) // 4 * 4
    lines = [text[i : i + step] for i in range(0, len(text), step)]
    return b"".join((FIRST if i == 0 else NEXT) + line + b"\n" for i, line in enumerate(lines))


class Deframer:
    """Bytes in, whole messages out. A damaged message is dropped and counted; at most a line and a body are held."""

    def __init__(self) -> None:
        self._line, self._skipping = bytearray(), False
        self._body: bytearray | None = None
        self.damaged = 0

    def feed(self, data: bytes) -> list[bytes]:
        messages = []
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._take(data[start:end])
            start = end + 1
            if not self._skipping and (message := self._end_of_line(bytes(self._line))) is not None:
                messages.append(message)
            self._line.clear()
            self._skipping = False
        self._take(data[start:])
        return messages

    def _take(self, part: bytes) -> None:
        if self._skipping or len(self._line) + len(part) > LINE_CAP_B:
            self._line.clear()
            self._skipping = True
        else:
            self._line += part

    def _end_of_line(self, line: bytes) -> bytes | None:
        line = line.rstrip(b"\r")
        first, following = line.rfind(FIRST), line.rfind(NEXT)  # the last marker: noise or a cut line may stand before it
        if max(first, following) < 0:
            return None
        if first > following:
            if self._body is not None:
                self.damaged += 1
            self._body = bytearray()
        if self._body is None:
            return None
        try:
            self._body += binascii.a2b_base64(line[max(first, following) + 2 :], strict_mode=True)
        except binascii.Error:
            self._drop()
            return None
        return self._whole(self._body)

    def _whole(self, body: bytearray) -> bytes | None:
        if len(body) < 2:
            self._drop()
            return None
        length_b = int.from_bytes(body[:2], "big") + 2
        if len(body) < length_b:
            return None
        if len(body) > length_b or length_b < 4:
            self._drop()
            return None
        message, crc = bytes(body[2:-2]), int.from_bytes(body[-2:], "big")
        if binascii.crc_hqx(message, 0) != crc:
            self._drop()
            return None
        self._body = None
        return message

    def _drop(self) -> None:
        self._body = None
        self.damaged += 1
