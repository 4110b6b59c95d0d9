"""Hours of frames in simulated time: no drift, no growth, no gap, and no label past its age. A whole day in `make test-slow`."""

import gc
import sys

import pytest

from edge.reading import Reason, State
from firmware_bridge.display.receiver import Receiver, Shows
from firmware_bridge.display.sender import HEARTBEAT_NS, Sender
from tests.firmware_bridge.display.link_builders import AGE_LIMIT_NS, BREAST, MS, a_bare, a_frozen, a_ready, a_statement

S = 1_000_000_000
FRAME_NS = 24 * 86_805


def live_through(hours: float) -> tuple[int, int]:
    """A view every 100 ms (each minute: a frozen stretch, a loss, another model now and then). -> (frames, memory blocks grown)."""
    sender, receiver = Sender(115_200), Receiver(boot=3)
    now_ns, next_view_ns, frames, last_ns, captured_ns = 0, 0, 0, 0, 0
    end_ns = int(hours * 3600 * S)
    grown_from = 0
    while now_ns < end_ns:
        if now_ns >= next_view_ns:
            second, next_view_ns = now_ns // S, now_ns + 100 * MS
            if second % 60 < 50:
                captured_ns = now_ns - 40 * MS
                model = BREAST if second // 60 % 30 == 29 else None
                reading = a_ready(label="benign", model=model, captured_ns=captured_ns) if model else a_ready(captured_ns=captured_ns)
                sender.say(a_statement(reading))
            elif second % 60 < 55:
                sender.say(a_statement(a_frozen(captured_ns=captured_ns)))
            else:
                sender.say(a_statement(a_bare(State.NO_SIGNAL, Reason.UNPLUGGED)))
        frame = sender.next_frame(now_ns)
        if frame is not None:
            arrived_ns = now_ns + len(frame) * 86_805
            before = receiver.screen(arrived_ns // MS).activity
            receiver.feed(frame, arrived_ns // MS)
            screen = receiver.screen(arrived_ns // MS)
            if screen.activity != before and screen.said is not None:
                frames += 1
                assert arrived_ns - last_ns <= HEARTBEAT_NS + 2 * FRAME_NS + 2, "a gap in the heartbeat"
                last_ns = arrived_ns
                if screen.said.state is State.READY:
                    assert arrived_ns + screen.said.expires_in_ms * MS <= captured_ns + AGE_LIMIT_NS, "a label may outlive its picture"
            assert screen.shows is not Shows.STALE or frames == 0
        if up := receiver.poll(now_ns // MS):
            sender.feed(up)
        if grown_from == 0 and now_ns > 600 * S:
            gc.collect()
            grown_from = sys.getallocatedblocks()
        now_ns = max(now_ns + 1, min(sender.due_ns(now_ns), next_view_ns))
    gc.collect()
    return frames, sys.getallocatedblocks() - grown_from


@pytest.mark.parametrize("hours", [0.25, pytest.param(24.0, marks=pytest.mark.slow)])
def test_hours_of_frames_neither_drift_nor_leak(hours: float) -> None:
    frames, grown = live_through(hours)
    beats = hours * 3600 * S / HEARTBEAT_NS
    assert beats * 0.95 <= frames <= beats * 1.3  # changes come on top; two frames' time may pass before a heartbeat
    assert grown < 1_000
