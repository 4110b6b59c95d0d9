"""How long a picture takes on each engine of this machine, one thread, side by side: what the report draws against accuracy."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter_ns

import numpy as np

from edge.backends.session import Graph, Place
from edge.backends.table import open_graph, require
from edge.frame import U8

__all__ = ["Timing", "medians_ms", "time_graphs", "write_timings"]

WARM, ROUNDS = 3, 30


@dataclass(frozen=True, slots=True)
class Timing:
    """A point of speed against accuracy, in the words of `export.report.gather.read_latency`."""

    name: str
    latency_ms: float
    balanced_accuracy: float
    side: str
    n: int


def medians_ms(runs: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Each in turn, `rounds` times, so that what else the machine does hits all of them alike."""
    for run in runs.values():
        for _ in range(WARM):
            run()
    seen: dict[str, list[int]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            began = perf_counter_ns()
            run()
            seen[name].append(perf_counter_ns() - began)
    return {name: median(times) / 1e6 for name, times in seen.items()}


def time_graphs(graphs: Mapping[str, tuple[Graph, str]], picture: U8) -> dict[str, float]:
    """graphs: name -> (graph, engine). picture: (h, w, 3) uint8 tensor. Median ms of one picture on one thread."""
    sessions = {name: open_graph(graph, require(engine), 1, Place(None, lambda _: None)) for name, (graph, engine) in graphs.items()}
    tensor = np.ascontiguousarray(picture)
    try:
        return medians_ms({name: partial(session.run, tensor) for name, session in sessions.items()})
    finally:
        for session in sessions.values():
            session.close()


def write_timings(timings: Sequence[Timing], path: Path) -> None:
    path.write_text(json.dumps([asdict(timing) for timing in timings], indent=1))
