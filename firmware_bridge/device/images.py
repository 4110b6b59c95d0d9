"""SMP group 1 over the slot store. Slot 0 is what runs, slot 1 what waits; image numbers 0 and 1 mean the same target."""

import hashlib
from collections.abc import Mapping
from typing import Final

from edge.bundle.image import MAX_BUNDLE_B
from edge.bundle.slots import Record, Slot
from firmware_bridge.device.answers import BAD_STATE, BUSY, INVALID, NO_ENTRY, NOT_SUPPORTED, Refused, number, raw
from firmware_bridge.device.slotport import SlotPort
from firmware_bridge.wire.cbor import Value

__all__ = ["Images"]

_IMPLIED_TEST_NS: Final = 60_000_000_000


class Images:
    """now_ns: monotonic. at: wall clock for the history."""

    def __init__(self, slots: SlotPort) -> None:
        self._slots = slots
        self._sha256, self._size_b = b"", 0
        self._hash: tuple[int, hashlib._Hash] | None = None  # bytes hashed so far; None after a resume
        self._uploaded_ns: int | None = None
        self._complete = False  # the last byte came, and nothing was asked since: its reply may have been lost
        self._test_when_installed = False
        self._asked: tuple[str, bool] | None = None  # hash and "permanent" of a request that came while its upload was verified

    def answer(self, write: bool, command: int, request: Mapping[str, Value], now_ns: int, at: str) -> dict[str, object]:
        match command, write:
            case 0, False:
                return self._state(self._slots.record())
            case 0, True:
                return self._ask(request, at)
            case 1, True:
                return self._upload(request, now_ns, at)
            case 5, True:
                raise Refused(NOT_SUPPORTED, "nothing to erase by hand: an upload replaces the slot that waits")
            case 6, False:
                slots = [{"slot": 0, "size": MAX_BUNDLE_B}, {"slot": 1, "size": MAX_BUNDLE_B, "upload_image_id": 0}]
                return {"images": [{"image": 0, "slots": slots, "max_image_size": MAX_BUNDLE_B}]}
        raise Refused(NOT_SUPPORTED, f"image command {command} is not supported here")

    def reset_asked(self, now_ns: int) -> None:
        """An upload and a reset within 60 s, with no state request between, is a test request: all that `smpmgr upgrade` sends."""
        if self._uploaded_ns is not None and now_ns - self._uploaded_ns <= _IMPLIED_TEST_NS:
            self._test_when_installed = True
        self._uploaded_ns = None

    @property
    def settled(self) -> bool:
        """False while a reset must wait for an upload to be verified."""
        return not self._test_when_installed and self._asked is None

    def tick(self, at: str) -> None:
        """Does what was asked for while an upload was being verified. Raises SonodermError."""
        if self.settled or (now := self._slots.installation()).running:
            return
        asked, self._asked, self._test_when_installed = self._asked, None, False
        record = self._slots.record()
        spare = record.slot(record.spare)
        if not now.installed or spare is None or (asked is not None and spare.mcuboot_sha256 != asked[0]):
            return
        if asked is not None and asked[1]:
            self._slots.permanent(at)
        else:
            self._slots.test(at)

    def _state(self, record: Record) -> dict[str, object]:
        self._uploaded_ns, self._complete = None, False
        running, waiting = record.slot(record.active), record.slot(record.spare)
        if record.trying:
            running, waiting = waiting, running
        images = []
        if running is not None:
            images.append(_entry(0, running, active=True, confirmed=running.confirmed and not record.trying))
        if waiting is not None:
            asked = self._asked is not None and self._asked[0] == waiting.mcuboot_sha256
            pending = asked or (record.pending is not None and not record.trying)
            images.append(_entry(1, waiting, confirmed=record.trying, pending=pending, permanent=pending and record.pending == "permanent"))
        return {"images": images}

    def _ask(self, request: Mapping[str, Value], at: str) -> dict[str, object]:
        self._uploaded_ns, self._complete = None, False
        confirm = request.get("confirm", False)
        if not isinstance(confirm, bool):
            raise Refused(INVALID, "'confirm' must be true or false")
        installation, record = self._slots.installation(), self._slots.record()
        if installation.running and request.get("hash") is not None:
            self._asked = raw(request, "hash").hex(), confirm  # clients ask right after the last byte, and never again
            return self._state(record)
        running, waiting = record.slot(record.active), record.slot(record.spare)
        if record.trying:
            running, waiting = waiting, running
        if request.get("hash") is None:
            if not confirm:
                raise Refused(INVALID, "a test needs the hash of the image to test")
            wanted = running
        else:
            digest = raw(request, "hash").hex()
            wanted = next((s for s in (running, waiting) if s is not None and s.mcuboot_sha256 == digest), None)
        if wanted is None:
            raise Refused(NO_ENTRY, installation.failure or "no slot holds an image of this hash: read the state")
        if wanted is running:
            if not confirm:
                if record.trying:
                    return self._state(record)  # the request again: its reply was lost
                raise Refused(BAD_STATE, "this image runs already")
            return self._state(self._slots.confirm(at))
        return self._state(self._slots.permanent(at) if confirm else self._slots.test(at))

    def _upload(self, request: Mapping[str, Value], now_ns: int, at: str) -> dict[str, object]:
        offset_b, data = number(request, "off"), raw(request, "data")
        installation = self._slots.installation()
        if self._complete and (installation.running or installation.installed) and self._is_repeated(offset_b, data, request):
            return {"off": self._size_b}
        if installation.running:
            raise Refused(BUSY, "the last upload is being verified: try again in a few seconds")
        if offset_b == 0:
            if number(request, "image", 0) > 1:
                raise Refused(INVALID, "this device has one image: use image 0")
            sha256, size_b = raw(request, "sha"), number(request, "len")
            if len(sha256) != 32:
                raise Refused(INVALID, "'sha' must be the SHA-256 of the whole file")
            if sha256 != self._sha256:
                self._hash = None
            self._sha256, self._size_b, self._complete = sha256, size_b, False
            expected_b = self._slots.begin(self._sha256.hex(), self._size_b)
            self._hash = (0, hashlib.sha256()) if expected_b == 0 else self._hash
            if expected_b:
                return self._reached(expected_b, now_ns, at)
        if offset_b + len(data) > self._size_b:
            raise Refused(INVALID, "no upload was begun, or more bytes than it announced: start it again")
        after_b = self._slots.chunk(offset_b, data)
        if self._hash is not None and self._hash[0] == offset_b and after_b == offset_b + len(data):
            self._hash[1].update(data)
            self._hash = (after_b, self._hash[1])
        return self._reached(after_b, now_ns, at)

    def _is_repeated(self, offset_b: int, data: bytes, request: Mapping[str, Value]) -> bool:
        """A packet of the upload that is complete: a reply was lost, or packets were in flight behind a lost one."""
        if offset_b == 0:
            return request.get("sha") == self._sha256
        return offset_b + len(data) <= self._size_b

    def _reached(self, offset_b: int, now_ns: int, at: str) -> dict[str, object]:
        if offset_b != self._size_b:
            return {"off": offset_b}
        self._slots.start_install(at)
        self._uploaded_ns, self._complete = now_ns, True
        if self._hash is None or self._hash[0] != offset_b:
            return {"off": offset_b}
        return {"off": offset_b, "match": self._hash[1].digest() == self._sha256}


def _entry(
    slot: int, held: Slot, *, active: bool = False, confirmed: bool = False, pending: bool = False, permanent: bool = False
) -> object:
    return {
        "image": 0,
        "slot": slot,
        "version": held.version.replace("+", "."),
        "hash": bytes.fromhex(held.mcuboot_sha256),
        "bootable": True,
        "pending": pending,
        "confirmed": confirmed,
        "active": active,
        "permanent": permanent,
    }
