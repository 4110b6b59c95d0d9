"""Time of each stage of one frame, by the code that runs live, fed in two ways: one after the other, and as a camera does."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from edge.bench import sensors
from edge.bench.quantiles import stage_of
from edge.bench.result import STAGES, Run, Sensor
from edge.frame import U8, Frame
from edge.model import Look, Model

__all__ = ["Plan", "measure", "pictures_for"]

NS_PER_S: Final = 1_000_000_000
POWER_EVERY_NS: Final = 200_000_000
SCENES, MOMENTS = 2, 12


@dataclass(frozen=True, slots=True)
class Plan:
    """seconds: of each run. warm_up_s: before the first. burn_in_s: before the first too, to bring the board to its temperature."""

    fps: float = 30.0
    seconds: float = 8.0
    warm_up_s: float = 1.0
    burn_in_s: float = 0.0


def pictures_for(modality: str, width_px: int, height_px: int, seed: int = 1) -> tuple[U8, ...]:
    """Rendered phantoms under a moving hand, drawn beforehand: (height_px, width_px, 3) uint8 RGB, the same for the same arguments."""
    from edge.sources import phantom_derm, phantom_ultrasound
    from edge.sources.phantom_hand import steady, take

    drawn: list[U8] = []
    for scene in range(SCENES):
        hand = take(seed + scene)
        moments = [(steady(hand, at / 3), at) for at in range(MOMENTS)]
        if modality == "dermoscopy":
            derm = phantom_derm.draw(seed + scene, ("disc", "star")[scene % 2], width_px, height_px)
            drawn += [phantom_derm.look(derm, moment, at) for moment, at in moments]
        else:
            us = phantom_ultrasound.draw(seed + scene, ("cyst", "mass")[scene % 2], width_px, height_px)
            drawn += [phantom_ultrasound.look(us, moment, at) for moment, at in moments]
    return tuple(drawn)


@dataclass(slots=True)
class _Times:
    """What one run collects."""

    looks: list[Look] = field(default_factory=list)
    late: int = 0
    power: list[tuple[tuple[str, float], ...]] = field(default_factory=list)


def measure(
    model: Model, pictures: tuple[U8, ...], plan: Plan, *, root: Path = Path("/"), on_second: Callable[[], None]
) -> tuple[Run, ...]:
    """Free-running, then paced at plan.fps. The model is asked about every picture, whatever its quality."""
    known = sensors.rails(root)
    _feed(model, pictures, plan.warm_up_s + plan.burn_in_s, None, (), on_second)
    return tuple(_run(model, pictures, plan, fps, known, root, on_second) for fps in (None, plan.fps))


def _run(
    model: Model,
    pictures: tuple[U8, ...],
    plan: Plan,
    fps: float | None,
    known: tuple[sensors.Rail, ...],
    root: Path,
    on_second: Callable[[], None],
) -> Run:
    others = _Others(root)
    cpu_s, began_ns, began_uj = time.process_time(), time.monotonic_ns(), sensors.energy_uj(root)
    times = _feed(model, pictures, plan.seconds, fps, known, on_second)
    seconds = (time.monotonic_ns() - began_ns) / NS_PER_S
    ended_uj = sensors.energy_uj(root)
    cpu_share = (time.process_time() - cpu_s) / seconds
    power_mw = _mean([total for readings in times.power if (total := sensors.total_mw(readings)) is not None])
    if power_mw is None and began_uj is not None and ended_uj is not None and ended_uj > began_uj:
        power_mw = (ended_uj - began_uj) / 1000 / seconds
    frames = len(times.looks)
    return Run(
        mode="paced" if fps else "free-running",
        fps=fps,
        frames=frames,
        seconds=round(seconds, 3),
        late=times.late,
        stages=tuple(stage_of(name, [_of(look, name) for look in times.looks]) for name in STAGES),
        cpu_share=round(cpu_share, 3),
        others_share=round(others.share(cpu_share * seconds, seconds), 3),
        power_mw=None if power_mw is None else round(power_mw, 1),
        energy_mj=None if power_mw is None else round(power_mw * seconds / frames, 2),
        rails_mw=_rail_means(times.power),
    )


def _of(look: Look, stage: str) -> int:
    return look.timings.total_ns if stage == "all" else int(getattr(look.timings, f"{stage}_ns"))


def _feed(
    model: Model,
    pictures: tuple[U8, ...],
    seconds: float,
    fps: float | None,
    known: tuple[sensors.Rail, ...],
    on_second: Callable[[], None],
) -> _Times:
    """Frames until the time is up, at least one. Power is read between frames, outside what is timed."""
    times = _Times()
    period_ns = round(NS_PER_S / fps) if fps else 0
    start_ns = due_ns = power_due_ns = second_ns = time.monotonic_ns()
    template = Frame(pictures[0], 0, 0, "bench")
    while True:
        now_ns = time.monotonic_ns()
        if times.looks and now_ns - start_ns >= seconds * NS_PER_S:
            return times
        if fps and now_ns < due_ns:
            time.sleep((due_ns - now_ns) / NS_PER_S)
            now_ns = time.monotonic_ns()
        times.late += bool(fps and now_ns - due_ns > period_ns)
        index = len(times.looks)
        frame = replace(template, pixels=pictures[index % len(pictures)], captured_ns=now_ns, index=index)
        times.looks.append(model.examine(frame))
        due_ns = max(due_ns + period_ns, now_ns) if fps else due_ns
        if known and now_ns >= power_due_ns:
            times.power.append(sensors.read_rails_mw(known))
            power_due_ns = now_ns + POWER_EVERY_NS
        if now_ns - second_ns >= NS_PER_S:
            second_ns = now_ns
            on_second()


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _rail_means(power: list[tuple[tuple[str, float], ...]]) -> tuple[Sensor, ...]:
    collected: dict[str, list[float]] = {}
    for readings in power:
        for name, value in readings:
            collected.setdefault(name, []).append(value)
    return tuple(Sensor(name=name, value=round(sum(values) / len(values), 1)) for name, values in collected.items())


class _Others:
    """CPU time of everything but this process, from /proc/stat. Zero where it cannot be read."""

    def __init__(self, root: Path) -> None:
        self._path = root / "proc/stat"
        self._before = self._busy_s()

    def _busy_s(self) -> float | None:
        try:
            fields = self._path.read_text().split("\n", 1)[0].split()[1:]
            user, nice, system, _idle, _iowait, irq, softirq, steal = (int(f) for f in fields[:8])
        except (OSError, ValueError):
            return None
        return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")

    def share(self, own_s: float, seconds: float) -> float:
        after = self._busy_s()
        if after is None or self._before is None:
            return 0.0
        return max(0.0, (after - self._before - own_s) / (seconds * (os.cpu_count() or 1)))
