"""Hours of it: memory of all processes, age of labels over time, and no label where none may be.

    python -m benchmarks.soak [--minutes 60] [--model derm7] [--sink web:127.0.0.1:0] [--json FILE]

A live device with a fake driver at 30 fps (see live_age). Every cycle of two minutes the driver is black, repeats, stalls and is
unplugged for a while; then it is good again. Memory is PSS (proportional set size, proc(5) smaps_rollup) summed over the device process and
its children, every five seconds of good driving. Slopes are least squares over the second half.
"""

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.live_observer import MS, Device
from edge.reading import State

CYCLE_S = 120.0
HABITS = ("black", "repeat", "stall", "gone")
HABIT_S, REST_S, SAMPLE_S = 3.0, 4.0, 5.0
LIMIT_MB = 300.0
AGE_LIMIT_MS = 500.0


@dataclass(frozen=True, slots=True)
class Sample:
    """at_s since the start; pss_mb of all processes; age_ms: median age of labels when first shown since the last sample; cpu_s so far."""

    at_s: float
    pss_mb: float
    age_ms: float
    cpu_s: float


def processes(pid: int) -> list[int]:
    """The process and all that descend from it."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            todo += [int(child) for child in task.read_text().split()]
    return found


def pss_mb(pids: list[int]) -> float:
    kb = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended between the two looks
        kb += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kb / 1024


def cpu_s(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def slope_per_hour(at_s: list[float], values: list[float]) -> float:
    half = len(at_s) // 2
    if len(at_s) - half < 3:
        return float("nan")
    return float(np.polyfit(np.array(at_s[half:]), np.array(values[half:]), 1)[0]) * 3600


def drive(device: Device, seconds: float) -> tuple[list[Sample], int, float]:
    """-> samples, labels shown where none may be (on a black picture, or 250 ms into a fault), greatest age while shown in ms."""
    began, samples, wrong, oldest = time.monotonic(), list[Sample](), 0, 0.0
    while time.monotonic() - began < seconds:
        cycle_end = min(began + seconds, time.monotonic() + CYCLE_S - len(HABITS) * (HABIT_S + REST_S))
        while (left_s := cycle_end - time.monotonic()) > 0:
            device.watch(min(SAMPLE_S, left_s))
            pids, ages = processes(device.process.pid), device.ages_ms()
            age = float(np.median(ages)) if ages.size else float("nan")
            samples.append(Sample(time.monotonic() - began, pss_mb(pids), age, cpu_s(pids)))
            oldest = max(oldest, device.oldest_ms())
            device.shown.clear()
        for habit in HABITS:
            if time.monotonic() - began >= seconds:
                break
            device.world.set(habit)
            ordered_ns = time.monotonic_ns()
            device.watch(HABIT_S)
            device.world.set("ok")
            wrong += sum(s.state is State.READY and s.at_ns - ordered_ns > 283 * MS for s in device.shown)  # one frame may be under way
            oldest = max(oldest, device.oldest_ms())
            device.watch(REST_S)
            device.shown.clear()
    return samples, wrong, oldest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--model", default="derm7")
    parser.add_argument("--trust")
    parser.add_argument("--sink", default="web:127.0.0.1:0")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    arguments = ["--model", asked.model, "--sink", asked.sink, *(["--trust", asked.trust] if asked.trust else [])]
    with Device(arguments) as device:
        if device.watch(30.0, lambda s: s.state is State.READY) is None:
            raise SystemExit("not READY within 30 s")
        samples, wrong, oldest = drive(device, asked.minutes * 60)
    at_s, pss, ages = [s.at_s for s in samples], [s.pss_mb for s in samples], [s.age_ms for s in samples]
    busy = (samples[-1].cpu_s - samples[0].cpu_s) / (at_s[-1] - at_s[0]) if len(samples) > 1 else float("nan")
    print(f"{asked.minutes:.1f} min, {asked.model}, sinks pipe and {asked.sink}, {os.cpu_count()} cores")
    print(f"PSS of all processes: first {pss[0]:.0f} MB, last {pss[-1]:.0f} MB, max {max(pss):.0f} MB (limit {LIMIT_MB:.0f})")
    print(f"PSS slope {slope_per_hour(at_s, pss):+.2f} MB an hour; label age slope {slope_per_hour(at_s, ages):+.2f} ms an hour")
    print(f"label age when first shown, median of the last sample {ages[-1]:.1f} ms; oldest while shown {oldest:.0f} ms")
    print(f"labels where none may be: {wrong}; processor: {busy:.2f} cores busy")
    if asked.json:
        result = {"v": 1, "samples": samples, "wrong_labels": wrong, "oldest_ms": oldest, "cores_busy": busy}
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2))
    raise SystemExit(1 if wrong or max(pss) > LIMIT_MB or oldest > AGE_LIMIT_MS + 50 else 0)


if __name__ == "__main__":
    main()
