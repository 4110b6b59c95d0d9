"""How old is a label when it is first shown, and while it is shown? From time stamps in the pixels, outside the process, with faults.

    python -m benchmarks.live_age [--model NAME] [--seconds 60] [--rounds 3] [--replug 100] [--json FILE]

A fake driver in the capture process writes the moment of capture into each picture (30 fps, 640x480). The observer, another process,
reads it back from the device's screen, which is a pipe. Then the driver gets one bad habit after the other; the time to the banner counts
from the newest picture that was shown before it. Then it becomes good again, and the time to READY counts from that moment.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.live_observer import MS, Device, Shown
from edge.reading import Reason, State

HABITS: dict[str, tuple[Reason, ...]] = {  # what the screen may say of each
    "stall": (Reason.STALLED,),
    "gone": (Reason.UNPLUGGED,),
    "black": (Reason.BLACK,),
    "repeat": (Reason.FROZEN_PICTURE,),
    "hang": (Reason.STALLED,),
    "hang-gil": (Reason.STALLED,),
    "crash": (Reason.DRIVER_CRASHED,),
    "segv": (Reason.DRIVER_CRASHED,),
}
BANNER_MS = 250.0
RECOVERY_S = 2.0
READY_WITHIN_S = 30.0


@dataclass(frozen=True)
class Ages:
    """One steady run. first_*: age when first shown; oldest: greatest age while shown."""

    scenario: str
    labels: int
    first_p50_ms: float
    first_p99_ms: float
    first_max_ms: float
    oldest_ms: float


@dataclass(frozen=True)
class FaultResult:
    """One habit, over all rounds: the worst."""

    habit: str
    rounds: int
    banner_ms: float
    said: str
    labels_after_250_ms: int
    ready_again_s: float


def steady(scenario: str, device_arguments: Sequence[str], seconds: float) -> Ages:
    with Device(device_arguments) as device:
        _until_ready(device)
        began_ns = time.monotonic_ns()
        device.watch(seconds)
        ages = device.ages_ms(began_ns)
        quantiles = np.quantile(ages, [0.5, 0.99]) if ages.size else (float("nan"), float("nan"))
        oldest = device.oldest_ms(began_ns)
        return Ages(scenario, int(ages.size), float(quantiles[0]), float(quantiles[1]), float(ages.max(initial=0)), oldest)


def faulty(device: Device, habit: str, rounds: int) -> FaultResult:
    banner_ms, again_s, late, said = 0.0, 0.0, 0, set()
    for _ in range(rounds):
        device.world.set("ok")
        _until_ready(device)
        device.watch(0.5)
        begun = len(device.shown)
        device.world.set(habit)
        banner = device.watch(5.0, lambda s: s.state is State.NO_SIGNAL)
        last_good_ns = max(s.stamp_ns or 0 for s in device.shown[:-1])
        banner_ms = max(banner_ms, (banner.at_ns - last_good_ns) / MS if banner else float("inf"))
        device.watch(1.5)
        said |= {s.reason.value for s in device.shown[begun:] if s.state is State.NO_SIGNAL and s.reason is not None}
        late += sum(_is_late_label(s, last_good_ns) for s in device.shown[begun:])
        device.world.set("ok")
        returned_ns = time.monotonic_ns()
        again = device.watch(READY_WITHIN_S, lambda s: s.state is State.READY)
        again_s = max(again_s, (again.at_ns - returned_ns) / 1e9 if again else float("inf"))
    return FaultResult(habit, rounds, banner_ms, ", ".join(sorted(said)), late, again_s)


def _is_late_label(shown: Shown, last_good_ns: int) -> bool:
    return shown.state is State.READY and shown.at_ns - last_good_ns > BANNER_MS * MS


def _until_ready(device: Device) -> None:
    if device.watch(READY_WITHIN_S, lambda s: s.state is State.READY) is None:
        raise SystemExit(f"not READY within {READY_WITHIN_S:.0f} s; the last view said {device.shown[-1:]}")


def replug(arguments: Sequence[str], rounds: int) -> tuple[int, float]:
    """Unplugged and replugged: how often it was READY again within 2 s of the return, and the longest."""
    good, longest_s = 0, 0.0
    with Device(arguments) as device:
        _until_ready(device)
        for _ in range(rounds):
            device.world.set("gone")
            device.watch(5.0, lambda s: s.state is State.NO_SIGNAL)
            device.watch(0.3)
            device.world.set("ok")
            returned_ns = time.monotonic_ns()
            again = device.watch(10.0, lambda s: s.state is State.READY)
            took_s = (again.at_ns - returned_ns) / 1e9 if again else float("inf")
            longest_s = max(longest_s, took_s)
            good += took_s <= RECOVERY_S
    return good, longest_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="derm7")
    parser.add_argument("--trust")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--replug", type=int, default=0)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    base = ["--model", asked.model, *(["--trust", asked.trust] if asked.trust else [])]
    scenarios = {
        "30 fps": base,
        "30 fps, model slower than a frame (+ 60 ms)": [*base, "--look-ms", "60"],
        "30 fps, a sink sleeps 150 ms": [*base, "--sleepy-ms", "150"],
        "30 fps, a sink never returns": [*base, "--stuck"],
    }
    print(f"model {asked.model}, {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}; pipe sink")
    ages = [steady(name, arguments, asked.seconds) for name, arguments in scenarios.items()]
    print(f"{'label age (ms)':48} {'labels':>7} {'p50':>7} {'p99':>7} {'max':>7} {'while shown':>12}")
    for row in ages:
        first = f"{row.first_p50_ms:7.1f} {row.first_p99_ms:7.1f} {row.first_max_ms:7.1f}"
        print(f"{row.scenario:48} {row.labels:7} {first} {row.oldest_ms:12.1f}")
    faults = []
    print(f"{'fault':12} {'banner (ms)':>12} {'labels > 250 ms':>16} {'READY again (s)':>16}  said")
    with Device(base) as device:
        for habit in HABITS:
            found = faulty(device, habit, asked.rounds)
            faults.append(found)
            print(f"{habit:12} {found.banner_ms:12.0f} {found.labels_after_250_ms:16} {found.ready_again_s:16.2f}  {found.said}")
    plugged = replug(base, asked.replug) if asked.replug else None
    if plugged:
        print(f"unplug and replug: READY within {RECOVERY_S:.0f} s in {plugged[0]} of {asked.replug}, longest {plugged[1]:.2f} s")
    if asked.json:
        result = {"v": 1, "ages": [asdict(a) for a in ages], "faults": [asdict(f) for f in faults], "replug": plugged}
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2))
    missed = [f.habit for f in faults if f.banner_ms > BANNER_MS or f.labels_after_250_ms or f.ready_again_s > RECOVERY_S]
    if missed:
        print(f"outside the promise: {', '.join(missed)}", file=sys.stderr)
        raise SystemExit(1)


if __name__ == "__main__":
    main()
