"""The SMP server, sans-IO: bytes in, replies out; the time is an argument."""

from collections.abc import Callable, Mapping
from typing import Final

from edge.errors import SonodermError
from firmware_bridge.device.answers import BAD_STATE, INVALID, NO_ENTRY, NOT_SUPPORTED, UNKNOWN, Refused, number, text
from firmware_bridge.device.images import Images
from firmware_bridge.device.own import Own, OwnGroup
from firmware_bridge.device.slotport import SlotPort
from firmware_bridge.wire.cbor import CborRefused, Value, decode, encode
from firmware_bridge.wire.console import Deframer, frame
from firmware_bridge.wire.own import GROUP, Link
from firmware_bridge.wire.smp import Header, pack, unpack

__all__ = ["Server", "buffer_b"]

_FILE_CHUNK_B: Final = 1024


def buffer_b(link: Link, baud: int) -> int:
    """The message size that is advertised. On a UART a message must fit the clients' timeouts: 0.5 s at 115200 baud."""
    if link == "usb":
        return 65_535
    return 16_384 if baud >= 460_800 else 4_096 if baud >= 115_200 else 384


class Server:
    """files: name -> its bytes, for the file group: nothing else is read. wall: the wall clock as ISO 8601, for the history."""

    def __init__(
        self, slots: SlotPort, own: Own, *, wall: Callable[[], str], baud: int, files: Mapping[str, Callable[[], bytes]], about: str
    ) -> None:
        self._images, self._own, self._wall, self._files, self._about = Images(slots), OwnGroup(slots, own), wall, files, about
        self._buffer_b, self._input = buffer_b(own.link, baud), Deframer()
        self._requests = self._refused = 0
        self._reset = False
        self.trouble: str | None = None

    @property
    def reset_due(self) -> bool:
        """True once a reset was asked for and answered, and what it implies is durable: the rim ends then."""
        return (self._reset and self._images.settled) or self._own.restart_due

    def feed(self, data: bytes, now_ns: int) -> list[bytes]:
        """Call it with b"" too, a few times a second: an upload that became verified is noticed then."""
        try:
            self._images.tick(self._wall())
        except SonodermError as error:
            self.trouble = error.line()
        replies = (self._reply(message, now_ns) for message in self._input.feed(data))
        return [frame(reply) for reply in replies if reply is not None]

    def _reply(self, message: bytes, now_ns: int) -> bytes | None:
        parts = unpack(message)
        if parts is None or parts[0].op not in (0, 2):
            return None
        header, payload = parts
        self._requests += 1
        try:
            body = self._answer(header, decode(payload) if payload else {}, now_ns)
        except Refused as refused:
            body = {"rc": refused.rc, "rsn": refused.reason}
        except CborRefused as refused:
            body = {"rc": INVALID, "rsn": f"the request cannot be read: {refused}"}
        except SonodermError as error:
            body = {"rc": BAD_STATE, "rsn": error.line()}
        except OSError as error:
            body = {"rc": UNKNOWN, "rsn": f"the disk refused: {error.strerror}"}
        self._refused += "rc" in body
        return pack(Header(header.op + 1, header.version, header.group, header.sequence, header.command), encode(body))

    def _answer(self, header: Header, request: Mapping[str, Value], now_ns: int) -> dict[str, object]:
        write = header.op == 2
        match header.group:
            case 0:
                return self._os(header.command, write, request, now_ns)
            case 1:
                return self._images.answer(write, header.command, request, now_ns, self._wall())
            case 2 if not write:
                return self._statistics(header.command, request)
            case 8 if not write:
                return self._file(header.command, request)
            case _ if header.group == GROUP:
                return self._own.answer(write, header.command, request, self._wall())
        raise Refused(NOT_SUPPORTED, f"group {header.group} command {header.command} is not supported on this device")

    def _os(self, command: int, write: bool, request: Mapping[str, Value], now_ns: int) -> dict[str, object]:
        match command, write:
            case 0, _:
                said = text(request, "d")
                if len(said) > 4096:
                    raise Refused(INVALID, "an echo of at most 4096 characters")
                return {"r": said}
            case 5, True:
                self._images.reset_asked(now_ns)
                self._reset = True
                return {}
            case 6, False:
                return {"buf_size": self._buffer_b, "buf_count": 4}
            case 7, False:
                return {"output": self._about}
            case 8, False:
                query = request.get("query")
                if query is None:
                    return {"bootloader": "MCUboot"}
                if query == "mode":
                    return {"bootloader": "MCUboot", "mode": 1}
                raise Refused(INVALID, "the boot loader answers to 'mode' only")
        raise Refused(NOT_SUPPORTED, f"OS command {command} is not supported on this device")

    def _statistics(self, command: int, request: Mapping[str, Value]) -> dict[str, object]:
        if command == 1:
            return {"stat_list": ["smp"]}
        if command == 0 and request.get("name") == "smp":
            return {"name": "smp", "fields": {"requests": self._requests, "refused": self._refused, "damaged": self._input.damaged}}
        raise Refused(NO_ENTRY, "no such statistics: 'smp' is the only group")

    def _file(self, command: int, request: Mapping[str, Value]) -> dict[str, object]:
        if command not in (0, 1):
            raise Refused(NOT_SUPPORTED, f"file command {command} is not supported on this device")
        read = self._files.get(text(request, "name"))
        if read is None:
            raise Refused(NO_ENTRY, f"only these files can be read: {', '.join(self._files)}")
        data = read()
        if command == 1:
            return {"len": len(data)}
        offset_b = number(request, "off")
        if offset_b > len(data):
            raise Refused(INVALID, "the offset is behind the end of the file")
        chunk: dict[str, object] = {"off": offset_b, "data": data[offset_b : offset_b + _FILE_CHUNK_B]}
        return chunk | ({"len": len(data)} if offset_b == 0 else {})
