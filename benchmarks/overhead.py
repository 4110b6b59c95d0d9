"""Our own cost beside the model, per 640x480 frame, as a ratio to one cv2.resize(INTER_AREA) of that frame to 224.

    python -m benchmarks.overhead [--rounds 400] [--json FILE]

Interleaved in one run, one thread, medians: on a busy machine the ratio still holds where milliseconds do not. The frames are
live: a memory of the field, corrections (mask and colors) switched on, the quality gate with the frame before, and the
scope distance to a bank of 2,000. Exit code 1 when the promise (1.2) is missed.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.bundle.manifest import InputSpec, Scope
from edge.classify import scope_distance
from edge.frame import F32, U8
from edge.preprocess.follow import FieldMemory
from edge.preprocess.prepare import prepare
from edge.profile import ColorResponse, Corrections, color_tables
from edge.quality import assess
from edge.sources.phantom_still import render_still

PROMISE = 1.2
FRAME_NS = 33_333_333


@dataclass(slots=True)
class Live:
    """The state that a live loop carries from frame to frame."""

    memory: FieldMemory | None = None
    small: U8 | None = None
    tick: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """What an engine would have returned."""

    classes: F32
    embedding: F32 | None
    gate: float | None


def _corrections(frame: U8) -> Corrections:
    keep = np.full(frame.shape, 255, np.uint8)
    keep[:40, :120] = 0
    color = ColorResponse(power=(1.1, 1.1, 1.1), matrix=((1.3, -0.2, -0.1), (-0.1, 1.3, -0.2), (0.0, -0.3, 1.3)))
    return Corrections((frame.shape[1], frame.shape[0]), keep=keep, color=color_tables(color))


def _step(frames: list[U8], spec: InputSpec, corrections: Corrections | None) -> Callable[[], object]:
    live = Live()

    def step() -> None:
        frame = frames[live.tick % len(frames)]
        prepared = prepare(frame, spec, corrections, live.memory, live.tick * FRAME_NS)
        assess(prepared.small, prepared.field, live.small, FRAME_NS / 1e9)
        live.memory, live.small, live.tick = prepared.memory, prepared.small, live.tick + 1

    return step


def _scope() -> Callable[[], object]:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2000, 128))
    bank = np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
    scope = Scope(bank="bank.bin", n=2000, dim=128)
    raw = Raw(np.zeros(7, np.float32), bank[3], 2.0)
    return lambda: scope_distance(raw, scope, bank)


def stages() -> dict[str, Callable[[], object]]:
    derm = [render_still("derm-disc", 1, time_s=k / 30) for k in range(4)]
    ultrasound = [render_still("us-mass", 1, time_s=k / 30) for k in range(4)]
    derm_spec = InputSpec(width_px=192, height_px=144, fit="crop", field="dermatoscope")
    us_spec = InputSpec(width_px=208, height_px=208, fit="letterbox", field="ultrasound")
    return {
        "INTER_AREA to 224": lambda: cv2.resize(derm[0], (224, 224), interpolation=cv2.INTER_AREA),
        "derm7": _step(derm, derm_spec, None),
        "derm7, corrected": _step(derm, derm_spec, _corrections(derm[0])),
        "breast-us": _step(ultrasound, us_spec, None),
        "breast-us, corrected": _step(ultrasound, us_spec, _corrections(ultrasound[0])),
        "scope": _scope(),
    }


def measure(parts: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median microseconds of each part, all parts taken in turn in every round."""
    taken: dict[str, list[int]] = {name: [] for name in parts}
    for index in range(rounds + 20):
        for name, run in parts.items():
            start_ns = time.perf_counter_ns()
            run()
            if index >= 20:  # the first ones warm caches
                taken[name].append(time.perf_counter_ns() - start_ns)
    return {name: float(np.median(values)) / 1e3 for name, values in taken.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    median_us = measure(stages(), max(1, arguments.rounds))
    reference_us, scope_us = median_us.pop("INTER_AREA to 224"), median_us.pop("scope")
    print(f"{'':24s}{'median us':>10s}{'ratio':>8s}   (640x480, one thread, {arguments.rounds} rounds interleaved)")
    print(f"{'INTER_AREA to 224':24s}{reference_us:10.0f}{1.0:8.2f}")
    print(f"{'scope distance':24s}{scope_us:10.0f}{scope_us / reference_us:8.2f}")
    ratios = {name: (own_us + scope_us) / reference_us for name, own_us in median_us.items()}
    for name, ratio in ratios.items():
        verdict = "kept" if ratio <= PROMISE else f"MISSED (promise {PROMISE})"
        print(f"{name + ' + scope':24s}{median_us[name] + scope_us:10.0f}{ratio:8.2f}   {verdict}")
    if arguments.json:
        figures = {"v": 1, "reference_us": reference_us, "scope_us": scope_us, "own_us": median_us, "ratio": ratios, "promise": PROMISE}
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    return int(max(ratios.values()) > PROMISE)


if __name__ == "__main__":
    sys.exit(main())
