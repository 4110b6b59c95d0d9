"""What a receiver refuses whole, and what the sender never does."""

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.reading import Command, State
from firmware_bridge.display.frames import NEVER_MS, Pressed, Said, TablePart, Taken, Want, pack, unpack
from firmware_bridge.display.labeltable import hash_of, read_block, table_of
from firmware_bridge.display.receiver import Receiver, Shows
from firmware_bridge.display.sender import HEARTBEAT_NS, Sender
from firmware_bridge.display.wire import seal
from tests.firmware_bridge.display.link_builders import BREAST, MS, SKIN, Joined, a_bare, a_ready, a_statement

TABLE = table_of(SKIN)
READY = Said(1, State.READY, label=0, confidence=166, fits=1, expires_in_ms=400, table=TABLE.hash)
PARTS = [seal(pack(TablePart(TABLE.hash, at, TABLE.block[at : at + 11]))) for at in range(0, len(TABLE.block), 11)]


def said_bytes(**fields: int) -> bytes:
    """A READY statement with some fields written over."""
    at = {"states": (2, "B"), "label": (4, "B"), "confidence": (5, "B"), "fits": (6, "<I"), "expires": (10, "<H"), "table": (14, "<I")}
    payload = bytearray(pack(READY))
    for name, value in fields.items():
        struct.pack_into(at[name][1], payload, at[name][0], value)
    return bytes(payload)


@pytest.mark.parametrize(
    "fields",
    [
        {"label": 255},  # READY without a label
        {"expires": NEVER_MS},  # a label that never dies
        {"states": 0x6F},  # a label in UNSURE
        {"states": 0x72},  # a live state without FROZEN
        {"states": 0x1F},  # FROZEN without one
        {"states": 0x18},  # a live state that is none
        {"label": 32},
        {"confidence": 201},
        {"table": 0},  # a label of no table
        {"table": 0, "label": 255, "states": 0x6F, "fits": 1},  # a set of no table
    ],
)
def test_a_statement_that_contradicts_itself_is_refused_whole(fields: dict[str, int]) -> None:
    assert unpack(said_bytes()) == READY
    assert unpack(said_bytes(**fields)) is None


@pytest.mark.parametrize("size_b", [0, 1, 17, 19])
def test_a_statement_of_another_length_is_refused(size_b: int) -> None:
    assert unpack((pack(READY) + b"\0")[:size_b]) is None


@pytest.mark.parametrize("first", [0x10, 0x14, 0x1F, 0x21, 0x01])
def test_another_kind_or_version_is_left_unread(first: int) -> None:
    assert unpack(bytes([first]) + pack(READY)[1:]) is None


@given(st.binary(max_size=18))
def test_what_is_read_is_what_was_sent(payload: bytes) -> None:
    frame = unpack(payload)
    assert frame is None or pack(frame) == payload


@pytest.mark.parametrize("frame", [TablePart(5, 7, b"x"), Taken(65535, 255), Want(2**32 - 1, 1023), Pressed(9, 1, Command.ACKNOWLEDGE)])
def test_small_frames_round_trip(frame: TablePart | Taken | Want | Pressed) -> None:
    assert unpack(pack(frame)) == frame


@given(st.binary(max_size=80))
def test_a_table_of_any_bytes_is_whole_or_none(block: bytes) -> None:
    for candidate in (block, (len(block) + 2).to_bytes(2, "little") + block):
        read = read_block(candidate)
        assert read is None or read.block == candidate


def test_a_table_reads_back_as_it_was_made() -> None:
    assert read_block(TABLE.block) == TABLE
    assert TABLE.hash == hash_of(TABLE.block) != table_of(BREAST).hash


def a_receiver_that_waits_for_its_table() -> Receiver:
    receiver = Receiver(boot=1)
    receiver.feed(seal(pack(READY)), 0)
    assert receiver.screen(0).shows is Shows.LOADING
    return receiver


def test_parts_that_come_twice_or_too_early_do_no_harm() -> None:
    receiver = a_receiver_that_waits_for_its_table()
    receiver.feed(PARTS[2] + PARTS[0] + PARTS[0] + PARTS[2] + b"".join(PARTS[1:]), 1)
    assert receiver.screen(1).label == ("mel", "Melanoma")


def test_words_that_do_not_fit_the_hash_are_never_drawn() -> None:
    """Each part is undamaged and bears the right name; the whole is another one."""
    receiver = a_receiver_that_waits_for_its_table()
    block = TABLE.block.replace(b"Melanoma", b"Naevus  ")
    for at in range(0, len(block), 11):
        receiver.feed(seal(pack(TablePart(TABLE.hash, at, block[at : at + 11]))), 1)
    assert receiver.screen(1).shows is Shows.LOADING
    assert receiver.poll(150) == seal(pack(Want(TABLE.hash, 0)))


def test_never_more_than_one_frame_is_under_way() -> None:
    sender = Sender(115_200)
    sender.say(a_statement(a_bare(State.STARTING)))
    assert sender.next_frame(0) is not None
    for i in range(20):
        sender.say(a_statement(a_ready(label=("mel", "nv")[i % 2])))
        assert sender.next_frame(24 * 86_805 - 100) is None
    assert sender.next_frame(24 * 86_805) is not None


def test_a_table_comes_through_beside_labels_that_change_without_end() -> None:
    link = Joined(baud=9_600)  # a frame takes 25 ms: as long as a label lasts here
    for i in range(120):
        link.sender.say(a_statement(a_ready(label=("mel", "nv")[i % 2], captured_ns=link.now_ns)))
        link.run(link.now_ns + 25 * MS)
    assert link.receiver.screen(link.now_ns // MS).label is not None


def test_heartbeats_come_without_being_told_anything() -> None:
    sender, due_ns = Sender(115_200), []
    now_ns = 0
    while now_ns < 1_000 * MS:
        if sender.next_frame(now_ns) is not None:
            due_ns.append(now_ns)
        now_ns = max(now_ns + 1, sender.due_ns(now_ns))
    assert len(due_ns) == 20
    assert all(later - earlier == HEARTBEAT_NS for earlier, later in itertools.pairwise(due_ns))
