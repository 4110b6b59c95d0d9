"""docs/display.md against the code: its numbers, and the frames that it shows."""

import re
from pathlib import Path

from edge.reading import State
from firmware_bridge.display.codes import COMMANDS, REASONS, STATES
from firmware_bridge.display.frames import pack, unpack
from firmware_bridge.display.wire import seal
from tests.firmware_bridge.display.display_vectors import VECTORS, read_story
from tests.firmware_bridge.display.reference_receiver import play_python

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "display.md").read_text()


def test_the_frames_of_the_page_are_those_of_the_wire() -> None:
    rows = re.findall(r"\| `([0-9a-f]+)` \| `([0-9a-f]+)` \|", PAGE)
    assert len(rows) == 7
    for payload, wire in ((bytes.fromhex(a), bytes.fromhex(b)) for a, b in rows):
        frame = unpack(payload)
        assert frame is not None
        assert pack(frame) == payload
        assert seal(payload) == wire


def test_the_page_lists_every_number() -> None:
    assert ", ".join(f"{i} {state.value}" for i, state in enumerate(STATES)) in PAGE
    assert ", ".join(f"{i} {reason.value}" for i, reason in sorted(REASONS.items())) in PAGE
    assert ", ".join(f"{i} {command.value}" for i, command in sorted(COMMANDS.items())) in PAGE


def test_the_vectors_hold_for_the_python_receiver() -> None:
    steps, expected = read_story(VECTORS)
    assert play_python(steps) == expected


def test_the_vectors_meet_every_rule() -> None:
    text = VECTORS.read_text()
    shown = (
        "-> stale",
        "-> loading",
        "-> live",
        "button=sending",
        "button=taken",
        "button=not-taken",
        "damaged=1",
        "other=1",
        "rendered=1",
    )
    for word in shown:
        assert word in text
    assert f"state={STATES.index(State.FROZEN)} live={STATES.index(State.NO_SIGNAL)}" in text
