"""firmware_bridge/reference (C99) and the Python receiver: the same bytes at the same times give the same screens and answers."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.reading import Command, Reason, State
from firmware_bridge.display.codes import REASONS
from firmware_bridge.display.frames import Pressed, Said, TablePart, Taken, Want, pack
from firmware_bridge.display.labeltable import hash_of, table_of
from firmware_bridge.display.wire import seal
from tests.firmware_bridge.display.display_vectors import VECTORS, read_story
from tests.firmware_bridge.display.link_builders import BREAST, SKIN
from tests.firmware_bridge.display.reference_receiver import COMPILER, REFERENCE, SANITIZERS, CReceiver, Step, compile_c, play_python

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler here: the reference receiver was not run")
HARNESS = Path(__file__).with_name("reference_harness.c")
SOURCE = REFERENCE / "sonoderm_display.c"
TABLES = (table_of(SKIN), table_of(BREAST))
HASHES = st.sampled_from([0, 1, 0xFFFFFFFF, *(table.hash for table in TABLES)])
BOOT = 7


@pytest.fixture(scope="module", params=["plain", "sanitizers"])
def receiver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CReceiver]:
    extra = SANITIZERS if request.param == "sanitizers" else ()
    program = compile_c(tmp_path_factory.mktemp("c") / "harness", HARNESS, SOURCE, extra=extra)
    with CReceiver(program) as running:
        yield running


def parts(table_index: int) -> st.SearchStrategy[bytes]:
    """The parts of a table, in order and whole, or any one of them."""
    table = TABLES[table_index]
    cut = [pack(TablePart(table.hash, at, table.block[at : at + 11])) for at in range(0, len(table.block), 11)]
    return st.just(b"".join(map(seal, cut))) | st.sampled_from(cut).map(seal)


SAID = st.builds(
    Said,
    seq=st.integers(0, 3),
    state=st.sampled_from(State),
    live_state=st.none() | st.sampled_from(State),
    reason=st.integers(0, 40),
    label=st.none() | st.integers(0, 33),
    confidence=st.none() | st.integers(0, 201),
    fits=st.sampled_from([0, 1, 2, 5, 7, 8, 0x80000000]),
    expires_in_ms=st.sampled_from([0, 1, 60, 200, 500, 0xFFFF]),
    frozen_age_s=st.integers(0, 0xFFFF),
    table=HASHES,
    rendered=st.booleans(),
).map(pack)
FRAMES = (
    SAID
    | st.builds(TablePart, HASHES, st.sampled_from([0, 2, 11, 22, 1020]), st.binary(min_size=1, max_size=11)).map(pack)
    | st.builds(Taken, st.sampled_from([BOOT, 9]), st.integers(0, 3)).map(pack)
    | st.builds(Want, HASHES, st.integers(0, 40)).map(pack)
    | st.binary(min_size=1, max_size=18)
)
WIRE = FRAMES.map(seal) | parts(0) | parts(1) | st.binary(max_size=60)
EVENTS = st.tuples(st.integers(0, 130), WIRE | st.just("press"))


def steps_of(events: list[tuple[int, bytes | str]], began_ms: int) -> list[Step]:
    steps, now_ms = [Step("i", BOOT)], began_ms
    for passed_ms, event in events:
        now_ms += passed_ms
        steps.append(Step("p", now_ms, "1") if isinstance(event, str) else Step("b", now_ms, event.hex()))
        steps += [Step("s", now_ms), Step("o", now_ms), Step("s", now_ms + 70)]
    return steps


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(EVENTS, max_size=25))
def test_any_stream_gives_the_same_screens_and_answers(receiver: CReceiver, events: list[tuple[int, bytes | str]]) -> None:
    steps = steps_of(events, began_ms=1000)
    assert receiver.play(steps) == play_python(steps)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SAID | parts(0), min_size=2, max_size=12), st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 255)), max_size=6))
def test_damage_is_seen_alike(receiver: CReceiver, frames: list[bytes], damage: list[tuple[int, int]]) -> None:
    wire = bytearray(b"".join(frame if frame.endswith(b"\0") else seal(frame) for frame in frames))
    for at, mask in damage:
        wire[at % len(wire)] ^= mask
    steps = steps_of([(5, bytes(wire[i : i + 37])) for i in range(0, len(wire), 37)], began_ms=1)
    assert receiver.play(steps) == play_python(steps)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), st.integers(0, 60))
def test_a_table_of_any_bytes_is_whole_or_refused_alike(receiver: CReceiver, body: bytes, count: int) -> None:
    """Blocks that bear the right hash and are nonsense inside: no bytes may lead a receiver out of its memory."""
    block = (len(body) + 4).to_bytes(2, "little") + b"\0" + bytes([count]) + body
    said = Said(1, State.READY, label=0, expires_in_ms=500, table=hash_of(block))
    wire = seal(pack(said)) + b"".join(seal(pack(TablePart(said.table, i, block[i : i + 11]))) for i in range(0, len(block), 11))
    steps = steps_of([(1, wire)], began_ms=5)
    c, python = receiver.play(steps), play_python(steps)
    assert [line.split(" code=")[0] for line in c] == [line.split(" code=")[0] for line in python]  # texts: raw there, UTF-8 here


def test_the_vectors_hold_for_the_c_receiver(receiver: CReceiver) -> None:
    steps, expected = read_story(VECTORS)
    assert receiver.play(steps) == expected


def test_time_may_wrap(receiver: CReceiver) -> None:
    said = seal(pack(Said(1, State.NO_SIGNAL, reason=9)))
    at = 2**32 - 50
    steps = [Step("i", BOOT), Step("b", at, said.hex()), Step("s", at + 40), Step("s", 140), Step("s", 150)]
    assert [line.split()[0] for line in receiver.play(steps)] == ["live", "live", "stale"]


def test_it_takes_less_than_2_kb_of_memory_and_no_heap(receiver: CReceiver, tmp_path: Path) -> None:
    assert int(receiver.ask("z\n", 1)[0]) < 2048
    built = compile_c(tmp_path / "display.o", SOURCE, extra=("-c", "-ffreestanding"))
    wanted = subprocess.run(["nm", "-u", built], capture_output=True, text=True, timeout=20, check=True).stdout.split()
    assert set(wanted) <= {"U", "memcpy", "memset", "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"}


def test_it_says_the_same_words_for_every_reason(receiver: CReceiver) -> None:
    words = receiver.ask("".join(f"r {i}\n" for i in range(len(Reason) + 2)), len(Reason) + 2)
    assert words == ["", *(REASONS[i].value for i in range(1, len(Reason) + 1)), "unknown reason"]


def test_the_example_shows_what_a_pty_brings(tmp_path: Path) -> None:
    program = compile_c(tmp_path / "display", REFERENCE / "example_pty.c", SOURCE, extra=("-Wno-missing-field-initializers",))
    near, far = os.openpty()
    name = os.ttyname(far)
    with subprocess.Popen([program, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdin is not None
        assert running.stdout.readline() == b"RESEARCH USE ONLY | STALE\n"
        os.write(near, seal(pack(Said(1, State.NO_SIGNAL, reason=9))))
        assert running.stdout.readline() == b"RESEARCH USE ONLY | NO SIGNAL | stalled\n"
        assert running.stdout.readline() == b"RESEARCH USE ONLY | STALE\n"  # 200 ms later
        running.stdin.write(b"f\n")
        running.stdin.flush()
        pressed = os.read(near, 100)
        running.stdin.close()
        assert running.wait(10) == 0
    assert pressed.count(0) == 1
    os.close(near)
    os.close(far)


def test_pressed_frames_are_what_the_sender_reads(receiver: CReceiver) -> None:
    steps = [Step("i", BOOT), Step("p", 10, "1"), Step("o", 10)]
    assert receiver.play(steps) == [seal(pack(Pressed(BOOT, 1, Command.FREEZE))).hex()]
