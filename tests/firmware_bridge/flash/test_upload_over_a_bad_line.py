"""The upload against the real server over a line of simulated time: no sleeping, seeded noise, every byte compared."""

import contextlib
import hashlib
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bundle.slots import Record
from edge.errors import UsageError
from firmware_bridge.device.server import Server
from firmware_bridge.device.slotport import Installation
from firmware_bridge.flash.talk import Replies
from firmware_bridge.flash.upload import Stop, Upload, UploadStopped
from firmware_bridge.wire.cbor import encode
from firmware_bridge.wire.console import LINE_CAP_B, STANDARD_LINE_B, frame
from firmware_bridge.wire.smp import Header, pack
from tests.firmware_bridge.device_builders import an_own
from tests.firmware_bridge.noisy import Noise

DATA = np.random.default_rng(5).bytes(300_000)
MS = 1_000_000


@dataclass
class InMemory:
    """A SlotPort that keeps an upload in memory, and counts its chunks."""

    stored: bytearray = field(default_factory=bytearray)
    chunks: int = 0
    begun: bool = False

    def record(self) -> Record:
        return Record(name="m")

    def begin(self, sha256: str, size_b: int) -> int:
        self.begun = True
        return len(self.stored)

    def chunk(self, at_b: int, data: bytes) -> int:
        if not self.begun:
            raise UsageError("no upload was begun")
        if at_b == len(self.stored):
            self.stored += data
            self.chunks += 1
        return len(self.stored)

    def start_install(self, at: str) -> None:
        return

    def installation(self) -> Installation:
        return Installation(installed=len(self.stored) == len(DATA))

    def test(self, at: str) -> Record:
        return self.record()

    permanent = confirm = rollback = test


@dataclass
class Wire:
    """One device behind a line. each_way_ns: latency. Time moves to the next event only."""

    slots: InMemory = field(default_factory=InMemory)
    rate: float = 0.0
    seed: int = 1
    each_way_ns: int = 1 * MS
    now_ns: int = 0

    def __post_init__(self) -> None:
        self.noise = Noise(self.rate, self.seed)
        self.restart()

    def restart(self) -> None:
        self.server = Server(self.slots, an_own(), wall=lambda: "", baud=0, files={}, about="")
        self.coming: list[tuple[int, bytes]] = []

    def carry(self, upload: Upload, until_b: int = len(DATA)) -> None:
        """Raises UploadStopped. Ends after an hour of simulated time at the latest."""
        while not upload.done and upload.acked_b < until_b and self.now_ns < 3_600_000 * MS:
            out = upload.outgoing(self.now_ns)
            if out:
                for reply in self.server.feed(self.noise.damage(out), self.now_ns):
                    self.coming.append((self.now_ns + 2 * self.each_way_ns, self.noise.damage(reply)))
            wake_ns = upload.wake_ns()
            at_ns = min([at for at, _ in self.coming] + [wake_ns if wake_ns is not None else self.now_ns + MS])
            self.now_ns = max(at_ns, self.now_ns + MS // 10)
            arrived = [part for at, part in self.coming if at <= self.now_ns]
            self.coming = [(at, part) for at, part in self.coming if at > self.now_ns]
            upload.feed(b"".join(arrived), self.now_ns)


def an_upload(buffer_b: int = 65_535, window: int = 4, line_b: int = LINE_CAP_B) -> Upload:
    return Upload(DATA, hashlib.sha256(DATA).digest(), buffer_b=buffer_b, window=window, line_b=line_b)


def test_a_clean_line_carries_each_byte_once_in_the_largest_messages() -> None:
    wire, upload = Wire(), an_upload()
    wire.carry(upload)
    assert bytes(wire.slots.stored) == DATA
    assert wire.slots.chunks == -(-len(DATA) // 65_400)


@pytest.mark.parametrize("rate", [1e-5, 1e-4, 1e-3])
@pytest.mark.parametrize("window", [1, 4])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_up_to_a_byte_in_a_thousand_only_slows_it(rate: float, window: int, seed: int) -> None:
    wire, upload = Wire(rate=rate, seed=seed), an_upload(window=window)
    wire.carry(upload)
    assert bytes(wire.slots.stored) == DATA
    if rate == 1e-3:
        assert upload.noise.size_b < 600


@pytest.mark.parametrize("seed", range(8))
def test_a_byte_in_a_hundred_stops_it_within_30_s_and_says_so(seed: int) -> None:
    wire, upload = Wire(rate=1e-2, seed=seed), an_upload()
    with pytest.raises(UploadStopped, match=r"damaged|no byte of progress") as stopped:
        wire.carry(upload)
    assert stopped.value.stop is Stop.NOISY
    assert wire.now_ns < 30_000 * MS


def test_a_dead_device_is_silent_not_noisy() -> None:
    wire, upload = Wire(), an_upload(buffer_b=4096)
    wire.carry(upload, until_b=70_000)
    wire.server.feed = lambda data, now_ns: []  # type: ignore[method-assign]
    with pytest.raises(UploadStopped, match="does not answer") as stopped:
        wire.carry(upload)
    assert stopped.value.stop is Stop.SILENT


def test_a_pulled_cable_costs_only_what_was_on_the_way() -> None:
    wire, upload = Wire(), an_upload(buffer_b=4096)
    wire.carry(upload, until_b=150_000)
    wire.coming.clear()
    upload.lost_line()
    wire.carry(upload)
    assert bytes(wire.slots.stored) == DATA
    assert wire.slots.chunks <= -(-len(DATA) // 4_000) + 2


def test_a_device_that_restarted_goes_on_where_its_disk_ends() -> None:
    wire, upload = Wire(), an_upload(buffer_b=4096)
    wire.carry(upload, until_b=150_000)
    del wire.slots.stored[65_536:]
    wire.slots.begun = False
    wire.restart()
    wire.carry(upload)
    assert bytes(wire.slots.stored) == DATA


def test_a_slow_disk_is_not_taken_for_noise() -> None:
    wire, upload = Wire(each_way_ns=700 * MS), an_upload()
    wire.carry(upload)
    assert bytes(wire.slots.stored) == DATA
    assert upload.noise.size_b > 60_000


def test_a_refusal_ends_it_with_the_words_of_the_device() -> None:
    wire, upload = Wire(), an_upload()

    def full(at_b: int, data: bytes) -> int:
        raise UsageError("the disk refused: No space left on device")

    wire.slots.chunk = full  # type: ignore[method-assign]
    with pytest.raises(UploadStopped, match="No space left") as stopped:
        wire.carry(upload)
    assert stopped.value.stop is Stop.REFUSED


def test_a_device_with_small_buffers_gets_small_messages() -> None:
    wire, upload = Wire(), an_upload(buffer_b=384, window=1, line_b=STANDARD_LINE_B)
    wire.carry(upload)
    assert bytes(wire.slots.stored) == DATA
    assert wire.slots.chunks >= len(DATA) // 340


# ---- cases.md, O18: what stopped other clients' uploads --------------------------------------------------------------------------------

SMALL = DATA[:8_000]


def a_small_upload() -> Upload:
    """As `flash` sends it to a device that says nothing of its lines."""
    return Upload(SMALL, hashlib.sha256(SMALL).digest(), buffer_b=384, window=1, line_b=STANDARD_LINE_B)


def test_o18_every_seventh_request_that_is_dropped_is_sent_again() -> None:
    wire, requests = Wire(), 0
    feed = wire.server.feed

    def drops(data: bytes, now_ns: int) -> list[bytes]:
        nonlocal requests
        requests += bool(data)
        return feed(b"" if requests % 7 == 0 else data, now_ns)

    wire.server.feed = drops  # type: ignore[method-assign]
    wire.carry(a_small_upload(), len(SMALL))
    assert bytes(wire.slots.stored) == SMALL
    assert requests > 7


def test_o18_no_line_is_longer_than_128_bytes_unless_the_device_asked_for_longer_ones() -> None:
    wire, longest_b = Wire(), 0
    feed = wire.server.feed

    def measures(data: bytes, now_ns: int) -> list[bytes]:
        nonlocal longest_b
        longest_b = max(longest_b, *(len(line) + 1 for line in data.split(b"\n")))
        return feed(data, now_ns)

    wire.server.feed = measures  # type: ignore[method-assign]
    wire.carry(a_small_upload(), len(SMALL))
    assert bytes(wire.slots.stored) == SMALL
    assert longest_b <= 128


def test_o18_a_device_that_answers_after_four_seconds_is_waited_for_and_writes_nothing_twice() -> None:
    wire, upload = Wire(each_way_ns=2_000 * MS), a_small_upload()
    wire.carry(upload, len(SMALL))
    assert bytes(wire.slots.stored) == SMALL


FIELDS = st.dictionaries(
    st.sampled_from(["off", "rc", "rsn", "err", "match", "x"]),
    st.one_of(st.integers(-5, 400_000), st.text(max_size=5), st.booleans(), st.none()),
    max_size=4,
)


@given(st.lists(st.tuples(st.integers(0, 6), FIELDS, st.binary(max_size=20)), max_size=12))
def test_whatever_a_device_answers_the_upload_goes_on_or_stops_by_name(answers: list[tuple[int, dict[str, object], bytes]]) -> None:
    upload, now_ns = an_upload(), 0
    with contextlib.suppress(UploadStopped):
        for sequence, body, junk in answers:
            upload.outgoing(now_ns)
            upload.feed(frame(pack(Header(3, 1, 1, sequence, 1), encode(body))) + junk, now_ns)
            now_ns += 300 * MS
    assert 0 <= upload.acked_b <= len(DATA)


@given(st.binary(max_size=400), st.integers(1, 50))
def test_chunk_borders_change_no_reply(junk: bytes, step: int) -> None:
    stream = junk + b"\n" + frame(pack(Header(1, 1, 0, 3, 6), encode({"buf_size": 5}))) + junk
    whole, pieces = Replies(), Replies()
    expected = whole.feed(stream)
    assert [reply for at in range(0, len(stream), step) for reply in pieces.feed(stream[at : at + step])] == expected
