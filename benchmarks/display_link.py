"""From a label that changes to the last byte on the display's wire, at an emulated line rate.

    python -m benchmarks.display_link [--changes 1000] [--baud 115200] [--real-time] [--json FILE]

Wire share: both ends in simulated time, so that nothing but the line is counted: the frame under way, then our own. Whole path: the
view is offered to the sink's outlet as `run` does it (its thread, the talker's thread, the port); the far end, in another process,
stamps what it reads and drains it at the line rate. Heartbeats and a label table asked for again every second run beside it. --real-time:
both processes at SCHED_RR (root), which shows the path itself on a machine that is busy with other work.
"""

import argparse
import multiprocessing
import os
import platform
import random
import select
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from edge.pipeline.outlet import Outlet
from edge.reading import ModelIdentity, Reading, State, View
from firmware_bridge.display.frames import Said, Want, pack, unpack
from firmware_bridge.display.labeltable import table_of
from firmware_bridge.display.ownport import OwnPort
from firmware_bridge.display.sender import Sender
from firmware_bridge.display.sink import make
from firmware_bridge.display.statement import statement_of
from firmware_bridge.display.wire import Cutter, seal

LABELS: Final = tuple((f"c{i}", f"Label number {i} of eight") for i in range(8))
MODEL: Final = ModelIdentity("bench", "1.0.0", "0" * 64, "null", "float32", labels=LABELS)
TABLE: Final = table_of(MODEL)
MS: Final = 1e6
WIRE_P99_MS: Final = 5.0
WHOLE_P99_MS: Final = 10.0
WARM: Final = 20


def a_view(change: int, now_ns: int) -> View:
    """Change number `change`: a label and a confidence by which the far end knows it again."""
    code = LABELS[change % len(LABELS)][0]
    reading = Reading(now_ns, change, State.READY, label=code, confidence=(change % 200) / 200 + 0.001, set=(code,), model=MODEL)
    return View(change, reading, None, now_ns, 500_000_000)


def is_change(said: Said, change: int) -> bool:
    return said.label == change % len(LABELS) and said.confidence == change % 200


def pauses_ns(changes: int, seed: int) -> list[int]:
    """60 to 140 ms between changes, at no phase of the heartbeat."""
    chance = random.Random(seed)
    return [chance.randint(60_000_000, 140_000_000) for _ in range(changes)]


def wire_share_ms(changes: int, baud: int, seed: int) -> list[float]:
    """Simulated: a change is told to the sender, and the line does the rest. Exact: time jumps from event to event."""
    sender, now_ns, ns_per_byte = Sender(baud), 0, 10_000_000_000 // baud
    took, want = [], seal(pack(Want(TABLE.hash, 0)))
    next_want_ns = 0
    sender.say(statement_of(a_view(0, 0), TABLE))
    for change, pause_ns in enumerate(pauses_ns(changes, seed), start=1):
        changed_ns = now_ns + pause_ns
        done_ns = None
        said = False
        while done_ns is None:
            if not said and now_ns >= changed_ns:
                sender.say(statement_of(a_view(change, changed_ns), TABLE))
                said = True
            if now_ns >= next_want_ns:
                sender.feed(want)
                next_want_ns += 1_000_000_000
            frame = sender.next_frame(now_ns)
            if frame is not None and isinstance(heard := unpack(Cutter().feed(frame)[0]), Said) and said and is_change(heard, change):
                done_ns = now_ns + len(frame) * ns_per_byte
                took.append((done_ns - changed_ns) / MS)
            due_ns = max(now_ns + 1, sender.due_ns(now_ns))
            now_ns = min(due_ns, changed_ns) if not said and changed_ns > now_ns else due_ns
    return took


@dataclass
class Around:
    clock_ns: Callable[[], int] = time.monotonic_ns
    said: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.said.append(text)


def hurry() -> None:
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))


def far_end(to_parent: Connection, baud: int, real_time: bool) -> None:
    """A port whose bytes leave at the line rate: (moment of the last byte, frame) of each statement; asks for the table each second."""
    port, cutter, ns_per_byte, heard = OwnPort(), Cutter(), 10_000_000_000 // baud, []
    if real_time:
        hurry()
    to_parent.send(port.name)
    free_ns, next_want_ns = 0, 0
    while not to_parent.poll():
        select.select([port.fileno(), to_parent.fileno()], [], [], 0.05)
        now_ns = time.monotonic_ns()
        for byte in port.read():
            free_ns = max(free_ns, now_ns) + ns_per_byte
            heard += [(free_ns, said) for payload in cutter.feed(bytes([byte])) if isinstance(said := unpack(payload), Said)]
        if now_ns >= next_want_ns:
            port.write(seal(pack(Want(TABLE.hash, 0))))
            next_want_ns = now_ns + 1_000_000_000
    to_parent.send(heard)


def whole_path_ms(changes: int, baud: int, seed: int, real_time: bool) -> list[float]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=far_end, args=(theirs, baud, real_time), daemon=True)
    child.start()
    name = ours.recv()
    if real_time:
        hurry()  # its threads inherit it
    sink = make(f"{name}?baud={baud}", Around())
    outlet = Outlet(sink, time.monotonic_ns)
    outlet.start(lambda _: None)
    offered = []
    for change, pause_ns in enumerate(pauses_ns(changes + WARM, seed)):
        time.sleep(pause_ns / 1e9)
        offered.append(time.monotonic_ns())
        outlet.offer(a_view(change, offered[-1]))
    time.sleep(0.3)
    outlet.close(1.0)
    ours.send("enough")
    heard: list[tuple[int, Said]] = ours.recv()
    child.join(5)
    took, at = [], 0
    for change, offered_ns in enumerate(offered):
        while at < len(heard) and not (heard[at][0] > offered_ns and is_change(heard[at][1], change)):
            at += 1
        if at == len(heard):
            raise SystemExit(f"change {change} of {len(offered)} never came")
        took.append((heard[at][0] - offered_ns) / MS)
    return took[WARM:]


@dataclass(frozen=True)
class Share:
    what: str
    changes: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    promised_p99_ms: float


def share(what: str, took_ms: list[float], promised_p99_ms: float) -> Share:
    p50, p99 = np.quantile(took_ms, [0.5, 0.99])
    return Share(what, len(took_ms), float(p50), float(p99), max(took_ms), promised_p99_ms)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=1000)
    parser.add_argument("--baud", type=int, default=115_200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real-time", action="store_true")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    machine = f"{os.cpu_count()} cores, load {load:.1f}, {platform.machine()}, Python {platform.python_version()}"
    print(f"{asked.baud} baud (emulated), {machine}")
    print(f"{'label change to last byte (ms)':34} {'changes':>8} {'p50':>6} {'p99':>6} {'max':>6} {'promise p99':>12}")
    wire_ms = wire_share_ms(asked.changes, asked.baud, asked.seed)
    shares = [share("wire share, simulated", wire_ms, WIRE_P99_MS)]
    whole_ms = whole_path_ms(asked.changes, asked.baud, asked.seed, asked.real_time)
    shares.append(share("whole path, offered to last byte", whole_ms, WHOLE_P99_MS))
    for row in shares:
        print(f"{row.what:34} {row.changes:8} {row.p50_ms:6.2f} {row.p99_ms:6.2f} {row.max_ms:6.2f} {row.promised_p99_ms:12.1f}")
    if asked.json:
        result = {"v": 1, "baud": asked.baud, "load": load, "real_time": asked.real_time, "shares": [asdict(row) for row in shares]}
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2))
    if any(row.p99_ms > row.promised_p99_ms for row in shares):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
