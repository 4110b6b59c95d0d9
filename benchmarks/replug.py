"""A hundred times unplugged and plugged in again: does the source come back every time, and how soon?

    python benchmarks/replug.py [--rounds 100] [--json FILE]

Runs the fake driver of the tests in a real capture process. A round: unplug, wait for Lost, stay away for a while (from nothing to
1.5 s, so that every length of the back-off is met), plug in, wait for the first new frame. Every fifth round the driver hangs instead,
and every tenth it crashes. Prints a table and writes JSON; ends with 1 when a round failed or took longer than 2 s to a new frame.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from edge.sources.events import Arrived, Event, Lost
from edge.sources.live import LiveSource

ROOT = Path(__file__).resolve().parents[1]
LIMIT_S = 2.0
GIVE_UP_S = 20.0


def main() -> int:
    """Run the rounds; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    sys.path.append(str(ROOT))
    from tests.fake_driver import World, install

    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, install(Path(folder) / "site"))
        world = World(Path(folder) / "world")
        rounds = _run(world.uri, world.set, arguments.rounds)
    good = [back_s for _, lost_s, back_s in rounds if lost_s is not None and back_s is not None]
    in_time = sum(back_s <= LIMIT_S for back_s in good)
    good.sort()
    result = {
        "v": 1,
        "rounds": len(rounds),
        "returned": len(good),
        "returned_within_2_s": in_time,
        "back_p50_s": round(good[len(good) // 2], 3) if good else None,
        "back_max_s": round(good[-1], 3) if good else None,
        "by_habit": {habit: sum(name == habit for name, _, _ in rounds) for habit in ("gone", "hang", "crash")},
        "conditions": {"python": sys.version.split()[0], "driver": "tests/fake_driver.py, 640x480 at 30 fps; no V4L2 hardware"},
    }
    for name, value in result.items():
        print(f"{name:22} {value}")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0 if in_time == len(rounds) else 1


def _run(uri: str, set_habit: Callable[[str], None], count: int) -> list[tuple[str, float | None, float | None]]:
    """(habit, s to Lost, s from the plug to a new frame) per round; None: it did not happen."""
    rounds: list[tuple[str, float | None, float | None]] = []
    with LiveSource(uri) as source:
        source.start()
        if _wait(source, Arrived) is None:
            return [("start", None, None)]
        for number in range(count):
            habit = "crash" if number % 10 == 9 else "hang" if number % 5 == 4 else "gone"
            set_habit(habit)
            lost_s = _wait(source, Lost)
            away_until = time.monotonic() + 1.5 * (number % 16) / 15
            if habit == "crash":
                set_habit("gone")
            while time.monotonic() < away_until:
                source.next_event(away_until - time.monotonic())
            set_habit("ok")
            rounds.append((habit, lost_s, _wait(source, Arrived)))
            print(f"\r{number + 1}/{count}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return rounds


def _wait(source: LiveSource, kind: type[Event]) -> float | None:
    """Seconds until such an event; None when it does not come."""
    began_s = time.monotonic()
    while time.monotonic() - began_s < GIVE_UP_S and not source.is_over:
        if isinstance(source.next_event(0.05), kind):
            return time.monotonic() - began_s
    return None


if __name__ == "__main__":
    sys.exit(main())
