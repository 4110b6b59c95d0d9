"""The conditions of a measurement, and the warnings that make a number worth less: they stand beside it, always."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.backends.machine import Machine
from edge.bench import sensors
from edge.bench.result import Conditions, Run, Sensor

__all__ = ["Before", "conditions", "look_before"]

BUSY_SHARE = 0.1  # of all cores, by others
WARMER_C = 10.0
SLOW_GOVERNORS = frozenset({"powersave", "conservative", "ondemand", "schedutil", "interactive"})


@dataclass(frozen=True, slots=True)
class Before:
    """What was read before the first frame."""

    celsius: tuple[tuple[str, float], ...]
    throttles: int | None
    load_1m: float


def look_before(root: Path = Path("/")) -> Before:
    return Before(sensors.celsius(root), sensors.throttle_count(root), os.getloadavg()[0])


def conditions(machine: Machine, before: Before, runs: tuple[Run, ...], root: Path = Path("/")) -> Conditions:
    """Read after the last frame, while the clocks are still those of the run."""
    now_mhz, max_mhz = sensors.cpu_clocks(root)
    after, throttles = sensors.celsius(root), sensors.throttle_count(root)
    throttled = None if throttles is None or before.throttles is None else max(0, throttles - before.throttles)
    found = Conditions(
        cpu=machine.cpu,
        isa=machine.isa,
        cores=machine.cores,
        board=machine.board,
        l4t=machine.l4t,
        gpu=machine.gpu,
        kernel=platform.release(),
        python=platform.python_version(),
        governors=tuple(dict.fromkeys(sensors.governors(root))),
        cpu_mhz=now_mhz,
        cpu_max_mhz=max_mhz,
        gpu_mhz=sensors.gpu_mhz(root),
        power_mode=sensors.power_mode(root),
        load_1m=round(before.load_1m, 2),
        celsius_before=_readings(before.celsius),
        celsius_after=_readings(after),
        throttled=throttled,
        warnings=(),
    )
    return msgspec.structs.replace(found, warnings=warnings_of(found, runs))


def _readings(values: tuple[tuple[str, float], ...]) -> tuple[Sensor, ...]:
    return tuple(Sensor(name=name, value=value) for name, value in values)


def warnings_of(found: Conditions, runs: tuple[Run, ...]) -> tuple[str, ...]:
    """In words; none where nothing speaks against the numbers. Pure."""
    said = []
    busiest = max((run.others_share for run in runs), default=0.0)
    if busiest > BUSY_SHARE:
        said.append(f"this machine was busy: other programs took {busiest:.0%} of all cores; close them and measure again")
    slow = sorted(SLOW_GOVERNORS.intersection(found.governors))
    if slow:
        said.append(f"clocks are not held (governor {', '.join(slow)}): the first frames after a pause are slow")
    if found.throttled:
        said.append(f"the processor was slowed down by heat {found.throttled} times")
    before = {reading.name: reading.value for reading in found.celsius_before}
    rise = max((r.value - before[r.name] for r in found.celsius_after if r.name in before), default=0.0)
    if rise > WARMER_C:
        said.append(f"it grew warmer by {rise:.0f} degrees meanwhile: use --burn-in, so that it is as warm as after an hour")
    if found.board is not None and "NVIDIA" in found.board and found.power_mode is None:
        said.append("the power mode is unknown (nvpmodel wrote no status)")
    return tuple(said)
